"""Many findings and days on one screen: by rule, by shop and day, by shop alone.

Money stands per currency and is never added across currencies. Where shops are put in an order by
money, their largest single amount decides; that is an order, not a sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

import msgspec

from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import CATALOGUE
from tillway.reconcile.signs import symbol_of
from tillway.reconcile.store_day import ShownDay, StoreDay
from tillway.reconcile.till_clocks import TillClock, furthest_off

Amounts = dict[str, Decimal]
"""Currency -> amount."""
AT_RISK = frozenset({"exceptions", "reopened"})


class RuleGroup(msgspec.Struct):
    """The findings of one rule. money: differences without their signs; oldest: microseconds UTC.

    stores counts shops; "" (no shop known) is none of them.
    """

    rule: str
    code: str
    severity: str
    finds: str
    count: int = 0
    stores: int = 0
    money: Amounts = msgspec.field(default_factory=dict)
    oldest: int = 0
    owners: list[str] = msgspec.field(default_factory=list)


class Cell(msgspec.Struct, frozen=True, gc=False):
    """One shop on one day. amount: the largest open difference by currency, when there is one."""

    sign: str
    state: str
    gaps: int
    findings: int
    amount: dict[str, str]


class MatrixRow(msgspec.Struct):
    """One shop. at_risk: sales of its days that are exceptions or reopened, by currency."""

    store: str
    at_risk: Amounts = {}
    wrong: int = 0
    cells: dict[str, Cell] = {}


class Matrix(msgspec.Struct, frozen=True):
    """Shops by days. dates: every business date shown, oldest first; rows: most at risk first."""

    dates: list[str]
    rows: list[MatrixRow]
    states: dict[str, int]


class StoreBooks(msgspec.Struct):
    """What is unfinished of one shop: days that have sales and are not posted, with their money.

    clock_till: the till whose clock is off the most, clock_offset_seconds by how much: above 0 it
    is ahead.
    """

    unposted_days: int = 0
    exceptions: int = 0
    oldest_date: str = ""
    unposted: Amounts = msgspec.field(default_factory=dict)
    findings: int = 0
    clock_till: str = ""
    clock_offset_seconds: int = 0


class Alike(msgspec.Struct, frozen=True):
    """Open findings of one rule and shop that differ in nothing a group of findings tells."""

    rule: str
    store: str
    severity: str
    owner: str
    currency: str
    difference: str
    count: int
    first_seen: int


def by_rule(found: Iterable[Finding]) -> list[RuleGroup]:
    """Return findings grouped by rule: what blocks first, then the most."""
    return _grouped((one, 1) for one in found)


def alike_by_rule(found: Iterable[Alike]) -> list[RuleGroup]:
    """Return the same of findings that were counted already."""
    return _grouped((one, one.count) for one in found)


def _grouped(found: Iterable[tuple[Finding | Alike, int]]) -> list[RuleGroup]:
    groups: dict[str, RuleGroup] = {}
    stores: defaultdict[str, set[str]] = defaultdict(set)
    for one, count in found:
        rule = CATALOGUE[one.rule]
        group = groups.setdefault(
            one.rule, RuleGroup(one.rule, rule.code, one.severity, rule.finds)
        )
        group.count += count
        group.oldest = min(group.oldest or one.first_seen, one.first_seen)
        if one.severity == "error":
            group.severity = "error"
        if one.store:
            stores[one.rule].add(one.store)
        if one.owner and one.owner not in group.owners:
            group.owners.append(one.owner)
        difference = _money(one)
        if difference:
            _add(group.money, one.currency, abs(difference) * count)
    for name, group in groups.items():
        group.stores = len(stores[name])
    return sorted(groups.values(), key=lambda one: (one.severity != "error", -one.count, one.rule))


def matrix_of(days: Iterable[StoreDay | ShownDay]) -> Matrix:
    """Return days as a matrix; the money at risk decides the order of the rows.

    Days may come one by one, none is kept; and cells that are alike are one.
    """
    alike: dict[tuple[str, str, int, int], Cell] = {}
    rows: dict[str, MatrixRow] = {}
    states: defaultdict[str, int] = defaultdict(int)
    dates: set[str] = set()
    for day in days:
        row = rows.get(day.store)
        if row is None:
            row = rows[day.store] = MatrixRow(day.store)
        dates.add(day.business_date)
        states[day.state] += 1
        told = (symbol_of(day), day.state, day.gaps, day.findings)
        cell = None if day.difference else alike.get(told)
        if cell is None:
            cell = Cell(*told, day.difference)
            if not day.difference:
                alike[told] = cell
        row.cells[day.business_date] = cell
        if day.state in AT_RISK:
            row.wrong += 1
            for currency, amount in day.money.items():
                _add(row.at_risk, currency, Decimal(amount))
    return Matrix(sorted(dates), sorted(rows.values(), key=_most_at_risk), dict(states))


def store_books(
    unfinished: Iterable[StoreDay], findings: Mapping[str, int], clocks: Iterable[TillClock] = ()
) -> dict[str, StoreBooks]:
    """Return shop -> what is unfinished. findings: shop -> open ones that block."""
    found = {store: StoreBooks(findings=count) for store, count in findings.items() if store}
    for day in unfinished:
        books = found.setdefault(day.store, StoreBooks())
        books.exceptions += day.state == "exceptions"
        if not day.messages:
            continue
        books.unposted_days += 1
        books.oldest_date = min(books.oldest_date or day.business_date, day.business_date)
        for currency, amount in day.money.items():
            _add(books.unposted, currency, Decimal(amount))
    for store, clock in furthest_off(clocks).items():
        books = found.setdefault(store, StoreBooks())
        books.clock_till, books.clock_offset_seconds = clock.workstation, clock.offset_seconds
    return found


def last_days(newest: str, count: int) -> tuple[str, str]:
    """Return the first and the last of so many business dates that end with one (ISO)."""
    last = date.fromisoformat(newest)
    return (last - timedelta(days=count - 1)).isoformat(), newest


def largest(amounts: Mapping[str, Decimal]) -> Decimal:
    """Return the largest single amount, for putting things in an order."""
    return max(map(abs, amounts.values()), default=Decimal(0))


def _most_at_risk(row: MatrixRow) -> tuple[Decimal, int, str]:
    return -largest(row.at_risk), -row.wrong, row.store


def _money(one: Finding | Alike) -> Decimal:
    """Return the difference of a finding that states money, else zero."""
    if not (one.currency and one.difference):
        return Decimal(0)
    try:
        return Decimal(one.difference)
    except InvalidOperation:
        return Decimal(0)


def _add(amounts: Amounts, currency: str, amount: Decimal) -> None:
    amounts[currency] = amounts.get(currency, Decimal(0)) + amount

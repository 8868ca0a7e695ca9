"""What the hub must hold of each store-day in the end, and which declarations it must disprove.

It adds up what is handed over, never what the shops meant: a lost sale is not in it, a changed one
is in it as it was told. Only planned business days have an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import CROSS_SYSTEM, DAY_ARITHMETIC, WARNINGS, ExpectedFinding
from tillway.simulator.facts import (
    DayClose,
    DaySums,
    Fact,
    PostVoid,
    Receipt,
    TillSettle,
    amount_text,
)
from tillway.simulator.plan import ChainPlan, StorePlan
from tillway.simulator.registers import add_to_day


class TruthDay(msgspec.Struct, frozen=True, tag="day", tag_field="line"):
    """What one store-day comes to once everything has arrived; money is text.

    transactions counts receipts and post-voids. tenders: by type, net of change. state: `balanced`,
    `exceptions`, or `open` when the run ended before the day did. rules: the error rules that hold
    the day; what acquirer and bank say holds no day. mismatches: what the declarations of the day
    really disagree with, whatever its faults should cause.
    """

    store: str
    business_date: str
    currency: str
    transactions: int
    gross: str
    discount: str
    net: str
    tax: str
    grand: str
    tenders: dict[str, str]
    state: str
    rules: list[str] = []
    mismatches: list[ExpectedFinding] = []


class _Account(msgspec.Struct):
    """One store-day. numbers: how many each register used that arrived, quarantined ones too."""

    store: StorePlan
    day: date
    transactions: int = 0
    sums: DaySums = msgspec.field(default_factory=DaySums)
    drawers: dict[tuple[str, str], tuple[int, int]] = msgspec.field(default_factory=dict)
    numbers: dict[str, int] = msgspec.field(default_factory=dict)
    settled: list[TillSettle] = msgspec.field(default_factory=list)
    closed: DayClose | None = None
    close_lost: bool = False
    rules: set[str] = msgspec.field(default_factory=set)


class Accounts:
    """The account of every store-day of a chain; give it every delivery in its order."""

    def __init__(self, plan: ChainPlan) -> None:
        self._dates = frozenset(plan.dates())
        self._stores = {store.business_unit_id: store for store in plan.store_plans()}
        self._accounts: dict[tuple[str, date], _Account] = {}

    def take(self, delivery: Delivery) -> None:
        """Book what the hub will hold, and what a fault will do to its day."""
        fact = delivery.fact
        for finding in delivery.findings:
            self._note(finding)
        if fact.day not in self._dates or fact.system != fact.store.system:
            return
        account = self._of(fact.store.business_unit_id, fact.day)
        if delivery.fault == "missing_close":
            account.close_lost = True
        if delivery.kind != "message":
            return
        if fact.number is not None:
            account.numbers[fact.till] = account.numbers.get(fact.till, 0) + 1
        if delivery.outcome == "accepted":
            _book(account, fact)

    def days(self) -> Iterator[TruthDay]:
        """Yield every store-day in order of store and date."""
        for _, account in sorted(self._accounts.items()):
            yield _truth_of(account)

    def _of(self, store: str, day: date) -> _Account:
        known = self._accounts.get((store, day))
        if known is None:
            known = self._accounts[store, day] = _Account(self._stores[store], day)
        return known

    def _note(self, finding: ExpectedFinding) -> None:
        """Remember a rule that holds a day; declarations are judged by their figures instead."""
        if not finding.store or finding.rule in CROSS_SYSTEM | WARNINGS | DAY_ARITHMETIC:
            return
        day = date.fromisoformat(finding.business_date)
        if day in self._dates:
            self._of(finding.store, day).rules.add(finding.rule)


def _book(account: _Account, fact: Fact) -> None:
    match fact:
        case Receipt() | PostVoid():
            receipt = fact.reversed_receipt if isinstance(fact, PostVoid) else fact
            account.transactions += 1
            add_to_day(account.sums, receipt)
            for paid in receipt.tenders:
                taken, returned = account.drawers.get((fact.till, paid.kind), (0, 0))
                taken, returned = taken + max(paid.amount, 0), returned - min(paid.amount, 0)
                account.drawers[fact.till, paid.kind] = (taken, returned)
        case TillSettle():
            account.settled.append(fact)
        case DayClose():
            account.closed = fact


def _truth_of(account: _Account) -> TruthDay:
    sums, mismatches = account.sums, list(_mismatches(account))
    rules = sorted(account.rules | {one.rule for one in mismatches})
    return TruthDay(
        store=account.store.business_unit_id,
        business_date=account.day.isoformat(),
        currency=account.store.currency,
        transactions=account.transactions,
        gross=amount_text(sums.gross),
        discount=amount_text(sums.discount),
        net=amount_text(sums.gross - sums.discount),
        tax=amount_text(sums.tax),
        grand=amount_text(sums.grand),
        tenders={kind: amount_text(one[1]) for kind, one in sorted(sums.tenders.items())},
        state=_state(account, rules),
        rules=rules,
        mismatches=mismatches,
    )


def _state(account: _Account, rules: list[str]) -> str:
    if account.closed is None and not account.close_lost:
        return "open"
    return "exceptions" if rules else "balanced"


def _mismatches(account: _Account) -> Iterator[ExpectedFinding]:
    store, day = account.store.business_unit_id, account.day.isoformat()
    if account.closed is not None:
        for one in account.closed.workstations:
            if one.count != account.numbers.get(one.till, 0):
                yield ExpectedFinding("COUNT_MISMATCH", store, day, one.till)
        if _figures(account.closed.sums) != _figures(account.sums):
            yield ExpectedFinding("TOTALS_MISMATCH", store, day, "day")
    for settle in account.settled:
        declared = {one.kind: (one.sales, one.returns) for one in settle.ledgers}
        declared = {kind: sums for kind, sums in declared.items() if any(sums)}
        received = {
            kind: sums
            for (till, kind), sums in account.drawers.items()
            if till == settle.till and any(sums)
        }
        if declared != received:
            yield ExpectedFinding("TOTALS_MISMATCH", store, day, f"till {settle.till}")


def _figures(sums: DaySums) -> tuple[object, ...]:
    """Return what a close record declares, without what is zero."""
    taxes = {rate: tax for rate, (_, tax) in sums.taxes.items() if tax}
    tenders = {kind: amount for kind, (_, amount) in sums.tenders.items() if amount}
    return sums.gross, sums.discount, sums.tax, sums.grand, sums.returns, taxes, tenders

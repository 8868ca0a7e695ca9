"""The rules about counted money: over and short, and what tills declare against their receipts.

Everything is done at the balancing level of the project: each drawer, each operator, or the shop as
one. Sessions of one drawer add up before they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from tillway.reconcile.audit_numbers import Surroundings
from tillway.reconcile.day_book import Count, DayBook, TenderTotal
from tillway.reconcile.facts import ZERO
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge
from tillway.reconcile.totals import mismatch, pairs

WORDS = {"workstation": "till", "operator": "operator", "store": "store"}
Amounts = dict[str, Decimal]


class Balance(msgspec.Struct):
    """What was counted at one place of the balancing level, in one currency, by tender type.

    over_short: by the method of the project; unsigned are the others but it.
    """

    place: str
    currency: str
    sold: Amounts = msgspec.field(default_factory=dict)
    given_back: Amounts = msgspec.field(default_factory=dict)
    over_short: Amounts = msgspec.field(default_factory=dict)


def audit_tills(book: DayBook, around: Surroundings, judge: Judge) -> Iterator[Finding]:
    """Compare each count with the receipts of its place, and look for those not counted."""
    counted: set[str] = set()
    for balance in balances(book, around.level, around.method):
        counted.add(balance.place)
        subject = _subject(balance, around)
        totals = _taken(book, balance.place, around.level, balance.currency)
        figures = pairs("sold", balance.sold, {k: t.taken for k, t in totals.items()})
        figures += pairs(
            "given back", balance.given_back, {k: t.given_back for k, t in totals.items()}
        )
        yield from mismatch(
            subject, figures, balance.currency, around.store, around.business_date, judge
        )
        yield from _over_short(balance, subject, around, judge)
    if not around.counts_tills or (book.closed is None and not around.past_cut_off):
        return
    for drawer, by_currency in book.drawers.items():
        place = "" if around.level == "store" else drawer
        traded = any(_moved(totals) for totals in by_currency.values())
        if traded and place not in counted and (drawer or around.level == "store"):
            counted.add(place)
            yield from judge.finding(
                "MISSING_DECLARATION",
                around.store,
                around.business_date,
                subject=f"{WORDS[around.level]} {place}".rstrip(),
            )


def over_short(book: DayBook, level: str, method: str) -> dict[str, Amounts]:
    """Return over and short of a day: currency -> tender type -> signed amount.

    level: workstation, operator or store; method: declared (as the till says so), expected (counted
    less what the till expects) or computed (counted less what receipts and movements come to).
    """
    found: dict[str, Amounts] = {}
    for balance in balances(book, level, method):
        into = found.setdefault(balance.currency, {})
        for tender, amount in balance.over_short.items():
            into[tender] = into.get(tender, ZERO) + amount
    return found


def balances(book: DayBook, level: str, method: str) -> list[Balance]:
    """Return what was counted, by place and currency, in the order of their names."""
    found: dict[tuple[str, str], Balance] = {}
    drawn: dict[tuple[str, str], Amounts] = {}
    for count in sorted(book.counts.values(), key=lambda one: one.natural_key):
        place = _place(book, count, level)
        key = (place, count.currency)
        balance = found.setdefault(key, Balance(*key))
        declared = count.declared
        _add(balance.sold, declared.sold)
        _add(balance.given_back, declared.given_back)
        if method == "computed":
            _add(drawn.setdefault(key, {}), declared.in_drawer)
            _add(drawn[key], declared.opening, sign=-1)
        else:
            _add(balance.over_short, _stated(count, method))
    for key, amounts in drawn.items():
        _add(found[key].over_short, _computed(book, *key, level, amounts))
    return [found[key] for key in sorted(found)]


def _stated(count: Count, method: str) -> Amounts:
    declared = count.declared
    if method == "declared":
        return declared.over_short
    both = declared.in_drawer.keys() & declared.expected.keys()
    return {kind: declared.in_drawer[kind] - declared.expected[kind] for kind in both}


def _computed(
    book: DayBook, place: str, currency: str, level: str, over_opening: Amounts
) -> Amounts:
    """Return counted less opening less what receipts and movements put in, for counted tenders."""
    taken = _taken(book, place, level, currency)
    moved: Amounts = {}
    for drawer, by_currency in book.moved.items():
        if level == "store" or drawer == place:
            _add(moved, by_currency.get(currency, {}))
    return {
        kind: amount - (taken[kind].amount if kind in taken else ZERO) - moved.get(kind, ZERO)
        for kind, amount in over_opening.items()
    }


def _place(book: DayBook, count: Count, level: str) -> str:
    """Return which drawer or operator a count is of, as receipts call it."""
    if level == "store":
        return ""
    if level == "operator":
        return count.operator or count.till
    for name in (count.till, count.workstation, count.operator):
        if name in book.drawers:
            return name
    return count.till


def _taken(book: DayBook, place: str, level: str, currency: str) -> dict[str, TenderTotal]:
    if level != "store":
        return book.drawers.get(place, {}).get(currency, {})
    found: dict[str, TenderTotal] = {}
    for by_currency in book.drawers.values():
        for kind, one in by_currency.get(currency, {}).items():
            total = found.setdefault(kind, TenderTotal())
            total.taken += one.taken
            total.given_back += one.given_back
    return found


def _over_short(
    balance: Balance, subject: str, around: Surroundings, judge: Judge
) -> Iterator[Finding]:
    allowed = judge.tolerance("OVER_SHORT")
    over = {kind: amount for kind, amount in balance.over_short.items() if abs(amount) > allowed}
    if over:
        total = sum(over.values(), ZERO)
        yield from judge.finding(
            "OVER_SHORT",
            around.store,
            around.business_date,
            subject=subject,
            currency=balance.currency,
            expected="0",
            found=str(total),
            difference=str(total),
            detail=", ".join(f"{kind} {amount:+}" for kind, amount in sorted(over.items())),
        )


def _subject(balance: Balance, around: Surroundings) -> str:
    """Return how a finding calls the place; money that is not the shop's own is named."""
    foreign = around.currency and balance.currency != around.currency
    currency = balance.currency if foreign else ""
    return " ".join(filter(None, (WORDS[around.level], balance.place, currency)))


def _moved(totals: Mapping[str, TenderTotal]) -> bool:
    return any(one.taken or one.given_back for one in totals.values())


def _add(into: Amounts, amounts: Mapping[str, Decimal], sign: int = 1) -> None:
    for kind, amount in amounts.items():
        into[kind] = into.get(kind, ZERO) + sign * amount

"""What a fault makes of a fact: the copy, the changed receipt, the record that says something else.

Every changed receipt still balances in itself; what is wrong with it shows beside others only.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date

import msgspec

from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import card_references, of_fact, other_totals
from tillway.simulator.facts import (
    Control,
    DayClose,
    Fact,
    Receipt,
    SoldLine,
    TaxSum,
    TillSettle,
    amount_text,
)
from tillway.simulator.fault_plan import COUNT_FAULTS, FaultKind
from tillway.simulator.receipts import UNTAXED, altered_copy, half_up, total

IN_THE_DAY = frozenset({"no_sale", "cancelled", "suspended", "resumed"})
WRONG_RATE = 1300
"""Hundredths of a percent; no country of the chain has this rate."""
_NO_CARD: frozenset[FaultKind] = frozenset({"unknown_tender", "misdated", "future_date"})
_NEED_GOODS: frozenset[FaultKind] = frozenset({"conflict", "altered"})


def again(fact: Fact) -> Delivery:
    """Return the same bytes once more."""
    return Delivery("duplicate", fact, "duplicate", "duplicate")


def conflict(fact: Fact) -> Delivery:
    """Return the receipt under the same key with another amount."""
    changed = altered_copy(fact) if isinstance(fact, Receipt) else fact
    found = (of_fact("SEQ_CONFLICT", fact),)
    return Delivery("conflict", changed, "conflict", "conflict", findings=found)


def unknown_tender(receipt: Receipt) -> Delivery:
    """Return the receipt paid with something no code table knows; its money stays the same."""
    strange = [
        msgspec.structs.replace(
            paid, kind="unknown", tendered=0, change=0, scheme="", auth_code="", payment_ref=""
        )
        for paid in receipt.tenders
    ]
    changed = msgspec.structs.replace(receipt, tenders=strange)
    found = tuple(other_totals(receipt))
    return Delivery("message", changed, "quarantined", "unknown_tender", findings=found)


def wrong_count(settle: TillSettle, over: int) -> Delivery:
    """Return the till count with so many cents too much in the drawer, too few when negative."""
    ledgers = [
        msgspec.structs.replace(ledger, over=over) if ledger.kind == "cash" else ledger
        for ledger in settle.ledgers
    ]
    fault: FaultKind = "till_over" if over > 0 else "till_short"
    changed = msgspec.structs.replace(settle, ledgers=ledgers)
    found = (of_fact("OVER_SHORT", settle, f"till {settle.till}"),)
    detail = amount_text(over)
    return Delivery("message", changed, "accepted", fault, detail=detail, findings=found)


def other_rate(receipt: Receipt) -> Receipt:
    """Return the receipt with its first taxed article under a rate that nobody has."""
    copy = deepcopy(receipt)
    line = _taxed_line(copy)
    assert line is not None, "may_carry looked"
    line.tax_rate = WRONG_RATE
    total(copy)
    copy.rounding, copy.tip, copy.grand = receipt.rounding, receipt.tip, receipt.grand
    return copy


def dated(receipt: Receipt, day: date) -> Receipt:
    """Return the receipt under another business date; its times stay."""
    return msgspec.structs.replace(receipt, day=day)


def one_too_many(close: DayClose, till: str) -> DayClose:
    """Return the close record with one transaction more than a register had."""
    counted = [
        msgspec.structs.replace(one, count=one.count + 1) if one.till == till else one
        for one in close.workstations
    ]
    return msgspec.structs.replace(close, workstations=counted)


def with_taxes_of(close: DayClose, changes: list[tuple[list[TaxSum], list[TaxSum]]]) -> DayClose:
    """Return the close record as it is when these receipts had the second taxes, not the first."""
    sums = deepcopy(close.sums)
    for was, now in changes:
        for sign, taxes in ((-1, was), (1, now)):
            for one in taxes:
                taxable, tax = sums.taxes.get(one.rate, (0, 0))
                sums.taxes[one.rate] = (taxable + sign * one.taxable, tax + sign * one.tax)
                sums.tax += sign * one.tax
    return msgspec.structs.replace(close, sums=sums)


def may_carry(fault: FaultKind, fact: Fact) -> bool:
    """Say whether a fact can have this fault.

    Plain sales with money in them can have every fault of a sale; in-between records without goods
    can be lost or late. Neither is ever the first or last number of a register's day, where a
    missing number could not be seen. A card payment is also known to the acquirer, so what hides or
    moves a receipt befalls only those without one.
    """
    if fault in COUNT_FAULTS:
        return isinstance(fact, TillSettle) and any(one.kind == "cash" for one in fact.ledgers)
    if isinstance(fact, Control) and fault in {"number_gap", "late", "out_of_order"}:
        return fact.kind in IN_THE_DAY
    if not isinstance(fact, Receipt) or fact.kind != "sale" or not fact.tenders:
        return False
    if fault in _NO_CARD and card_references(fact):
        return False
    if fault == "wrong_tax":
        return _taxed_line(fact) is not None
    return fault not in _NEED_GOODS or (fact.grand > 0 and _has_goods(fact))


def _has_goods(receipt: Receipt) -> bool:
    return any(line.kind == "sale" and not line.voided for line in receipt.lines)


def _taxed_line(receipt: Receipt) -> SoldLine | None:
    """Return the first line whose tax another rate changes; only where prices contain tax."""
    if not receipt.store.habits.tax_included:
        return None
    for line in receipt.lines:
        if not line.voided and line.kind == "sale" and line.kind not in UNTAXED:
            other = half_up(line.net * WRONG_RATE, 10_000 + WRONG_RATE)
            if other != half_up(line.net * line.tax_rate, 10_000 + line.tax_rate):
                return line
    return None

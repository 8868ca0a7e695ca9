"""What a message says about its store-day, cut down to what books and rules need.

Facts are kept beside the journal, so that a day is audited again without decoding its messages.
Amounts are Decimals as the message states them, signed and additive as in the retail model; a
training transaction uses up its number and has no money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec

from tillway.model import cash, retail
from tillway.model.lines import Line, LineTax
from tillway.reconcile import receipts
from tillway.reconcile.marks import Mark, marked

Kind = Literal["receipt", "void", "control", "cash", "till", "opened", "closed"]
ZERO = Decimal(0)
LIABILITIES = {
    "gift_card_sale": "gift_card",
    "deposit": "deposit",
    "deposit_return": "deposit",
    "account_payment": "account_payment",
    "donation": "other",
}
"""Line types that are owed to somebody and no sale -> the posting line that takes them."""


class TaxSum(msgspec.Struct, array_like=True, gc=False):
    """Tax of one rate; rate is percent as text, "" where the source names none.

    count: how many taxes were rounded on the way to it. judged: whether each of them stated both
    its rate and what it was computed on.
    """

    rate: str
    taxable: Decimal
    tax: Decimal
    included: bool
    count: int = 1
    judged: bool = False


class Paid(msgspec.Struct, array_like=True, gc=False):
    """One tender, net of change. reference: that of the payment provider, "" where none is."""

    tender_type: str
    amount: Decimal
    reference: str = ""


class Sold(msgspec.Struct, array_like=True, gc=False):
    """Lines of one merchandise group and tax rate, discounts taken off, tax not contained."""

    group: str
    rate: str
    amount: Decimal


class Owed(msgspec.Struct, array_like=True, gc=False):
    """Lines that are a liability and no sale; kind is a posting line type."""

    kind: str
    amount: Decimal


class Declared(msgspec.Struct, array_like=True, gc=False, omit_defaults=True):
    """What a close record or a till settlement states; None where it states nothing.

    tenders: tender type -> signed sum. registers: workstation -> (first number, last number,
    count). The others by tender are of a settlement: sold and given back unsigned, over_short as
    it says so itself, in_drawer what was counted.
    """

    gross: Decimal | None = None
    discount: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    grand: Decimal | None = None
    returns: Decimal | None = None
    taxes: dict[str, Decimal] = {}
    tenders: dict[str, Decimal] = {}
    registers: dict[str, tuple[int | None, int | None, int | None]] = {}
    sold: dict[str, Decimal] = {}
    given_back: dict[str, Decimal] = {}
    over_short: dict[str, Decimal] = {}
    counted: bool = False
    opening: dict[str, Decimal] = {}
    expected: dict[str, Decimal] = {}
    in_drawer: dict[str, Decimal] = {}


class Breach(msgspec.Struct, array_like=True, gc=False):
    """A finding that intake stored beside the message (`model.findings`)."""

    rule: str
    path: str
    expected: str
    found: str
    difference: Decimal | None = None


class Fact(msgspec.Struct, array_like=True, gc=False, omit_defaults=True):
    """One message of a store-day. number is None where the source numbers nothing.

    happened_at: seconds since 1970, 0 for unknown. till: the drawer, else the workstation.
    reference: of a deposit.
    """

    kind: Kind
    natural_key: str
    system: str
    currency: str = ""
    workstation: str = ""
    epoch: int = 0
    number: int | None = None
    till: str = ""
    operator: str = ""
    happened_at: int = 0
    received_at: int = 0
    training: bool = False
    subtype: str = ""
    """Transaction, control or movement type."""
    gross: Decimal = ZERO
    discount: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO
    rounding: Decimal = ZERO
    tip: Decimal = ZERO
    grand: Decimal = ZERO
    returns: Decimal = ZERO
    taxes: tuple[TaxSum, ...] = ()
    tenders: tuple[Paid, ...] = ()
    sales: tuple[Sold, ...] = ()
    owed: tuple[Owed, ...] = ()
    amount: Decimal = ZERO
    reference: str = ""
    declared: Declared | None = None
    breaches: tuple[Breach, ...] = ()
    single: bool = False
    """Whether the receipt is booked by itself, and so left out of the day's posting."""
    marks: tuple[Mark, ...] = ()
    overrides: int = 0
    """Lines whose price somebody changed by hand."""
    untaxed: Decimal = ZERO
    """What was sold at a rate and taxed with nothing, no reason given."""


def fact_of(message: Any, natural_key: str, system: str, received_at: int) -> Fact | None:
    """Return the fact of a canonical message, None for one that belongs to no store-day."""
    make = _MAKERS.get(type(message))
    if make is None:
        return None
    number = message.sequence_number
    fact = Fact(
        kind=_KINDS[type(message)],
        natural_key=natural_key,
        system=system,
        currency=getattr(message, "currency", None) or "",
        workstation=message.workstation_id or "",
        epoch=message.register_epoch,
        number=number if message.workstation_id else None,
        till=getattr(message, "till_id", None) or message.workstation_id or "",
        operator=message.operator_id or "",
        happened_at=0 if message.end_at is None else int(message.end_at.timestamp()),
        received_at=received_at,
        training=message.training,
    )
    make(message, fact)
    return fact


def reversed_fact(original: Fact, void: Fact) -> Fact:
    """Return a post-void that did not list what it takes back, filled from its receipt."""
    fact = msgspec.structs.replace(void)
    fact.taxes = tuple(
        TaxSum(one.rate, -one.taxable, -one.tax, one.included, one.count, one.judged)
        for one in original.taxes
    )
    fact.tenders = tuple(
        Paid(one.tender_type, -one.amount, one.reference) for one in original.tenders
    )
    fact.sales = tuple(Sold(one.group, one.rate, -one.amount) for one in original.sales)
    fact.owed = tuple(Owed(one.kind, -one.amount) for one in original.owed)
    return fact


def _receipt(message: Any, fact: Fact) -> None:
    fact.subtype = getattr(message, "transaction_type", "") or getattr(message, "void_type", "")
    if fact.training:
        return
    totals = message.totals
    lines = [line for line in message.lines if not line.voided]
    included = bool(message.tax_included)
    fact.grand = totals.grand
    fact.rounding = totals.rounding or ZERO
    fact.tip = totals.tip or ZERO
    fact.taxes = _taxes(message, lines, included=included)
    fact.tax = totals.tax if totals.tax is not None else _sum([one.tax for one in fact.taxes])
    fact.net = totals.net if totals.net is not None else _sum([line.net_amount for line in lines])
    fact.discount = totals.discount or ZERO
    fact.gross = totals.gross if totals.gross is not None else fact.net + fact.discount
    fact.tenders = tuple(
        [Paid(one.tender_type, one.amount, one.payment_ref or "") for one in message.tenders]
    )
    _split(lines, fact, included=included)
    fact.marks, fact.overrides, fact.untaxed = marked(message, lines)


def _taxes(message: Any, lines: list[Line], *, included: bool) -> tuple[TaxSum, ...]:
    """Return the taxes by rate: the receipt's own, being as printed, else those of its lines."""
    sums: dict[tuple[str, bool], TaxSum] = {}
    # Tills round each line's tax, so the receipt's tax holds as many roundings as it has lines.
    each = max(len(lines), 1) if message.taxes else 1
    taxes: Iterable[LineTax] = message.taxes or (tax for line in lines for tax in line.tax)
    for tax in taxes:
        inside = included if tax.included is None else tax.included
        rate = _rate(tax)
        judged = tax.taxable_amount is not None and rate != ""
        known = sums.get((rate, inside))
        if known is None:
            taxable = tax.taxable_amount or ZERO
            sums[rate, inside] = TaxSum(rate, taxable, tax.tax_amount, inside, each, judged)
        else:
            known.taxable += tax.taxable_amount or ZERO
            known.tax += tax.tax_amount
            known.count += each
            known.judged = known.judged and judged
    return tuple(sums.values())


def _split(lines: list[Line], fact: Fact, *, included: bool) -> None:
    """Say what was sold before tax, by group and rate, what is owed, and what was taken back.

    What included tax of the receipt the lines do not carry is taken from the largest group, so
    that sales, tax and liabilities always make up what the receipt says.
    """
    only = _only_rate(fact.taxes)
    sold: dict[tuple[str, str], Decimal] = {}
    owed: dict[str, Decimal] = {}
    carried = ZERO
    for line in lines:
        amount, kind, rate = line.net_amount, line.line_type, only
        if kind != "sale":
            if kind in LIABILITIES:
                to = LIABILITIES[kind]
                owed[to] = owed.get(to, ZERO) + amount
                continue
            if kind == "return":
                fact.returns += amount
        if line.tax:
            stated = line.tax[0].rate
            rate = "" if stated is None else _rate_text(stated)
            for tax in line.tax:
                if included if tax.included is None else tax.included:
                    carried += tax.tax_amount
                    amount -= tax.tax_amount
        key = (line.merchandise_hierarchy or "", rate)
        sold[key] = sold[key] + amount if key in sold else amount
    if not lines:
        sold["", only] = fact.net
    rest = _sum([one.tax for one in fact.taxes if one.included]) - carried
    if rest and sold:
        largest = max(sold, key=lambda key: abs(sold[key]))
        sold[largest] -= rest
    fact.sales = tuple([Sold(group, rate, amount) for (group, rate), amount in sold.items()])
    fact.owed = tuple([Owed(kind, amount) for kind, amount in owed.items()])


def _only_rate(taxes: tuple[TaxSum, ...]) -> str:
    return taxes[0].rate if len(taxes) == 1 else ""


def _rate(tax: LineTax) -> str:
    return "" if tax.rate is None else _rate_text(tax.rate)


@lru_cache(maxsize=256)
def _rate_text(rate: Decimal | str) -> str:
    return f"{Decimal(rate).normalize():f}"


def _control(message: Any, fact: Fact) -> None:
    fact.subtype = message.control_type


def _cash(message: Any, fact: Fact) -> None:
    fact.subtype = message.movement_type
    if not fact.training:
        fact.amount = message.amount
        fact.reference = message.envelope_id or fact.natural_key
        fact.tenders = (Paid(message.tender_type, message.amount),)


def _till(message: Any, fact: Fact) -> None:
    declared = Declared(counted=any(one.counted is not None for one in message.tenders))
    for one in message.tenders:
        kind = one.tender_type
        if one.sales is not None:
            declared.sold[kind] = one.sales
        if one.returns is not None:
            declared.given_back[kind] = one.returns
        for name, amount in (
            ("opening", one.opening),
            ("expected", one.expected),
            ("in_drawer", one.counted),
        ):
            if amount is not None:
                getattr(declared, name)[kind] = amount
        difference = one.over_short
        if difference is None and one.counted is not None and one.expected is not None:
            difference = one.counted - one.expected
        if difference is not None:
            declared.over_short[kind] = difference
    fact.reference = message.session_id
    fact.declared = declared


def _opened(_message: Any, _fact: Fact) -> None:
    """Nothing but its number and its time counts."""


def _closed(message: Any, fact: Fact) -> None:
    declared = Declared(
        tenders={one.tender_type: one.amount for one in message.tenders},
        registers={
            one.workstation_id: (one.first_sequence, one.last_sequence, one.transaction_count)
            for one in message.workstations
        },
    )
    totals = message.totals
    if totals is not None:
        for name in ("gross", "discount", "net", "tax", "grand", "returns"):
            setattr(declared, name, getattr(totals, name))
        declared.taxes = {_rate(one): one.tax_amount for one in totals.taxes}
    fact.declared = declared
    if message.closed_at is not None:
        fact.happened_at = int(message.closed_at.timestamp())


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


_KINDS: dict[type, Kind] = {
    retail.RetailTransaction: "receipt",
    retail.VoidedTransaction: "void",
    receipts.Receipt: "receipt",
    receipts.PostVoid: "void",
    retail.ControlRecord: "control",
    cash.CashMovement: "cash",
    cash.TillSettlement: "till",
    cash.BusinessDayOpened: "opened",
    cash.BusinessDayClosed: "closed",
}
_MAKERS: dict[type, Callable[[Any, Fact], None]] = {
    retail.RetailTransaction: _receipt,
    retail.VoidedTransaction: _receipt,
    receipts.Receipt: _receipt,
    receipts.PostVoid: _receipt,
    retail.ControlRecord: _control,
    cash.CashMovement: _cash,
    cash.TillSettlement: _till,
    cash.BusinessDayOpened: _opened,
    cash.BusinessDayClosed: _closed,
}

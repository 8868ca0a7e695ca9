"""Writes what happens in a millrace shop: rows of CSV in ISO 8859-1 with decimal commas.

One document is a run of rows with the same shop, till, date and number: a header row (H), then
lines (L), taxes (V), tenders (T, or K for a card); a till count has a session (S) and counts (C), a
day sums (B), registers (W) and tender totals (Z), a bag of cash its number (E). A register whose
counter started again ends each document with a row that says how often (R). Each kind of row has
columns of its own; the file has no heading, the first field tells the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tillway.simulator.facts import (
    CashMove,
    Control,
    DayClose,
    DayOpen,
    Fact,
    PostVoid,
    Receipt,
    SoldLine,
    TillSettle,
    amount_text,
    quantity_text,
)

ENCODING = "iso-8859-1"
LINE_KINDS = {
    "sale": "ART",
    "return": "RET",
    "deposit": "DEP",
    "deposit_return": "EMB",
    "gift_card_sale": "GIF",
}
TENDER_CODES = {
    "cash": "10",
    "credit": "21",
    "debit": "22",
    "voucher": "30",
    "gift_card": "31",
    "unknown": "99",
}
CONTROL_CODES = {
    "sign_on": "ON",
    "sign_off": "OFF",
    "no_sale": "NS",
    "cancelled": "CA",
    "suspended": "SU",
    "resumed": "RE",
    "training": "TR",
}
CASH_CODES = {"float_in": "FLOAT", "paid_out": "OUT", "pickup": "PICKUP", "bank_deposit": "BANK"}
ENTRY_CODES = {"scanned": "1", "keyed": "2", "weighed": "3", "automatic": "4"}
REBATES = {"promotion": "P", "coupon": "C", "employee": "E"}

Row = tuple[str, ...]


def render(fact: Fact) -> bytes:
    """Return the rows of one fact, each ended by CR LF."""
    rows = _rows(fact)
    if fact.epoch:
        rows.append(("R", str(fact.epoch)))
    text_rows = [_row(kind, fact, fields) for kind, *fields in rows]
    return "".join(text_rows).encode(ENCODING)


def pack(documents: Sequence[bytes]) -> bytes:
    """Return documents as one file."""
    return b"".join(documents)


def _row(kind: str, fact: Fact, fields: Sequence[str]) -> str:
    head = (kind, fact.store.business_unit_id, _till(fact), fact.day.isoformat(), _number(fact))
    return ";".join((*head, *fields)) + "\r\n"


def _till(fact: Fact) -> str:
    return "00" if isinstance(fact, DayOpen | DayClose) else fact.till


def _number(fact: Fact) -> str:
    """Return the number, or the word that tells day records without one apart."""
    match fact:
        case TillSettle():
            return fact.session
        case DayOpen():
            return "OPEN"
        case DayClose():
            return "CLOSE"
    return str(fact.number)


def _rows(fact: Fact) -> list[Row]:
    match fact:
        case Receipt():
            return [_head(fact, fact.kind.upper(), fact), *_receipt(fact)]
        case PostVoid():
            backwards = fact.reversed_receipt
            key = ":".join(fact.voided_key)
            return [_head(fact, "VOID", backwards, about=key), *_receipt(backwards)]
        case Control():
            return [_head(fact, "CONTROL", about=CONTROL_CODES[fact.kind])]
        case CashMove():
            about = CASH_CODES[fact.kind]
            head = _head(fact, "CASH", amount=fact.amount, about=about)
            return [head, ("E", fact.envelope, fact.safe)] if fact.envelope else [head]
        case TillSettle():
            return [_head(fact, "SETTLE"), _session(fact), *_counts(fact)]
        case DayOpen():
            return [_head(fact, "OPEN")]
        case DayClose():
            return [_head(fact, "CLOSE"), *_day(fact)]
    raise AssertionError(f"no rows for {type(fact).__name__}")


def _head(
    fact: Fact, kind: str, sums: Receipt | None = None, *, amount: int = 0, about: str = ""
) -> Row:
    """Return the header row; about is the control code, cash code or the key that is voided."""
    times = (_moment(fact, begin=True), _moment(fact, begin=False))
    if sums is None:
        money: Row = (_comma(0),) * 5 + (_comma(amount), "0")
    else:
        amounts = (sums.gross, sums.discount, sums.net, sums.tax, sums.rounding, sums.grand)
        money = (*map(_comma, amounts), str(sums.item_count))
    return ("H", kind, *times, fact.operator, fact.store.currency, *money, about)


def _receipt(receipt: Receipt) -> list[Row]:
    rows = [_line(line) for line in receipt.lines]
    rows += [("V", _comma(tax.rate), _comma(tax.taxable), _comma(tax.tax)) for tax in receipt.taxes]
    rows += [
        (
            "K" if paid.scheme else "T",
            TENDER_CODES[paid.kind],
            _comma(paid.amount),
            _comma(paid.tendered or paid.amount),
            _comma(paid.change),
            _comma(paid.rounding),
            paid.scheme,
            paid.last4,
            paid.auth_code,
            *((paid.payment_ref,) if paid.scheme else ()),
        )
        for paid in receipt.tenders
    ]
    return rows


def _line(line: SoldLine) -> Row:
    key, number = line.original or ("", 0)
    return (
        "L",
        str(line.number),
        LINE_KINDS[line.kind],
        line.item.code,
        "P" if line.item.is_plu else "E",
        line.item.name,
        line.item.department,
        quantity_text(line.thousandths).replace(".", ","),
        "kg" if line.item.weighed else "st",
        _comma(line.unit_price),
        _comma(line.gross),
        _comma(line.discount),
        _comma(line.net),
        _comma(line.tax_rate),
        _comma(line.tax),
        ENTRY_CODES[line.entry],
        "X" if line.voided else "",
        key,
        str(number) if number else "",
        REBATES[line.reason.method] if line.reason else "",
        line.reason.code if line.reason else "",
    )


def _session(settle: TillSettle) -> Row:
    lines, voids = settle.line_voids, settle.post_voids
    numbers = (str(settle.first), str(settle.last), str(settle.cancelled))
    return ("S", *numbers, str(lines[0]), _comma(lines[1]), str(voids[0]), _comma(voids[1]))


def _counts(settle: TillSettle) -> list[Row]:
    return [
        (
            "C",
            TENDER_CODES[ledger.kind],
            _comma(ledger.sales),
            _comma(ledger.returns),
            _comma(ledger.paid_out),
            _comma(ledger.loans),
            _comma(ledger.pickups),
            _comma(ledger.expected),
            _comma(ledger.counted),
            _comma(ledger.over),
        )
        for ledger in settle.ledgers
    ]


def _day(close: DayClose) -> list[Row]:
    sums = close.sums
    amounts = (
        sums.gross,
        sums.discount,
        sums.gross - sums.discount,
        sums.tax,
        sums.grand,
        sums.returns,
    )
    rows: list[Row] = [("B", *map(_comma, amounts))]
    rows += [("W", one.till, str(one.first), str(one.last), str(one.count))
             for one in close.workstations]  # fmt: skip
    rows += [
        ("V", _comma(rate), _comma(taxable), _comma(tax))
        for rate, (taxable, tax) in sorted(sums.taxes.items())
    ]
    rows += [
        ("Z", TENDER_CODES[kind], str(count), _comma(amount))
        for kind, (count, amount) in sorted(sums.tenders.items())
    ]
    return rows


@lru_cache(maxsize=64_000)
def _comma(minor: int) -> str:
    return amount_text(minor).replace(".", ",")


def _moment(fact: Fact, *, begin: bool) -> str:
    return (fact.begin if begin else fact.end).isoformat(timespec="seconds")

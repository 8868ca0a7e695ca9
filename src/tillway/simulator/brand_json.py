"""Writes what happens in a quayside shop: one JSON document for each fact, money as text.

The field names are those of an invented vendor on purpose: nothing here is the canonical model, so
the mapping tables have work to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillway.simulator.facts import (
    CashMove,
    Control,
    DayClose,
    DayOpen,
    Fact,
    Paid,
    PostVoid,
    Receipt,
    SoldLine,
    TillSettle,
    amount_text,
    quantity_text,
)

LINE_KINDS = {
    "sale": "ITEM",
    "return": "BACK",
    "deposit": "DEPOSIT",
    "deposit_return": "EMPTIES",
    "gift_card_sale": "GIFT",
}
PAYMENT_METHODS = {
    "cash": "CASH",
    "credit": "CREDITCARD",
    "debit": "GIROCARD",
    "voucher": "VOUCHER",
    "gift_card": "GIFTCARD",
    "unknown": "MOONCOIN",
}
CONTROL_CODES = {
    "sign_on": "LOGIN",
    "sign_off": "LOGOUT",
    "no_sale": "DRAWER",
    "cancelled": "CANCEL",
    "suspended": "PARK",
    "resumed": "UNPARK",
    "training": "TRAIN",
}
CASH_CODES = {"float_in": "FLOAT", "paid_out": "PAYOUT", "pickup": "SKIM", "bank_deposit": "BANK"}
SCAN_CODES = {"scanned": "S", "keyed": "K", "weighed": "W", "automatic": "A"}
REBATES = {"promotion": "PROMO", "coupon": "COUPON", "employee": "STAFF"}

_encode = msgspec.json.Encoder().encode


def render(fact: Fact) -> bytes:
    """Return one fact as one JSON document, without a line end."""
    return _encode({**_header(fact), **_body(fact)})


def pack(documents: Sequence[bytes]) -> bytes:
    """Return documents as an NDJSON batch."""
    return b"\n".join(documents) + b"\n"


def tax_text(rate: int) -> str:
    """Return hundredths of a percent as text: 1900 gives "19.00"."""
    return amount_text(rate)


def _header(fact: Fact) -> dict[str, Any]:
    header: dict[str, Any] = {"storeNo": fact.store.business_unit_id, "tillNo": fact.till}
    header["bizDate"] = fact.day.isoformat()
    if fact.number is not None:
        header["docNo"] = fact.number
    if fact.operator:
        header["cashierNo"] = fact.operator
    if fact.epoch:
        header["counterRun"] = fact.epoch
    offset = _offset(fact.store.habits.time_zone, fact.day)
    header["openedAt"] = _moment(fact.begin) + offset
    header["closedAt"] = _moment(fact.end) + offset
    header["currency"] = fact.store.currency
    return header


def _body(fact: Fact) -> dict[str, Any]:
    match fact:
        case Receipt():
            return {"docType": fact.kind.upper(), **_receipt(fact)}
        case PostVoid():
            store, till, day, number = fact.voided_key[:4]
            voids: dict[str, Any] = {"storeNo": store, "tillNo": till, "bizDate": day}
            voids["docNo"] = int(number)
            if fact.epoch:
                voids["counterRun"] = fact.epoch
            body = _receipt(fact.reversed_receipt)
            return {"docType": "VOID", "voids": voids, "approvedBy": fact.approver, **body}
        case Control():
            return {"docType": "CONTROL", "event": CONTROL_CODES[fact.kind]}
        case CashMove():
            return {"docType": "CASH", **_move(fact)}
        case TillSettle():
            return {"docType": "TILLCOUNT", **_settle(fact)}
        case DayOpen():
            return {"docType": "DAYOPEN"}
        case DayClose():
            return {"docType": "DAYCLOSE", **_day_close(fact)}
    raise AssertionError(f"no document for {type(fact).__name__}")


def _move(move: CashMove) -> dict[str, Any]:
    named = {"bag": move.envelope, "safe": move.safe}
    told = {name: value for name, value in named.items() if value}
    return {"move": CASH_CODES[move.kind], "amt": _money(move.amount), **told}


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "taxMode": "incl",
        "items": [_item(line) for line in receipt.lines],
        "vatSums": [
            {"vat": tax_text(tax.rate), "base": _money(tax.taxable), "amt": _money(tax.tax)}
            for tax in receipt.taxes
        ],
        "payments": [_payment(paid) for paid in receipt.tenders],
        "totals": {
            "gross": _money(receipt.gross),
            "rebate": _money(receipt.discount),
            "net": _money(receipt.net),
            "vat": _money(receipt.tax),
            "toPay": _money(receipt.grand),
            "pieces": receipt.item_count,
            **({"tip": _money(receipt.tip)} if receipt.tip else {}),
        },
    }


def _item(line: SoldLine) -> dict[str, Any]:
    item: dict[str, Any] = {
        "seq": line.number,
        "kind": LINE_KINDS[line.kind],
        "plu" if line.item.is_plu else "ean": line.item.code,
        "codeType": "PLU" if line.item.is_plu else "EAN",
        "label": line.item.name,
        "group": line.item.department,
        "qty": quantity_text(line.thousandths),
        "unit": "KG" if line.item.weighed else "PCS",
        "unitPrice": _money(line.unit_price),
        "gross": _money(line.gross),
        "rebate": _money(line.discount),
        "net": _money(line.net),
        "vat": tax_text(line.tax_rate),
        "vatAmt": _money(line.tax),
        "input": SCAN_CODES[line.entry],
    }
    if line.reason is not None:
        rebate = {"type": REBATES[line.reason.method], "ref": line.reason.code}
        item["rebates"] = [{**rebate, "amt": _money(line.discount)}]
    if line.voided:
        item["struck"] = True
    if line.original is not None:
        key, number = line.original
        item["boughtOn"] = {"doc": key, "seq": number}
    return item


def _payment(paid: Paid) -> dict[str, Any]:
    payment: dict[str, Any] = {"method": PAYMENT_METHODS[paid.kind], "amt": _money(paid.amount)}
    if paid.tendered:
        payment["given"] = _money(paid.tendered)
        payment["change"] = _money(paid.change)
    if paid.scheme:
        payment["card"] = {"brand": paid.scheme, "tail": paid.last4, "entry": paid.entry_mode}
        payment["auth"] = paid.auth_code
    if paid.payment_ref:
        payment["pspRef"] = paid.payment_ref
    if paid.tip:
        payment["tip"] = _money(paid.tip)
    return payment


def _settle(settle: TillSettle) -> dict[str, Any]:
    return {
        "shift": settle.session,
        "firstDoc": settle.first,
        "lastDoc": settle.last,
        "counts": [
            {
                "method": PAYMENT_METHODS[ledger.kind],
                "sales": _money(ledger.sales),
                "refunds": _money(ledger.returns),
                "payouts": _money(ledger.paid_out),
                "floats": _money(ledger.loans),
                "skims": _money(ledger.pickups),
                "due": _money(ledger.expected),
                "counted": _money(ledger.counted),
                "diff": _money(ledger.over),
            }
            for ledger in settle.ledgers
        ],
        "struckLines": {"no": settle.line_voids[0], "amt": _money(settle.line_voids[1])},
        "voids": {"no": settle.post_voids[0], "amt": _money(settle.post_voids[1])},
        "cancelled": settle.cancelled,
    }


def _day_close(close: DayClose) -> dict[str, Any]:
    sums = close.sums
    return {
        "tills": [
            {"tillNo": one.till, "firstDoc": one.first, "lastDoc": one.last, "docs": one.count}
            for one in close.workstations
        ],
        "totals": {
            "gross": _money(sums.gross),
            "rebate": _money(sums.discount),
            "net": _money(sums.gross - sums.discount),
            "vat": _money(sums.tax),
            "toPay": _money(sums.grand),
            "returned": _money(sums.returns),
        },
        "vatSums": [
            {"vat": tax_text(rate), "base": _money(taxable), "amt": _money(tax)}
            for rate, (taxable, tax) in sorted(sums.taxes.items())
        ],
        "payments": [
            {"method": PAYMENT_METHODS[kind], "no": count, "amt": _money(amount)}
            for kind, (count, amount) in sorted(sums.tenders.items())
        ],
    }


@lru_cache(maxsize=64_000)
def _money(minor: int) -> str:
    return amount_text(minor)


@lru_cache(maxsize=256)
def _offset(zone: str, day: date) -> str:
    """Return the offset from UTC at noon; shops are closed when it changes."""
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    return noon.isoformat()[-6:]


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")

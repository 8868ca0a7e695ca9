"""Turns what the Admin API answers into the records that the mapping tables read.

Surprising: numbers that tell objects apart are repeated under `item_id`. Shopify's numbers have 13
digits and more, and masking cuts what looks like a card number anywhere but in an item's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from tillway.connectors.shopify.parts import (
    Part,
    line_of,
    name_of,
    numbered,
    one_line,
    parts,
    successful,
    text,
    without_card,
)
from tillway.connectors.shopify.refunds import refund_record

ORDER_FIELDS = (
    "id,order_number,created_at,processed_at,updated_at,cancelled_at,cancel_reason,currency,"
    "financial_status,fulfillment_status,location_id,source_name,taxes_included,test,"
    "total_price,subtotal_price,total_tax,total_discounts,total_line_items_price,"
    "total_tip_received,total_cash_rounding_payment_adjustment_set,"
    "tax_lines,line_items,shipping_lines,discount_applications,refunds"
)
"""What is asked for of an order: nothing that tells who bought."""
TRANSACTION_FIELDS = (
    "id,order_id,parent_id,kind,status,gateway,amount,currency,created_at,processed_at,test,"
    "payment_details,location_id"
)
PAYING_KINDS = frozenset({"sale", "capture", "change"})
UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError, msgspec.MsgspecError)
"""What reading an object raises that is not what the documentation says."""
WHY_UNREADABLE = "the hub could not read what Shopify sent of it"
PAYOUT_REVISIONS = {"scheduled": 1, "in_transit": 2, "paid": 3, "failed": 4, "canceled": 4}


def order_records(order: Part, transactions: Sequence[Part]) -> list[bytes]:
    """Return the records of one order: itself, its refunds, its transactions; JSON, one each.

    transactions newer than the order are left for its next version, so that what one version holds
    never changes. A refund waits until none of its transactions is pending. Raises one of
    UNREADABLE for objects that are not what the documentation says.
    """
    seconds = seconds_of(text(order, "updated_at"))
    if not seconds:
        raise ValueError("an order without updated_at")
    known = [one for one in transactions if seconds_of(text(one, "created_at")) <= seconds]
    by_id = {text(one, "id"): one for one in known}
    records = [_order_record(order, known, seconds)]
    for refund in parts(order, "refunds"):
        own = [by_id.get(text(one, "id"), one) for one in parts(refund, "transactions")]
        if not any(text(one, "status") == "pending" for one in own):
            records.append(refund_record(order, refund, own))
    records += [
        _transaction_record(order, one) for one in known if text(one, "status") != "pending"
    ]
    return records


def payout_record(payout: Part, entries: Sequence[Part]) -> bytes:
    """Return the record of one payout with its entries, the balance transactions of Shopify."""
    return one_line(
        {
            "kind": "payout",
            "item_id": text(payout, "id"),
            "revision": PAYOUT_REVISIONS.get(text(payout, "status"), 0),
            "payout": payout,
            "entries": [numbered(one, text(one, "source_order_transaction_id")) for one in entries],
        }
    )


def tender_record(transaction: Part) -> bytes:
    """Return the record of one tender transaction."""
    order = {"item_id": f"Order/{text(transaction, 'order_id')}"}
    number = text(transaction, "id")
    return one_line(
        {
            "kind": "tender",
            "item_id": number,
            "order": order,
            "transaction": without_card(transaction),
        }
    )


def lost_record(name: str, why: str) -> bytes:
    """Return a record for an object that cannot be had; no table takes it, so it is quarantined."""
    return one_line({"kind": "lost", "item_id": name, "why": why})


def updated_at(order: Part) -> int:
    """Return when the order was changed last, in seconds since 1970: its revision.

    0 when it does not say so in a way that can be read; `order_records` then refuses it.
    """
    try:
        return seconds_of(text(order, "updated_at"))
    except ValueError:
        return 0


def seconds_of(moment: str) -> int:
    """Return an RFC 3339 time as whole seconds since 1970, 0 for none. Raises ValueError."""
    return int(datetime.fromisoformat(moment).timestamp()) if moment else 0


def _order_record(order: Part, transactions: Iterable[Part], seconds: int) -> bytes:
    authorized = text(order, "financial_status") == "authorized"
    kinds = PAYING_KINDS | ({"authorization"} if authorized else frozenset())
    header = {name: value for name, value in order.items() if name not in {"line_items", "refunds"}}
    return one_line(
        {
            "kind": "order",
            "item_id": name_of("Order", order),
            "revision": seconds,
            "order": header,
            "lines": [line_of("item", one) for one in parts(order, "line_items")]
            + [line_of("shipping", one) for one in parts(order, "shipping_lines")],
            "tenders": successful(transactions, kinds),
        }
    )


def _transaction_record(order: Part, transaction: Part) -> bytes:
    return one_line(
        {
            "kind": "transaction",
            "item_id": text(transaction, "id"),
            "order": {"item_id": name_of("Order", order), "currency": order.get("currency")},
            "transaction": without_card(transaction),
        }
    )

"""One refund as a record: what came back, what else was given back, and the money that moved.

Surprising: shipping given back is said twice, as a shipping line of the refund and as an adjustment
of the order; only one of them counts. What goods and money differ by is an adjustment as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from tillway.connectors.shopify.parts import (
    Part,
    line_of,
    members_of,
    name_of,
    one_line,
    parts,
    successful,
    text,
)

REFUND_FIELDS = ("id", "created_at", "processed_at", "restock")
ORDER_FIELDS = ("currency", "taxes_included", "location_id", "source_name", "test")
SHIPPING_REFUND = "shipping_refund"


def refund_record(order: Part, refund: Part, transactions: Sequence[Part]) -> bytes:
    """Return the record of one refund. transactions: those of the refund, as they are now."""
    about = {name: order[name] for name in ORDER_FIELDS if name in order}
    goods = {text(one, "id"): one for one in parts(order, "line_items")}
    return one_line(
        {
            "kind": "refund",
            "item_id": name_of("Refund", refund),
            "order": {"item_id": name_of("Order", order), **about},
            "refund": {name: refund[name] for name in REFUND_FIELDS if name in refund},
            "lines": [_goods_line(one, goods) for one in parts(refund, "refund_line_items")]
            + _other_lines(refund),
            "tenders": successful(transactions, frozenset({"refund"})),
        }
    )


def _goods_line(part: Part, goods: dict[str, dict[str, msgspec.Raw]]) -> dict[str, Any]:
    """Return a line of goods given back, with its amount and tax where the answer has neither."""
    known = goods.get(text(part, "line_item_id"))
    if "line_item" not in part and known is not None:
        part = {**part, "line_item": msgspec.Raw(msgspec.json.encode(known))}
    line = line_of("item", part)
    subtotal, tax = _shop_money(part, "subtotal"), _shop_money(part, "total_tax")
    if not subtotal or not tax:
        whole = members_of(part, "line_item")
        pieces = Decimal(text(part, "quantity"))
        price = Decimal(text(whole, "price"))
        taxes = [Decimal(text(one, "price")) for one in parts(whole, "tax_lines")]
        share = pieces / (Decimal(text(whole, "quantity") or 1) or 1)
        subtotal = subtotal or str(price * pieces)
        tax = tax or str((sum(taxes, Decimal()) * share).quantize(price, ROUND_HALF_UP))
    return {**line, "subtotal": subtotal, "total_tax": tax}


def _other_lines(refund: Part) -> list[dict[str, Any]]:
    adjustments = [_adjustment(one) for one in parts(refund, "order_adjustments")]
    if any(one["kind"] == SHIPPING_REFUND for one in adjustments):
        return adjustments
    return adjustments + [_shipping_line(one) for one in parts(refund, "refund_shipping_lines")]


def _adjustment(part: Part) -> dict[str, Any]:
    """Return an adjustment; its kind is no longer promised, its reason says shipping too."""
    reason = text(part, "reason")
    shipping = reason.lower().replace(" ", "_") == SHIPPING_REFUND
    return {
        "line_kind": "adjustment",
        "kind": text(part, "kind") or (SHIPPING_REFUND if shipping else "refund_discrepancy"),
        "reason": reason or None,
        "amount": _shop_money(part, "amount"),
        "tax_amount": _shop_money(part, "tax_amount") or "0.00",
    }


def _shipping_line(part: Part) -> dict[str, Any]:
    return {
        "line_kind": "adjustment",
        "kind": SHIPPING_REFUND,
        "reason": None,
        "amount": str(-Decimal(_shop_money(part, "subtotal_amount"))),
        "tax_amount": str(-Decimal(_shop_money(part, "tax_amount") or "0.00")),
    }


def _shop_money(part: Part, name: str) -> str:
    """Return an amount in the currency of the shop, "" for none; newer answers have sets only."""
    plain = text(part, name)
    if plain or f"{name}_set" not in part:
        return plain
    return text(members_of(members_of(part, f"{name}_set"), "shop_money"), "amount")

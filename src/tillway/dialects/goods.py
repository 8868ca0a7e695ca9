"""Reads the goods of a receipt: sale and return lines, voids, and what lies inside a line.

Surprising: a void that is a second, negative line marks both lines void and links them; marking
only the flagged one would leave the receipt out of balance.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tillway.dialects.items import item_of
from tillway.dialects.links import key_of_link
from tillway.dialects.profiles import Profile
from tillway.dialects.taxes import Tax, taxes_in
from tillway.dialects.tree import (
    ZERO,
    Node,
    Problems,
    as_node,
    child,
    flag,
    foreign,
    nodes,
    text,
    without_blanks,
    word,
)
from tillway.dialects.vocabulary import (
    ENTRY_METHODS,
    GIVEN_BACK_ITEM_TYPES,
    ITEM_TYPES,
    MODIFIER_METHODS,
    said,
)


class Goods(msgspec.Struct):
    """One line of goods while the receipt is being read; amounts are signed."""

    number: int
    line_type: str
    gross: Decimal
    quantity: Decimal
    fields: dict[str, Any]
    discount: Decimal = ZERO
    modifiers: list[dict[str, Any]] = msgspec.field(default_factory=list)
    taxes: list[Tax] = msgspec.field(default_factory=list)
    voided: bool = False
    voids: int | None = None
    operator_sequence: str | None = None

    @property
    def net(self) -> Decimal:
        """Return the amount after discounts."""
        return self.gross - self.discount

    @property
    def item_number(self) -> str:
        """Return the scanned number, "" for a line without an item."""
        number: str = self.fields.get("item", {}).get("pos_item_id", "")
        return number

    def take_off(self, amount: Decimal, modifier: dict[str, Any]) -> None:
        """Add a discount (with the sign of the line) and its reason."""
        self.discount += amount
        self.modifiers.append(without_blanks({**modifier, "amount": amount}))

    def turned(self) -> Goods:
        """Return the line with every sign reversed, as a post-void has it."""
        turned = [{**one, "amount": _turned(one["amount"])} for one in self.modifiers]
        return Goods(
            number=self.number,
            line_type=self.line_type,
            gross=-self.gross,
            quantity=-self.quantity,
            fields=self.fields,
            discount=-self.discount,
            modifiers=turned,
            taxes=[tax.turned() for tax in self.taxes],
            voided=self.voided,
            voids=self.voids,
        )

    def record(self) -> dict[str, Any]:
        """Return the line as it stands in the neutral record."""
        return without_blanks(
            {
                "line_number": self.number,
                "line_type": self.line_type,
                **self.fields,
                "quantity": self.quantity,
                "gross_amount": self.gross,
                "discount_amount": self.discount,
                "net_amount": self.net,
                "price_modifiers": self.modifiers,
                "tax": [tax.record() for tax in self.taxes],
                "voided": self.voided,
                "voids_line_number": self.voids,
            }
        )


def goods_line(
    line: Node, kind: str, base_type: str, number: int, profile: Profile, problems: Problems
) -> Goods:
    """Return one line of goods from a LineItem and the sale (or return ...) inside it."""
    sale = child(line, kind)
    path = f"LineItem[{number}].{kind}"
    item_type = word(sale, "ItemType") or ""
    line_type = _line_type(line, base_type, item_type)
    amount = problems.decimal(sale, "ExtendedAmount", path)
    if amount is None:
        amount = problems.required(sale, "Amount", path)
    returned = base_type == "return" or item_type in GIVEN_BACK_ITEM_TYPES
    taken_back = profile.amounts == "signed" and flag(line, "VoidFlag")
    gross = -abs(amount) if returned and not taken_back else amount
    stated = problems.decimal(sale, "Quantity", path)
    quantity = _signed(stated if stated is not None else Decimal(1), gross, returned)
    goods = Goods(number, line_type, gross, quantity, _fields(line, sale, path, profile, problems))
    goods.operator_sequence = text(sale, "acs:OperatorSequence")
    goods.taxes = taxes_in(sale, path, profile, problems, gross < 0 or returned)
    if profile.discount_source == "modifiers":
        _take_modifiers(goods, sale, path, profile, problems, returned)
    if profile.void_style == "cancel_flag":
        goods.voided = flag(line, "CancelFlag") or flag(line, "VoidFlag")
    return goods


def pair_void(goods: Goods, earlier: list[Goods], problems: Problems) -> None:
    """Mark a negative void line and the line it takes back: the nearest earlier equal one."""
    for line in reversed(earlier):
        same = line.item_number == goods.item_number and line.gross == -goods.gross
        if same and line.quantity == -goods.quantity and not line.voided:
            line.voided = goods.voided = True
            goods.voids = line.number
            return
    path = f"LineItem[{goods.number}].@VoidFlag"
    problems.add(path, "void_pair", goods.item_number, "an earlier line with the opposite amount")


def _fields(
    line: Node, sale: Node, path: str, profile: Profile, problems: Problems
) -> dict[str, Any]:
    quantity = child(sale, "Quantity")
    weighed = flag(line, "acs:weightItem") or word(line, "EntryMethod") == "Weighed"
    uom = word(quantity, "UnitOfMeasureCode")
    return without_blanks(
        {
            "item": item_of(sale, profile),
            "description": text(sale, "Description"),
            "merchandise_hierarchy": text(sale, "MerchandiseHierarchy"),
            "uom": uom or (profile.weighed_uom if weighed else "EA"),
            "regular_unit_price": problems.decimal(sale, "RegularSalesUnitPrice", path),
            "actual_unit_price": problems.decimal(sale, "ActualSalesUnitPrice", path),
            "entry_method": said(ENTRY_METHODS, word(line, "EntryMethod")),
            "serial_numbers": [
                serial for node in nodes(sale, "SerialNumber") if (serial := _own_text(node))
            ],
            "reason_code": text(sale, "ReasonCode") or text(sale, "Reason"),
            "original": _original(sale),
            "extensions": foreign(sale),
        }
    )


def _line_type(line: Node, base_type: str, item_type: str) -> str:
    if base_type == "return" or item_type in ITEM_TYPES:
        return ITEM_TYPES.get(item_type, base_type)
    if base_type == "sale" and word(line, "EntryMethod") == "Linked":
        return "deposit"
    return base_type


def _signed(quantity: Decimal, gross: Decimal, returned: bool) -> Decimal:
    """Return the quantity with the sign of its amount, so that a given-back bottle counts -1."""
    if gross == 0:
        return -abs(quantity) if returned else quantity
    return abs(quantity).copy_sign(gross)


def _take_modifiers(
    goods: Goods, sale: Node, path: str, profile: Profile, problems: Problems, returned: bool
) -> None:
    """Read the price modifiers of a line, and make gross what it was before them."""
    sign = -1 if goods.gross < 0 or returned else 1
    for node in map(as_node, nodes(sale, "RetailPriceModifier")):
        amount = problems.required(node, "Amount", f"{path}.RetailPriceModifier")
        raises = word(child(node, "Amount"), "Action") == "Add"
        modifier = {
            "method_code": said(MODIFIER_METHODS, word(node, "MethodCode")) or "price_rule",
            "promotion_id": text(node, "PromotionID"),
            "reason_code": text(node, "ReasonCode"),
        }
        goods.take_off(abs(amount) * sign * (-1 if raises else 1), modifier)
    stated = problems.decimal(sale, "ExtendedDiscountAmount", path)
    if stated is None:
        stated = problems.decimal(sale, "DiscountAmount", path)
    if stated is not None and (stated or goods.discount):
        goods.discount = abs(stated) * sign
    if profile.extended_amount == "net":
        goods.gross += goods.discount


def _original(sale: Node) -> dict[str, Any] | None:
    link = child(sale, "TransactionLink")
    key = key_of_link(link)
    if key is None:
        return None
    return without_blanks({"natural_key": key, "line_number": text(link, "LineItemSequenceNumber")})


def _own_text(node: Any) -> str | None:
    return text({"value": node}, "value")


def _turned(amount: str) -> str:
    return amount[1:] if amount.startswith("-") else "-" + amount

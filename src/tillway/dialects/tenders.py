"""Reads how a receipt was paid, so that every tender is net of change.

Surprising: cash-back is two tenders: the card keeps the whole amount it was charged, and a negative
cash tender carries the notes that left the drawer.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tillway.dialects.profiles import Profile
from tillway.dialects.tree import (
    ZERO,
    Node,
    Problems,
    as_node,
    child,
    exact,
    flag,
    nodes,
    text,
    without_blanks,
    word,
)
from tillway.dialects.vocabulary import CARD_KINDS, ENTRY_METHODS, TENDER_TYPES, said

CASH = "cash"


class Tender(msgspec.Struct):
    """One tender while the receipt is being read; amount is signed and net of change."""

    tender_type: str
    amount: Decimal
    fields: dict[str, Any]
    tendered: Decimal | None = None
    change: Decimal = ZERO
    cashback: Decimal = ZERO
    cashback_paid: bool = False
    rounding: Decimal = ZERO
    tip: Decimal = ZERO
    voided: bool = False
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    def turned(self) -> Tender:
        """Return the tender with its signs reversed, as a post-void has it."""
        return Tender(
            self.tender_type,
            -self.amount,
            self.fields,
            rounding=-self.rounding,
            tip=-self.tip,
            extra=self.extra,
        )

    def record(self) -> dict[str, Any]:
        """Return the tender as it stands in the neutral record."""
        return without_blanks(
            {
                "tender_type": self.tender_type,
                "amount": self.amount,
                **self.fields,
                "tendered_amount": self.tendered,
                "change_amount": self.change or None,
                "cashback_amount": self.cashback or None,
                "rounding_amount": self.rounding or None,
                "tip_amount": self.tip or None,
                "extensions": self.extra,
            }
        )


class Till:
    """Collects the tender lines of one receipt in their order."""

    def __init__(self, profile: Profile, problems: Problems) -> None:
        self._profile = profile
        self._problems = problems
        self.tenders: list[Tender] = []

    def take(self, line: Node, number: int) -> None:
        """Take one LineItem that holds a Tender."""
        node = child(line, "Tender")
        path = f"LineItem[{number}].Tender"
        if flag(line, "CancelFlag") or flag(line, "VoidFlag"):
            return
        if self._profile.rounding_style == "tender_line" and text(node, "Amount") is None:
            rounding = rounding_in(node, path, self._problems)
            if rounding is not None:
                self.round(rounding, path)
                return
        tender = self._tender(line, node, path)
        style = self._profile.change_style
        given_back = self._change(node, path)
        if style == "negative_tender_line" and given_back is not None and tender.amount < 0:
            self._fold(tender)
            return
        if given_back and style != "negative_tender_line":
            tender.change = abs(given_back)
            if style == "change_element" and text(node, "AmountAppliedToBill") is None:
                tender.tendered = tender.amount
                tender.amount -= tender.change
            else:
                tender.tendered = tender.amount + tender.change
        self.tenders.append(tender)

    def give_back(self, line: Node, number: int) -> None:
        """Take one LineItem that holds a TenderChange of its own."""
        node = child(line, "TenderChange")
        path = f"LineItem[{number}].TenderChange"
        amount = -abs(self._problems.required(node, "Amount", path))
        self._fold(Tender(CASH, amount, {}))

    def round(self, rounding: Decimal, path: str) -> None:
        """Note the cash rounding of the receipt on its last cash tender."""
        paid = next((one for one in reversed(self.tenders) if one.tender_type == CASH), None)
        paid = paid or (self.tenders[-1] if self.tenders else None)
        if paid is None:
            self._problems.add(path, "rounding", exact(rounding), "a tender that was rounded")
            return
        paid.rounding += rounding

    def _fold(self, change: Tender) -> None:
        """Fold change into the cash it was given for; cash-back on a card stands alone."""
        for tender in reversed(self.tenders):
            if tender.cashback == -change.amount and not tender.cashback_paid:
                tender.cashback_paid = True
                self.tenders.append(change)
                return
        for tender in reversed(self.tenders):
            if tender.tender_type == change.tender_type and tender.amount >= -change.amount:
                tender.tendered = tender.tendered or tender.amount
                tender.amount += change.amount
                tender.change -= change.amount
                return
        self.tenders.append(change)

    def _tender(self, line: Node, node: Node, path: str) -> Tender:
        amount = self._problems.decimal(node, "AmountAppliedToBill", path)
        if amount is None:
            amount = self._problems.required(node, "Amount", path)
        if word(node, "TypeCode") == "Refund":
            amount = -abs(amount)
        tender = Tender(_type_of(node), amount, _fields(line, node))
        tender.cashback = abs(self._problems.decimal(node, "Cashback", path) or ZERO)
        tender.tip = self._problems.decimal(node, "Tip", path) or ZERO
        if self._profile.rounding_style == "tender_line":
            tender.rounding = rounding_in(node, path, self._problems) or ZERO
        return tender

    def _change(self, node: Node, path: str) -> Decimal | None:
        inner = nodes(node, "TenderChange")
        if not inner:
            return None
        change = as_node(inner[0])
        name = "Amount" if "Amount" in change else "#text"
        return self._problems.decimal({name: change.get(name)}, name, f"{path}.TenderChange")


def rounding_in(node: Node, path: str, problems: Problems) -> Decimal | None:
    """Return the signed rounding of a node: Up means that the customer pays more."""
    amount = problems.decimal(node, "Rounding", path)
    if amount is None:
        return None
    down = word(child(node, "Rounding"), "RoundingDirection") == "Down"
    return -abs(amount) if down else amount


def _type_of(node: Node) -> str:
    stated = word(node, "TenderType")
    if stated == "CreditDebit":
        return CARD_KINDS.get(word(child(node, "CreditDebit"), "CardType") or "", "credit")
    return said(TENDER_TYPES, stated) or "not_stated"


def _fields(line: Node, node: Node) -> dict[str, Any]:
    card = child(node, "CreditDebit")
    authorization = child(node, "Authorization")
    scheme = word(card, "acs:CreditDescription")
    entry_mode = said(ENTRY_METHODS, word(line, "EntryMethod"))
    is_card = "CreditDebit" in node
    return without_blanks(
        {
            "tender_id": text(node, "TenderID"),
            "source_code": word(node, "TenderType"),
            "auth_code": text(authorization, "AuthorizationCode"),
            "payment_ref": text(authorization, "ReferenceNumber"),
            "card": without_blanks({"scheme": (scheme or "").lower(), "entry_mode": entry_mode})
            if is_card
            else None,
            "foreign": _foreign(child(node, "ForeignCurrency")),
            "offline": flag(node, "OfflineFlag") or None,
        }
    )


def _foreign(node: Node) -> dict[str, Any]:
    return without_blanks(
        {
            "currency": text(node, "CurrencyCode"),
            "amount": text(node, "OriginalFaceAmount") or text(node, "Amount"),
            "rate": text(node, "ExchangeRate"),
        }
    )

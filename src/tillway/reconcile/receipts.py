"""Receipts and post-voids as the books read them: only the fields that facts are made of.

Intake has checked every stored message already. Leaving out what no sum needs, and checking nothing
a second time, is what makes keeping the books cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from tillway.model import message_type


class Tax(msgspec.Struct, gc=False):
    """`LineTax`; the rate stays the text it is kept as."""

    tax_amount: Decimal
    rate: str | None = None
    taxable_amount: Decimal | None = None
    included: bool | None = None
    exempt_reason: str | None = None


class Modifier(msgspec.Struct, gc=False):
    """`PriceModifier`."""

    method_code: str
    reason_code: str | None = None


class Original(msgspec.Struct, gc=False):
    """`OriginalLine`: that there is one is all that counts."""


class ReceiptLine(msgspec.Struct, gc=False):
    """`Line`."""

    line_type: str
    net_amount: Decimal
    merchandise_hierarchy: str | None = None
    tax: tuple[Tax, ...] = ()
    price_modifiers: tuple[Modifier, ...] = ()
    voided: bool = False
    reason_code: str | None = None
    original: Original | None = None


class ReceiptTotals(msgspec.Struct, gc=False):
    """`Totals`."""

    grand: Decimal
    gross: Decimal | None = None
    discount: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    rounding: Decimal | None = None
    tip: Decimal | None = None


class ReceiptTender(msgspec.Struct, gc=False):
    """`Tender`."""

    tender_type: str
    amount: Decimal
    payment_ref: str | None = None


class ReceiptLink(msgspec.Struct, gc=False):
    """`Link`: that there is one is all that counts."""


class _Numbered(msgspec.Struct, kw_only=True, gc=False):
    currency: str
    totals: ReceiptTotals
    lines: tuple[ReceiptLine, ...] = ()
    tenders: tuple[ReceiptTender, ...] = ()
    taxes: tuple[Tax, ...] = ()
    workstation_id: str | None = None
    register_epoch: int = 0
    sequence_number: int | None = None
    till_id: str | None = None
    operator_id: str | None = None
    end_at: datetime | None = None
    training: bool = False
    receipt_number: str | None = None


class Receipt(_Numbered, kw_only=True, gc=False):
    """`RetailTransaction`."""

    transaction_type: str
    tax_included: bool
    links: tuple[ReceiptLink, ...] = ()


class PostVoid(_Numbered, kw_only=True, gc=False):
    """`VoidedTransaction`."""

    voided_natural_key: str
    void_type: str
    tax_included: bool | None = None
    reason_code: str | None = None


_READERS: dict[str, Callable[[bytes], Any]] = {
    "retail_transaction.completed": msgspec.json.Decoder(Receipt).decode,
    "retail_transaction.voided": msgspec.json.Decoder(PostVoid).decode,
}


def read_message(name: str, canonical: bytes) -> Any:
    """Return a stored message of this type; receipts and post-voids as they are above."""
    read = _READERS.get(name)
    return read(canonical) if read is not None else message_type(name).decode(canonical)

"""The messages of the sales floor: receipts, post-voids, and numbers used up without goods.

All three consume a number of their register, so together they leave no gap.
"""

from typing import Annotated

from msgspec import Meta

from tillway.model.enumerations import (
    Channel,
    ControlType,
    LinkReason,
    TransactionStatus,
    TransactionType,
    VoidType,
)
from tillway.model.header import PosFact
from tillway.model.lines import ItemReference, Line, LineTax, OriginalLine, PriceModifier
from tillway.model.part import Part
from tillway.model.scalars import Currency, Identifier, KeyText, Position, Text
from tillway.model.tenders import CardReference, ForeignAmount, Tender, Totals

__all__ = [
    "CardReference",
    "ControlRecord",
    "ForeignAmount",
    "ItemReference",
    "Line",
    "LineTax",
    "Link",
    "OriginalLine",
    "PriceModifier",
    "RetailTransaction",
    "Tender",
    "Totals",
    "VoidedTransaction",
]


class Link(Part, frozen=True, kw_only=True):
    """Another transaction this one belongs to."""

    reason: Annotated[LinkReason, Meta(description="Why they belong together.")]
    natural_key: Annotated[KeyText, Meta(description="Its key: store:till:date:number.")]
    line_number: Annotated[Position | None, Meta(description="Its line, if one is meant.")] = None


class RetailTransaction(PosFact, frozen=True, kw_only=True):
    """A receipt: sale, return or exchange (`retail_transaction.completed`)."""

    transaction_type: Annotated[TransactionType, Meta(description="Kind of receipt.")]
    currency: Annotated[Currency, Meta(description="Currency of every amount, ISO 4217.")]
    tax_included: Annotated[
        bool, Meta(description="Whether the prices contain tax, where a tax does not say so.")
    ]
    totals: Annotated[Totals, Meta(description="Totals as the till states them.")]
    transaction_status: Annotated[
        TransactionStatus | None, Meta(description="How the till calls its end state.")
    ] = None
    receipt_number: Annotated[
        Identifier | None, Meta(description="Number printed on the receipt.")
    ] = None
    channel: Annotated[Channel | None, Meta(description="Where it was sold.")] = None
    customer_ref: Annotated[Identifier | None, Meta(description="Customer, a pseudonym.")] = None
    loyalty_ref: Annotated[Identifier | None, Meta(description="Loyalty account, a pseudonym.")] = (
        None
    )
    lines: Annotated[tuple[Line, ...], Meta(description="Lines, voided ones too.")] = ()
    tenders: Annotated[tuple[Tender, ...], Meta(description="How it was paid.")] = ()
    taxes: Annotated[tuple[LineTax, ...], Meta(description="Taxes of the receipt, by rate.")] = ()
    links: Annotated[tuple[Link, ...], Meta(description="Transactions it belongs to.")] = ()


class VoidedTransaction(PosFact, frozen=True, kw_only=True):
    """The post-void of an earlier receipt (`retail_transaction.voided`).

    It has a number of its own and the full totals of the receipt with reversed sign.
    """

    voided_natural_key: Annotated[KeyText, Meta(description="Key of the receipt taken back.")]
    void_type: Annotated[VoidType, Meta(description="Kind of void.")]
    currency: Annotated[Currency, Meta(description="Currency of every amount, ISO 4217.")]
    totals: Annotated[Totals, Meta(description="Totals of the receipt, sign reversed.")]
    tax_included: Annotated[
        bool | None, Meta(description="As on the receipt; needed when taxes are listed.")
    ] = None
    reason_code: Annotated[Identifier | None, Meta(description="Reason given.")] = None
    approver_id: Annotated[Identifier | None, Meta(description="Pseudonym of who approved it.")] = (
        None
    )
    receipt_number: Annotated[
        Identifier | None, Meta(description="Number printed on the void slip.")
    ] = None
    lines: Annotated[tuple[Line, ...], Meta(description="Lines, sign reversed, if sent.")] = ()
    tenders: Annotated[
        tuple[Tender, ...], Meta(description="Tenders given back, sign reversed, if sent.")
    ] = ()
    taxes: Annotated[tuple[LineTax, ...], Meta(description="Taxes, sign reversed, if sent.")] = ()


class ControlRecord(PosFact, frozen=True, kw_only=True):
    """A number consumed without goods (`control.recorded`); it keeps the sequence complete."""

    control_type: Annotated[ControlType, Meta(description="What the till did.")]
    currency: Annotated[
        Currency | None, Meta(description="Currency of the till, if it says so.")
    ] = None
    reason_code: Annotated[Identifier | None, Meta(description="Reason given.")] = None
    description: Annotated[Text | None, Meta(description="Text of the till, masked.")] = None
    link: Annotated[Link | None, Meta(description="The transaction it is about.")] = None

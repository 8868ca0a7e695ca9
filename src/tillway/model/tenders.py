"""The parts of a receipt that are about money: tenders, cards, foreign money, totals.

A tender is net of change: 20.00 given and 2.62 back is an amount of 17.38. Of a card nothing is
kept but its scheme, last four digits and entry mode.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import EntryMethod, TenderType
from tillway.model.part import Part
from tillway.model.scalars import Currency, Identifier, LastFour, Money, Rate


class CardReference(Part, frozen=True, kw_only=True):
    """All that is kept of a payment card."""

    scheme: Annotated[Identifier | None, Meta(description="Card scheme, for example visa.")] = None
    last4: Annotated[
        LastFour | None,
        Meta(description="The last four digits."),
    ] = None
    entry_mode: Annotated[EntryMethod | None, Meta(description="How the card was read.")] = None


class ForeignAmount(Part, frozen=True, kw_only=True):
    """What the customer gave in another currency than the receipt's."""

    currency: Annotated[Currency, Meta(description="Currency given, ISO 4217.")]
    amount: Annotated[Money, Meta(description="Amount in that currency.")]
    rate: Annotated[
        Rate | None, Meta(description="Receipt currency for one unit of the foreign one.")
    ] = None


class Tender(Part, frozen=True, kw_only=True):
    """One way the receipt was paid; received is positive, paid out negative."""

    tender_type: Annotated[TenderType, Meta(description="Kind of tender.")]
    amount: Annotated[Money, Meta(description="Signed, net of change.")]
    tender_id: Annotated[
        Identifier | None, Meta(description="Number or code of the tender at the POS.")
    ] = None
    tendered_amount: Annotated[Money | None, Meta(description="What the customer handed over.")] = (
        None
    )
    change_amount: Annotated[Money | None, Meta(description="What was handed back.")] = None
    cashback_amount: Annotated[
        Money | None, Meta(description="Cash paid out on a card; a cash tender carries it too.")
    ] = None
    rounding_amount: Annotated[
        Money | None, Meta(description="Added to what is paid; rounding down is negative.")
    ] = None
    tip_amount: Annotated[Money | None, Meta(description="Tip inside this tender.")] = None
    foreign: Annotated[
        ForeignAmount | None, Meta(description="The tender in its own currency.")
    ] = None
    payment_ref: Annotated[
        Identifier | None, Meta(description="Reference at the payment provider.")
    ] = None
    auth_code: Annotated[Identifier | None, Meta(description="Authorisation code.")] = None
    card: Annotated[CardReference | None, Meta(description="The card, masked.")] = None
    offline: Annotated[
        bool, Meta(description="Taken offline; the provider may still decline it.")
    ] = False
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)


class Totals(Part, frozen=True, kw_only=True):
    """The totals the till states for the whole receipt, voided lines left out."""

    grand: Annotated[Money, Meta(description="What the customer pays in all.")]
    gross: Annotated[Money | None, Meta(description="Lines before discounts.")] = None
    discount: Annotated[Money | None, Meta(description="Discounts.")] = None
    net: Annotated[Money | None, Meta(description="Lines after discounts.")] = None
    tax: Annotated[Money | None, Meta(description="Taxes, included and added ones together.")] = (
        None
    )
    rounding: Annotated[
        Money | None, Meta(description="Added to what is paid; rounding down is negative.")
    ] = None
    tip: Annotated[Money | None, Meta(description="Tips.")] = None
    item_count: Annotated[
        int | None, Meta(description="Items, counted as the dialect of the POS counts.")
    ] = None

"""The parts of a receipt that are about goods: lines, item references, taxes, price modifiers.

Amounts are signed and additive: a sale is positive, a return negative, and a discount has the sign
of its line and is subtracted.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import (
    Disposition,
    EntryMethod,
    IdType,
    LineType,
    PriceModifierMethod,
    TaxType,
    UnitOfMeasure,
)
from tillway.model.part import Part
from tillway.model.scalars import (
    Gtin14,
    Identifier,
    KeyText,
    Money,
    Percent,
    Position,
    Quantity,
    Text,
)


class ItemReference(Part, frozen=True, kw_only=True):
    """Which item a line is about. Item master look-up has the last word on it."""

    item_id: Annotated[Identifier, Meta(description="The item, as the chain names it.")]
    id_type: Annotated[
        IdType | None, Meta(description="What kind of number item_id is (GS1 rule).")
    ] = None
    gtin: Annotated[
        Gtin14 | None, Meta(description="The GTIN in 14 digits, zero-filled on the left.")
    ] = None
    pos_item_id: Annotated[
        Identifier | None, Meta(description="The scan exactly as the till read it.")
    ] = None


class LineTax(Part, frozen=True, kw_only=True):
    """One tax on a line, or on the whole receipt (then one per rate)."""

    tax_amount: Annotated[Money, Meta(description="The tax, signed like its line.")]
    tax_type: Annotated[TaxType | None, Meta(description="Kind of tax.")] = None
    tax_code: Annotated[Identifier | None, Meta(description="Code of the rate at the POS.")] = None
    rate: Annotated[Percent | None, Meta(description="Rate in percent: 23 means 23 %.")] = None
    taxable_amount: Annotated[
        Money | None, Meta(description="The amount the tax was computed on.")
    ] = None
    included: Annotated[
        bool | None,
        Meta(description="Whether prices contain this tax; absent follows `tax_included`."),
    ] = None
    exempt_reason: Annotated[Text | None, Meta(description="Why no tax is due.")] = None


class PriceModifier(Part, frozen=True, kw_only=True):
    """One reason why a line costs less (or more) than its regular price."""

    amount: Annotated[Money, Meta(description="Signed like the discount of its line.")]
    method_code: Annotated[PriceModifierMethod, Meta(description="How the price was changed.")]
    promotion_id: Annotated[Identifier | None, Meta(description="The promotion behind it.")] = None
    reason_code: Annotated[Identifier | None, Meta(description="The reason given.")] = None


class OriginalLine(Part, frozen=True, kw_only=True):
    """The sale that a returned line comes from."""

    natural_key: Annotated[KeyText, Meta(description="Key of the receipt: store:till:date:number.")]
    line_number: Annotated[Position | None, Meta(description="Its line on that receipt.")] = None


class Line(Part, frozen=True, kw_only=True):
    """One line of a receipt. Voided lines stay, marked, and count in no sum."""

    line_number: Annotated[Position, Meta(description="Place on the receipt, from 1.")]
    line_type: Annotated[LineType, Meta(description="What the customer got or gave.")]
    quantity: Annotated[Quantity, Meta(description="How much; sign equals that of net_amount.")]
    gross_amount: Annotated[
        Money, Meta(description="Before discounts; authoritative over quantity times price.")
    ]
    net_amount: Annotated[
        Money, Meta(description="After discounts; `tax_included` says whether tax is inside.")
    ]
    discount_amount: Annotated[
        Money | None, Meta(description="Sum of the discounts; net is gross minus this.")
    ] = None
    item: Annotated[ItemReference | None, Meta(description="The item, where there is one.")] = None
    description: Annotated[Text | None, Meta(description="Text on the receipt.")] = None
    merchandise_hierarchy: Annotated[
        Identifier | None, Meta(description="The merchandise group.")
    ] = None
    uom: Annotated[
        UnitOfMeasure | None, Meta(description="Unit of the quantity, UN/ECE Recommendation 20.")
    ] = None
    regular_unit_price: Annotated[
        Money | None, Meta(description="Price of one unit before any discount.")
    ] = None
    actual_unit_price: Annotated[
        Money | None, Meta(description="Price of one unit as charged.")
    ] = None
    tax: Annotated[tuple[LineTax, ...], Meta(description="Taxes on this line.")] = ()
    price_modifiers: Annotated[
        tuple[PriceModifier, ...], Meta(description="What makes up the discount.")
    ] = ()
    entry_method: Annotated[
        EntryMethod | None, Meta(description="How the item came into the till.")
    ] = None
    serial_numbers: Annotated[
        tuple[Identifier, ...], Meta(description="Serial numbers of the pieces.")
    ] = ()
    voided: Annotated[bool, Meta(description="Taken back during the sale.")] = False
    voids_line_number: Annotated[
        Position | None, Meta(description="The line this one takes back.")
    ] = None
    reason_code: Annotated[
        Identifier | None, Meta(description="Reason for a return, void or override.")
    ] = None
    disposition: Annotated[
        Disposition | None, Meta(description="What happens to returned goods.")
    ] = None
    original: Annotated[OriginalLine | None, Meta(description="The sale a return comes from.")] = (
        None
    )
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)

"""The messages about goods outside a receipt: stock movements, item master, prices.

`version` orders the revisions of one item or price: a whole number, or text that sorts in time.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import ItemStatus, PriceType, StockReason, StockState, UnitOfMeasure
from tillway.model.part import Part
from tillway.model.scalars import (
    Currency,
    Gtin14,
    Identifier,
    Moment,
    Money,
    Quantity,
    Text,
    Version,
)


class InventoryAdjustment(Part, frozen=True, kw_only=True):
    """A change of stock (`inventory.adjusted`)."""

    document_ref: Annotated[Identifier, Meta(description="The document behind it.")]
    item_id: Annotated[Identifier, Meta(description="The item, as the chain names it.")]
    location_id: Annotated[Identifier, Meta(description="Shop, warehouse or bin.")]
    stock_state: Annotated[StockState, Meta(description="The stock that changed.")]
    quantity_delta: Annotated[Quantity, Meta(description="Added positive, removed negative.")]
    uom: Annotated[UnitOfMeasure, Meta(description="Unit, UN/ECE Recommendation 20.")]
    reason: Annotated[StockReason, Meta(description="Why it changed.")]
    gtin: Annotated[Gtin14 | None, Meta(description="The GTIN in 14 digits.")] = None
    business_unit_id: Annotated[
        Identifier | None, Meta(description="The shop, if the location belongs to one.")
    ] = None
    adjusted_at: Annotated[Moment | None, Meta(description="When it changed.")] = None
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)


class ItemChange(Part, frozen=True, kw_only=True):
    """An item as it is from now on (`item.changed`)."""

    item_id: Annotated[Identifier, Meta(description="The item, as the chain names it.")]
    version: Annotated[Version, Meta(description="Orders the revisions of this item.")]
    gtins: Annotated[tuple[Gtin14, ...], Meta(description="Its GTINs in 14 digits.")] = ()
    description: Annotated[Text | None, Meta(description="Its name.")] = None
    merchandise_hierarchy: Annotated[
        Identifier | None, Meta(description="The merchandise group.")
    ] = None
    tax_group: Annotated[Identifier | None, Meta(description="Tax group of the chain.")] = None
    uom: Annotated[
        UnitOfMeasure | None, Meta(description="Unit it is sold in, UN/ECE Recommendation 20.")
    ] = None
    weighed: Annotated[bool | None, Meta(description="Sold by weight.")] = None
    serialised: Annotated[bool | None, Meta(description="Every piece has a serial number.")] = None
    status: Annotated[ItemStatus | None, Meta(description="Whether it may be sold.")] = None
    effective_from: Annotated[Moment | None, Meta(description="Valid from.")] = None
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)


class PriceChange(Part, frozen=True, kw_only=True):
    """A price as it is from now on (`price.changed`)."""

    item_id: Annotated[Identifier, Meta(description="The item, as the chain names it.")]
    price_type: Annotated[PriceType, Meta(description="Kind of price.")]
    store_scope: Annotated[
        Identifier, Meta(description="The shop or group of shops it holds for; all for every shop.")
    ]
    version: Annotated[Version, Meta(description="Orders the revisions of this price.")]
    amount: Annotated[Money, Meta(description="Price of one unit.")]
    currency: Annotated[Currency, Meta(description="Currency of the price, ISO 4217.")]
    tax_included: Annotated[bool, Meta(description="Whether the price contains tax.")]
    uom: Annotated[
        UnitOfMeasure | None, Meta(description="Unit the price is for, UN/ECE Recommendation 20.")
    ] = None
    effective_from: Annotated[Moment | None, Meta(description="Valid from.")] = None
    effective_to: Annotated[Moment | None, Meta(description="Valid until.")] = None
    extensions: Annotated[
        dict[str, Any], Meta(description="What the vendor sent beyond the model, by vendor.")
    ] = field(default_factory=dict)

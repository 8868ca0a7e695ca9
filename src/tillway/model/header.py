"""The fields that facts from a shop have in common.

The four fields of the POS key (business unit, workstation, business date, sequence number) are kept
as the profile normalised them; "01" and "1" would be two tills.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import BusinessDateSource, TimeSource
from tillway.model.part import Part
from tillway.model.scalars import BusinessDate, Count, Identifier, Moment


class StoreFact(Part, frozen=True, kw_only=True):
    """What every fact of a business unit (a shop) says about itself."""

    business_unit_id: Annotated[Identifier, Meta(description="The shop, as the chain names it.")]
    business_date: Annotated[
        BusinessDate,
        Meta(description="The business day it belongs to; after midnight not the calendar date."),
    ]
    register_epoch: Annotated[
        Count, Meta(description="Rises when the counter of the register starts again.")
    ] = 0
    begin_at: Annotated[Moment | None, Meta(description="When it began.")] = None
    end_at: Annotated[Moment | None, Meta(description="When it ended.")] = None
    business_date_source: Annotated[
        BusinessDateSource | None,
        Meta(description="Who said the business date; absent means the POS did."),
    ] = None
    time_source: Annotated[
        TimeSource | None, Meta(description="Where the offset of the times comes from.")
    ] = None
    operator_id: Annotated[
        Identifier | None, Meta(description="Pseudonym of the person at the till.")
    ] = None
    training: Annotated[
        bool, Meta(description="Made in training mode: the number counts, the money does not.")
    ] = False
    offline: Annotated[bool, Meta(description="The till had no connection at the time.")] = False
    extensions: Annotated[
        dict[str, Any],
        Meta(description="What the vendor sent beyond the model, by vendor; never interpreted."),
    ] = field(default_factory=dict)


class PosFact(StoreFact, frozen=True, kw_only=True):
    """A fact that consumed a number of a register; together with the header this is its key."""

    workstation_id: Annotated[Identifier, Meta(description="The register or kiosk.")]
    sequence_number: Annotated[Count, Meta(description="The number the register gave it.")]
    till_id: Annotated[Identifier | None, Meta(description="The cash drawer.")] = None


class DayFact(StoreFact, frozen=True, kw_only=True):
    """A fact of a day or a till; it consumed a register's number only if it carries one."""

    workstation_id: Annotated[
        Identifier | None, Meta(description="The register that sent it, if one did.")
    ] = None
    sequence_number: Annotated[
        Count | None, Meta(description="The number that register gave it, if it gave one.")
    ] = None

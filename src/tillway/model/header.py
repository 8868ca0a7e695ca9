"""The fields that facts from a shop have in common.

The four fields of the POS key (business unit, workstation, business date, sequence number) are kept
as the profile normalised them; "01" and "1" would be two tills. What has no register's number (a
web order, a vendor that does not count) is known by the vendor's id of the object instead.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from tillway.model.enumerations import BusinessDateSource, TimeSource
from tillway.model.part import Part
from tillway.model.scalars import BusinessDate, Count, Identifier, Moment

IDENTITIES = (("workstation_id", "sequence_number"), ("object_id",))
"""The ways to say which fact it is: by a register's number, or by the vendor's id."""
EITHER_IDENTITY = ", or ".join(" and ".join(names) for names in IDENTITIES)


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
    object_id: Annotated[
        Identifier | None,
        Meta(
            description=(
                "What the vendor calls this object, for facts without a register's number."
            )
        ),
    ] = None
    revision: Annotated[
        Count | None,
        Meta(description="Version of the object at its source; the highest is current."),
    ] = None


class PosFact(StoreFact, frozen=True, kw_only=True):
    """A fact that consumed a number of a register, or that its vendor names by an id.

    Raises ValueError when it has neither a number with its workstation nor an object_id; with both
    the number is its key.
    """

    workstation_id: Annotated[
        Identifier | None, Meta(description="The register or kiosk; needed beside a number.")
    ] = None
    sequence_number: Annotated[
        Count | None,
        Meta(description="The number the register gave it; without one, object_id is needed."),
    ] = None
    till_id: Annotated[Identifier | None, Meta(description="The cash drawer.")] = None

    def __post_init__(self) -> None:
        """Refuse a fact that nothing identifies."""
        if self.object_id is None and (self.sequence_number is None or self.workstation_id is None):
            raise ValueError(f"Nothing identifies it: give {EITHER_IDENTITY}")


class DayFact(StoreFact, frozen=True, kw_only=True):
    """A fact of a day or a till; it consumed a register's number only if it carries one."""

    workstation_id: Annotated[
        Identifier | None, Meta(description="The register that sent it, if one did.")
    ] = None
    sequence_number: Annotated[
        Count | None, Meta(description="The number that register gave it, if it gave one.")
    ] = None

"""The hub's own note that a vendor called: an object changed and must be fetched.

Internal: no source maps to it, and no route carries it unless one names it. Its key is the vendor's
id of the notification, so a repeated call is a duplicate.
"""

from typing import Annotated

from msgspec import Meta

from tillway.model.part import Part
from tillway.model.scalars import Count, Identifier, KeyText


class SourceHint(Part, frozen=True, kw_only=True):
    """A vendor's word that an object changed (`source.hint`)."""

    event_id: Annotated[KeyText, Meta(description="The vendor's id of this notification.")]
    object_type: Annotated[Identifier, Meta(description="Kind of the object that changed.")]
    object_id: Annotated[KeyText, Meta(description="What the vendor calls the object.")]
    revision: Annotated[
        Count | None, Meta(description="Version of the object, if the vendor says it.")
    ] = None
    occurred_at: Annotated[
        Identifier | None, Meta(description="When it changed, as the vendor wrote it.")
    ] = None
    store: Annotated[Identifier | None, Meta(description="The vendor's id of the location.")] = None

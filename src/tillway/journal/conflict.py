"""The copy that is kept when a second content claims a natural key: the first one stands."""

from __future__ import annotations

from tillway.journal.base import Candidate, Invalid

CONFLICT_CODE = "TW-2010"


def conflicting_copy(item: Candidate) -> Invalid:
    """Return the copy that is kept of a message whose key is taken by another content."""
    e = item.envelope
    return Invalid(
        door=e.door,
        system=e.system,
        record_hash=item.record_hash,
        raw=item.raw,
        violations=b"[]",
        code=CONFLICT_CODE,
        received_at=e.received_at,
        release=e.release,
        message_type=e.message_type,
        natural_key=e.natural_key,
        store=e.store,
        currency=e.currency,
        amount_minor=e.amount_minor,
    )

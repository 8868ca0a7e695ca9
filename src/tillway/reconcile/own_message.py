"""Messages that reconciliation itself says: they go into the journal like any other.

Surprising: they come through no door. Their system is `tillway`, and their natural key makes them
once however often they are said.
"""

from __future__ import annotations

from typing import Any

from tillway.journal.base import Candidate
from tillway.message import Envelope, content_hash, key_digest, natural_key, record_hash
from tillway.model import message_type, to_minor
from tillway.model.currencies import MINOR_DIGITS

SYSTEM = "tillway"


def own_message(name: str, message: Any, message_id: str, now: int, release: str) -> Candidate:
    """Return a message of this type as the journal takes it; now is microseconds UTC."""
    kind = message_type(name)
    canonical = kind.encode(message)
    parts = kind.key_parts(message)
    amount, currency = kind.money(message), kind.currency(message)
    business_date = kind.business_date(message)
    envelope = Envelope(
        message_id=message_id,
        message_type=kind.name,
        schema_version=kind.version,
        system=SYSTEM,
        door=SYSTEM,
        natural_key=natural_key(parts),
        lane_key=kind.ordering_key(message),
        received_at=now,
        trace_id=message_id,
        release=release,
        store=getattr(message, "business_unit_id", None) or "",
        business_date=business_date.isoformat() if business_date else "",
        currency=currency,
        # A currency that ISO 4217 does not have counts in no unit.
        amount_minor=None
        if amount is None or currency not in MINOR_DIGITS
        else to_minor(amount, currency),
    )
    return Candidate(
        envelope=envelope,
        key_digest=key_digest(SYSTEM, kind.key_space_of(message), parts),
        # The key alone decides: the same posting asked for again is the same posting.
        record_hash=record_hash({"key": envelope.natural_key}),
        content_hash=content_hash(canonical),
        raw=canonical,
        canonical=canonical,
    )

"""What the journal keeps beside a message so that nobody has to open its payload.

Money stands here as integer minor units with its currency; a message without money has neither.
"""

from __future__ import annotations

import msgspec


class Envelope(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The header of one message.

    message_id: 32 hex digits, given by the hub. trace_id: the same, or the W3C trace context that
    the sender brought, as `tracing.kept_context` says it. system: name in `systems/`; door: which
    of its doors took the message (`ingest`, a name).
    natural_key: text form; business_date: ISO date or "". received_at: microseconds UTC.
    amount_minor: signed integer in minor units of currency, None when the message states no money.
    lane_key: default ordering key of the message type. release: digest of the project release.
    register_epoch: which run of the register's counter the sequence number belongs to; it rises
    when the counter starts again. receipt_number: as printed, without leading zeros, for search.
    object_id: what the vendor calls a fact that carries a number beside it, for search; "" where
    the natural key says it or there is none. revision: version of the object at its source, None
    where it has none; object_digest: 16 bytes that all versions of one object share, None where
    there is no revision.
    """

    message_id: str
    message_type: str
    schema_version: int
    system: str
    door: str
    natural_key: str
    lane_key: str
    received_at: int
    trace_id: str
    release: str
    store: str = ""
    workstation: str = ""
    business_date: str = ""
    sequence_number: int | None = None
    register_epoch: int = 0
    receipt_number: str = ""
    object_id: str = ""
    revision: int | None = None
    object_digest: bytes | None = None
    occurred_at: str = ""
    currency: str = ""
    amount_minor: int | None = None
    training: bool = False


def lane_of(route: str, lane_key: str) -> str:
    """Return the name of a lane: order is kept inside it, and nowhere else."""
    return f"{route}/{lane_key}"

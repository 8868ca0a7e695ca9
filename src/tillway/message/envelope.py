"""What the journal keeps beside a message so that nobody has to open its payload.

Money stands here as integer minor units with its currency; a message without money has neither.
"""

from __future__ import annotations

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The header of one message.

    message_id: 32 hex digits, given by the hub; also the W3C trace id unless the sender brought
    one. system: name in `systems/`; door: which of its doors took the message (`ingest`, a name).
    natural_key: text form; business_date: ISO date or "". received_at: microseconds UTC.
    amount_minor: signed integer in minor units of currency, None when the message states no money.
    lane_key: default ordering key of the message type. release: digest of the project release.
    receipt_number: as printed, without leading zeros, for search.
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
    receipt_number: str = ""
    revision: str = ""
    occurred_at: str = ""
    currency: str = ""
    amount_minor: int | None = None
    training: bool = False


def lane_of(route: str, lane_key: str) -> str:
    """Return the name of a lane: order is kept inside it, and nowhere else."""
    return f"{route}/{lane_key}"

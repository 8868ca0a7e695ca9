"""The envelope of a message: its identity, its hashes and the facts the journal keeps beside it."""

from tillway.message.envelope import Envelope, lane_of
from tillway.message.identity import (
    compact_hash,
    content_hash,
    key_digest,
    natural_key,
    record_hash,
)

__all__ = [
    "Envelope",
    "compact_hash",
    "content_hash",
    "key_digest",
    "lane_of",
    "natural_key",
    "record_hash",
]

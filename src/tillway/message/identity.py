"""Who a message is: its natural key, and the two hashes that tell a resend from a conflict.

A natural key is (system, key space, parts) and never a random id per attempt, so the same fact
through a webhook, a poll and a file is one message. Equal in either hash means duplicate, different
in both means conflict: neither a new mapping nor a second door makes an honest resend a conflict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

SEPARATOR = "\x1f"
DIGEST_BYTES = 16

_encode = msgspec.json.Encoder(decimal_format="number").encode


def natural_key(parts: Iterable[str]) -> str:
    """Return the key as people write it: `0145:03:2026-11-20:1043`."""
    return ":".join(parts)


def key_digest(system: str, space: str, parts: Iterable[str]) -> bytes:
    """Return the 16 bytes by which the journal knows a key."""
    text = SEPARATOR.join((system, space, *parts))
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def record_hash(record: Mapping[str, Any], volatile: frozenset[str] = frozenset()) -> bytes:
    """Hash a masked neutral record, without the names that change on every resend.

    Names count in the order they were sent: a sender's resend keeps it, and where another door of
    the same system does not, the content still tells that it is the same.
    """
    kept = (
        {name: value for name, value in record.items() if name not in volatile}
        if volatile
        else record
    )
    return compact_hash(_encode(kept))


def compact_hash(compact: bytes) -> bytes:
    """Hash a record that is already written as compact JSON; equals its `record_hash`."""
    return hashlib.sha256(compact).digest()


def content_hash(canonical: bytes) -> bytes:
    """Hash a canonical message, as `MessageType.encode` writes it."""
    return hashlib.sha256(canonical).digest()

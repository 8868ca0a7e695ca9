"""The chain that links the entries of the audit log: pure hashing, no I/O.

Each entry carries the SHA-256 of the link before it and of its own content, its number included, so
that nothing before the newest link can change without that link changing too.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tillway.journal.base import Action

ORIGIN = bytes(32)
"""What stands before the first entry."""


class AuditEntry(msgspec.Struct, frozen=True):
    """One entry of the audit log. number: its place, from 1 without a hole."""

    number: int
    action: Action
    link: bytes


def link(before: bytes, number: int, action: Action) -> bytes:
    """Return the link of an entry: SHA-256 of the link before it and of a JSON array.

    The array is `[number, at, who, verb, subject, reason]` without spaces, in UTF-8.
    """
    content = (number, action.at, action.who, action.verb, action.subject, action.reason)
    return sha256(before + msgspec.json.encode(content)).digest()

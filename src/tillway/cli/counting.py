"""Counts things in words: `1 message`, `1,204 messages`."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun; many is the plural where it is not `one` with an s.

    >>> counted(1, "message"), counted(1204, "message"), counted(2, "copy", "copies")
    ('1 message', '1,204 messages', '2 copies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"

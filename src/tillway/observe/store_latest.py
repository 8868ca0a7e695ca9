"""The newest messages of one shop, looked for among the newest of all."""

from __future__ import annotations

from tillway.journal.base import StoredMessage
from tillway.observe.latest import MessageReader

LOOKED_AT = 20_000
"""A shop that is silent for longer has its last messages in its store-days and in the search."""


async def latest_of_store(
    reader: MessageReader, store: str, count: int
) -> tuple[list[StoredMessage], int]:
    """Return up to so many of its messages, newest first, and how many of all were looked at."""
    found = await reader.newest_of_store(store, count, LOOKED_AT)
    return found, min(LOOKED_AT, await reader.last_position())

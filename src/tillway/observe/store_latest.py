"""The newest messages of one shop, looked for among the newest of all."""

from __future__ import annotations

from tillway.journal.base import StoredMessage
from tillway.observe.latest import MessageReader

AT_ONCE = 500
MOST_LOOKED_AT = 6_000
"""A shop that is silent for longer has its last messages in its store-days and in the search."""


async def latest_of_store(
    reader: MessageReader, store: str, count: int
) -> tuple[list[StoredMessage], int]:
    """Return up to so many of its messages, newest first, and how many of all were looked at."""
    end = await reader.last_position()
    found: list[StoredMessage] = []
    looked_at = 0
    while end > 0 and len(found) < count and looked_at < MOST_LOOKED_AT:
        start = max(0, end - AT_ONCE)
        page = [one for one in await reader.read(start, AT_ONCE) if one.position <= end]
        found += [one for one in reversed(page) if one.envelope.store == store]
        looked_at += end - start
        end = start
    return found[:count], looked_at

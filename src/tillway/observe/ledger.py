"""Reads the lists of the journal page by page, so that no list is ever cut off silently."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from tillway.journal.base import DeliveryRow, ObjectRevision, StoredMessage
from tillway.journal.queries import InvalidRow, JournalQueries
from tillway.journal.revisions import superseded_messages

PAGE_ROWS = 1000


async def ledger_rows(
    queries: JournalQueries, states: Sequence[str], *, route: str = ""
) -> AsyncIterator[tuple[DeliveryRow, StoredMessage, ObjectRevision | None]]:
    """Yield every ledger row in these states with its message, per route in position order.

    The third of each is its revision, where a newer one of its object is stored, else None.
    """
    for name in [route] if route else await queries.routes():
        after = 0
        while page := await queries.deliveries(states, route=name, limit=PAGE_ROWS, after=after):
            versions = await superseded_messages(queries, [message for _, message in page])
            for row, message in page:
                yield row, message, versions.get(row.position)
            after = page[-1][0].position


async def invalid_rows(queries: JournalQueries, *, outcome: str = "") -> AsyncIterator[InvalidRow]:
    """Yield every open quarantined or conflicting copy, oldest first, without its raw bytes."""
    after = 0
    while page := await queries.invalid(
        outcome=outcome, limit=PAGE_ROWS, after=after, with_raw=False
    ):
        for row in page:
            yield row
        after = page[-1].invalid_id

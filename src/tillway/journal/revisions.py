"""Which of some messages a newer revision of their object has superseded, as things stand now.

A message without a revision is never asked about, so receipts of a till cost nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tillway.journal.base import ObjectRevision, StoredMessage


class KnowsRevisions(Protocol):
    """The part of a journal that is asked."""

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision, with the newest of their objects."""
        ...


async def superseded_messages(
    journal: KnowsRevisions, messages: Iterable[StoredMessage]
) -> dict[int, ObjectRevision]:
    """Return position -> revision of those of these messages that are superseded."""
    versioned = [one.position for one in messages if one.envelope.object_digest is not None]
    found = await journal.newest_revisions(versioned) if versioned else []
    return {one.position: one for one in found if one.superseded_by is not None}

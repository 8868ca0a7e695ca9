"""Keeps an order from sending an old version of an object once a newer one is stored.

Only what a person asks for is asked about. Versions that wait in one lane go in their order by
themselves, so the newest is the last to arrive; a dead letter has left that order.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tillway.journal.base import Journal, ObjectRevision, StoredMessage

SUPERSEDED_CODE = "TW-4013"


async def superseded(journal: Journal, positions: Sequence[int]) -> dict[int, ObjectRevision]:
    """Return position -> revision of those of these messages that a newer revision supersedes.

    What is stored while the journal is asked counts as well: it may already be on its way.
    """
    stored: dict[bytes, int] = {}

    def note(messages: Sequence[StoredMessage]) -> None:
        for envelope in (message.envelope for message in messages):
            if envelope.object_digest is not None and envelope.revision is not None:
                known = stored.get(envelope.object_digest, envelope.revision)
                stored[envelope.object_digest] = max(known, envelope.revision)

    cancel = journal.subscribe(note)
    try:
        found = await journal.newest_revisions(positions)
    finally:
        cancel()
    current = [
        msgspec.structs.replace(one, newest=max(one.newest, _stored(one, stored))) for one in found
    ]
    return {one.position: one for one in current if one.superseded_by is not None}


def superseded_text(version: ObjectRevision) -> str:
    """Say by which revision a message is superseded."""
    return f"superseded by revision {version.newest}"


def _stored(version: ObjectRevision, stored: dict[bytes, int]) -> int:
    return stored.get(version.object_digest, version.newest)

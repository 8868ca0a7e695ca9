"""The hints of one source, kept in the journal: a crash neither loses one nor forgets it is done.

Surprising: they are ordinary journal messages (`source.hint`), so they pass the books like any
other; what is done is one number in the source's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tillway.clock import Clock
from tillway.connect import Hint
from tillway.errors import Refused
from tillway.journal.base import Candidate, Journal
from tillway.message import Envelope, content_hash, key_digest, record_hash
from tillway.model import message_type

HINT = message_type("source.hint")
DONE_STATE = "hints.done"
"""Name in the source's memory of the last position that needs no more work."""


class JournalHints(msgspec.Struct):
    """`connect.Hints` of one source. check raises Refused while intake is closed."""

    source: str
    journal: Journal
    clock: Clock
    new_id: Callable[[], str]
    release: str
    check: Callable[[], None]

    async def put(self, hint: Hint) -> bool:
        """Store a hint durably; True when it is new, False when its event_id was stored before.

        Raises Refused: TW-2018 for a hint that names no object, or when the hub takes nothing now.
        """
        self.check()
        [receipt] = await self.journal.append([self._candidate(hint)])
        return receipt.outcome == "accepted"

    async def waiting(self, limit: int) -> Sequence[tuple[int, Hint]]:
        """Return the oldest hints not yet done, as (position, hint)."""
        found = await self.journal.read_hints(self.source, await self._done(), limit)
        return [(message.position, _hint(message.canonical)) for message in found]

    async def done(self, position: int) -> None:
        """Forget every hint up to this position; a lower one than before changes nothing."""
        if position > await self._done():
            await self.journal.save_source_state(self.source, DONE_STATE, str(position))

    async def _done(self) -> int:
        state = await self.journal.source_state(self.source)
        return int(state.get(DONE_STATE, "0"))

    def _candidate(self, hint: Hint) -> Candidate:
        canonical = HINT.encode(_message(hint))
        message_id = self.new_id()
        envelope = Envelope(
            message_id=message_id,
            message_type=HINT.name,
            schema_version=HINT.version,
            system=self.source,
            door=self.source,
            natural_key=hint.event_id,
            lane_key=hint.object_id,
            received_at=self.clock.now(),
            trace_id=message_id,
            release=self.release,
            revision=hint.revision,
            occurred_at=hint.occurred_at,
        )
        return Candidate(
            envelope=envelope,
            key_digest=key_digest(self.source, HINT.key_space, (hint.event_id,)),
            # The id alone decides: a vendor that words its second call otherwise repeats itself.
            record_hash=record_hash({"event_id": hint.event_id}),
            content_hash=content_hash(canonical),
            raw=canonical,
            canonical=canonical,
        )


def _message(hint: Hint) -> object:
    stated = {name: value for name, value in msgspec.structs.asdict(hint).items() if value != ""}
    try:
        return HINT.convert(stated)
    except msgspec.ValidationError as error:
        detail = f"the notification names no object that could be fetched: {error}"
        raise Refused("TW-2018", detail, status=422) from None


def _hint(canonical: bytes) -> Hint:
    message = HINT.decode(canonical)
    return Hint(
        event_id=message.event_id,
        object_type=message.object_type,
        object_id=message.object_id,
        revision=message.revision,
        occurred_at=message.occurred_at or "",
        store=message.store or "",
    )

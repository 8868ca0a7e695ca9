"""Keeps the journal from growing for ever: retention, and room given back, in small steps.

Surprising: each step is one job among others of the journal's writer, so a sale never waits for
more than one of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from tillway.assembly.acknowledgement import note_path, take
from tillway.clock import MICROSECONDS, Clock
from tillway.errors import JournalFault, TillwayError
from tillway.journal.keeping import Cutoffs, Retired
from tillway.journal.sqlite import SqliteJournal
from tillway.project.records import HubSettings

ROUND_SECONDS = 3600.0
"""Time between two rounds of retention."""
LOOK_SECONDS = 2.0
"""Time between two looks for an acknowledgement that a person left."""
PAUSE_SECONDS = 0.05
"""Pause between two steps of a round, in which the writer is free."""
MESSAGES_AT_ONCE = 500
BYTES_AT_ONCE = 2 * 1024 * 1024
KEPT_FREE_SHARE = 0.1
"""Free room up to this share of the file stays: what comes in next fills it again."""
DAY_MICROSECONDS = 24 * 3600 * MICROSECONDS
_log = logging.getLogger(__name__)


def cutoffs(settings: HubSettings, now: int) -> Cutoffs:
    """Return what may go now, by the settings; now is microseconds UTC."""

    def before(days: int) -> int:
        return max(1, now - days * DAY_MICROSECONDS) if days else 0

    return Cutoffs(
        raw=before(settings.raw_days),
        canonical=before(settings.canonical_days),
        duplicates=before(settings.duplicate_days),
        attempts=before(settings.attempt_days),
    )


class Upkeep(msgspec.Struct):
    """Looks after the journal of a running hub; acknowledged is called when a person said so."""

    journal: SqliteJournal
    settings: HubSettings
    clock: Clock
    acknowledged: Callable[[], None]

    async def run(self) -> None:
        """Do a round every hour, and look for acknowledgements, until cancelled."""
        due = self.clock.monotonic()
        while self.journal.fault is None:
            try:
                await self.note_acknowledgement()
                if self.clock.monotonic() >= due:
                    due = self.clock.monotonic() + ROUND_SECONDS
                    await self.round()
            except JournalFault:
                return
            except (TillwayError, OSError) as error:
                _log.warning("upkeep of the journal stopped and goes on later: %s", error)
            await self.clock.sleep(LOOK_SECONDS)

    async def round(self) -> Retired:
        """Let everything go that may go, give room back, and return what went."""
        gone = Retired()
        while step := await self._step():
            gone = gone.plus(step)
            await self.clock.sleep(PAUSE_SECONDS)
        if gone.total:
            _log.info("retention let go of %d payloads and rows", gone.total)
        await self._give_back()
        return gone

    async def note_acknowledgement(self) -> None:
        """Take over what a person said on the command line while this hub holds the journal."""
        note = take(self.journal.path)
        if note is None:
            return
        if await self.journal.acknowledge_restore(note.at, note.who, note.reason):
            self.acknowledged()
        note_path(self.journal.path).unlink(missing_ok=True)

    async def _step(self) -> Retired | None:
        limits = cutoffs(self.settings, self.clock.now())
        step = await self.journal.retire(limits, MESSAGES_AT_ONCE)
        return step if step.total else None

    async def _give_back(self) -> None:
        while True:
            room = await self.journal.storage(Cutoffs())
            spare = round(room.free_bytes - KEPT_FREE_SHARE * room.size_bytes)
            if not room.gives_back or spare <= 0:
                return
            if not await self.journal.reclaim(min(spare, BYTES_AT_ONCE)):
                return
            await self.clock.sleep(PAUSE_SECONDS)

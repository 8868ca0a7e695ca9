"""Puts what was refused to somebody who is known into the audit log, once a minute for each thing.

A script that asks the same forbidden thing a thousand times leaves one line a minute, not a
thousand. Who is not known leaves none here: failed logins are noted where they fail.
"""

from __future__ import annotations

from tillway.access.callers import Caller
from tillway.clock import MICROSECONDS, Clock
from tillway.journal.base import Action
from tillway.journal.projection import Change, Projecting

EACH_SECONDS = 60
MOST_KEPT = 10_000


class Refusals:
    """What was refused to whom, lately."""

    def __init__(self, journal: Projecting, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._noted: dict[tuple[str, str, str], int] = {}

    async def note(self, caller: Caller, what: str, code: str) -> None:
        """Note that a caller was refused something; what: the operation or address."""
        if not caller.name:
            return
        now, place = self._clock.now(), (caller.name, what, code)
        if now - self._noted.get(place, 0) < EACH_SECONDS * MICROSECONDS:
            return
        if len(self._noted) >= MOST_KEPT:
            self._noted.clear()
        self._noted[place] = now
        await self._journal.project(
            Change(actions=[Action(now, caller.name, "refused", what, code)])
        )

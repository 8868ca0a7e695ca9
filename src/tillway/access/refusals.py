"""Puts what was refused to somebody who is known into the audit log, once a minute for each thing.

A script that asks the same forbidden thing a thousand times leaves one line a minute, not a
thousand, and one that asks a thousand forbidden things leaves thirty. Who is not known leaves none
here: failed logins are noted where they fail.
"""

from __future__ import annotations

from tillway.access.callers import Caller
from tillway.clock import MICROSECONDS, Clock
from tillway.journal.base import Action
from tillway.journal.projection import Change, Projecting

EACH_SECONDS = 60
MOST_EACH = 30
"""Lines of one caller in a minute."""
LONGEST_THING = 200


class Refusals:
    """What was refused to whom, lately."""

    def __init__(self, journal: Projecting, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._began = 0
        self._noted: dict[str, set[tuple[str, str]]] = {}

    async def note(self, caller: Caller, what: str, code: str) -> None:
        """Note that a caller was refused something; what: the operation or address."""
        if not caller.name:
            return
        now, thing = self._clock.now(), what[:LONGEST_THING]
        if not 0 <= now - self._began < EACH_SECONDS * MICROSECONDS:
            self._began = now
            self._noted.clear()
        noted = self._noted.setdefault(caller.name, set())
        if (thing, code) in noted or len(noted) >= MOST_EACH:
            return
        noted.add((thing, code))
        await self._journal.project(
            Change(actions=[Action(now, caller.name, "refused", thing, code)])
        )

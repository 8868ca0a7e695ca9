"""How far the clock of each till is off the hub's, learned from what its messages say of the time.

A till whose clock is wrong files its sales under the wrong moment, and around midnight under the
wrong day. A message from the future shows at once that a clock is ahead. One that comes late shows
nothing, for messages do come late; only where the quickest of half an hour was late is the clock
behind, or the till sends late.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Asking, Change, ProjectingJournal
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import read, write

HOUR = 3600 * MICROSECONDS
"""A clock is measured over an hour of messages, and then anew."""
HALF_HOUR = HOUR // 2
HISTORY_SECONDS = 12 * 3600
"""What is older than this when it comes is history and tells nothing of a clock."""
KEEP_EVERY = 60 * MICROSECONDS
FORGOTTEN_AFTER = 30 * 24 * HOUR
Place = tuple[str, str]
"""A store and one of its workstations."""


class TillClock(msgspec.Struct, gc=False):
    """One till's clock. offset_seconds: the till's time less the hub's, above 0 when it is ahead.

    since, last_at: first and last message of the hour it is measured over, microseconds UTC.
    nearest_seconds: the offset of the message of that hour that came quickest.
    """

    store: str
    workstation: str
    since: int = 0
    last_at: int = 0
    nearest_seconds: int = 0
    offset_seconds: int = 0

    def hear(self, happened_at: int, received_at: int) -> None:
        """Learn from one more message.

        happened_at: by the till, in seconds since 1970; received_at: microseconds UTC.
        """
        offset = happened_at - received_at // MICROSECONDS
        if offset < -HISTORY_SECONDS:
            return
        if not 0 <= received_at - self.since < HOUR:
            self.since, self.nearest_seconds = received_at, offset
        elif offset > self.nearest_seconds:
            self.nearest_seconds = offset
        self.last_at = received_at
        if self.nearest_seconds > 0 or received_at - self.since >= HALF_HOUR:
            self.offset_seconds = self.nearest_seconds


class TillClocks:
    """Keeps the clock of every till, a side book of the bookkeeper."""

    reads = (
        "retail_transaction.completed",
        "retail_transaction.voided",
        "control.recorded",
        "cash.moved",
    )

    def __init__(self, journal: ProjectingJournal) -> None:
        self._journal = journal
        self._clocks: dict[Place, TillClock] = {}
        self._heard: set[Place] = set()
        self._kept_at = 0

    async def open(self) -> None:
        """Read what is known."""
        known = await till_clocks(self._journal)
        self._clocks = {(one.store, one.workstation): one for one in known}
        self._heard.clear()
        self._kept_at = 0

    async def take(self, entered: Entered, _change: Change) -> None:
        """Compare what a message says of the time with when it came."""
        fact = entered.fact
        if fact is None or entered.history or not (fact.workstation and fact.happened_at):
            return
        place = (entered.stored.envelope.store, fact.workstation)
        clock = self._clocks.get(place)
        if clock is None:
            clock = self._clocks[place] = TillClock(*place)
        clock.hear(fact.happened_at, fact.received_at)
        self._heard.add(place)

    async def look(self, now: int, change: Change) -> None:
        """Keep what changed, once a minute; a till that is gone for a month is forgotten."""
        if not self._heard or 0 <= now - self._kept_at < KEEP_EVERY:
            return
        rows = (msgspec.structs.astuple(self._clocks[place]) for place in self._heard)
        change.run(write("clock"), *rows)
        self._heard.clear()
        self._kept_at = now
        long_ago = now - FORGOTTEN_AFTER
        change.run(write("forget_clocks"), (long_ago,))
        for place in [place for place, one in self._clocks.items() if one.last_at < long_ago]:
            del self._clocks[place]


async def till_clocks(tables: Asking) -> list[TillClock]:
    """Return the clock of every till that was heard of in the last month, by store and till."""
    if not await tables.ask(read("has_clocks")):
        # A journal that no hub of this version opened yet.
        return []
    return [TillClock(*row) for row in await tables.ask(read("clocks"))]


def furthest_off(clocks: Iterable[TillClock]) -> dict[str, TillClock]:
    """Return store -> the clock of its that is off the most."""
    return {one.store: one for one in sorted(clocks, key=_seconds_off)}


def _seconds_off(clock: TillClock) -> int:
    return abs(clock.offset_seconds)

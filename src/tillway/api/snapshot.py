"""The status for many viewers at once, read anew at most every second.

The more a status costs to read, the longer it is kept, so that watching never slows the sales.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from tillway.access.callers import Caller
from tillway.access.scoped import reader_for
from tillway.clock import Clock
from tillway.observe import MessageReader, Status, Thresholds, status
from tillway.observe.tempo import Tempo
from tillway.project.records import Release

FRESH_SECONDS = 1.0
SHARE = 10
"""A status that took x seconds to read is kept for SHARE times x."""
WINDOW_SECONDS = 60.0
MOST_SIGHTS = 64
"""How many different choices of shops are remembered."""


class Pace(msgspec.Struct, frozen=True):
    """Messages per minute over the last minute; seconds is how much of it was watched."""

    received: float = 0.0
    accepted: float = 0.0
    delivered: float = 0.0
    seconds: float = 0.0


class _Sample(msgspec.Struct, frozen=True):
    at: float
    received: int
    accepted: int
    delivered: int


class Snapshot:
    """Reads the status of a hub and remembers how fast it moves."""

    def __init__(
        self,
        reader: MessageReader,
        release: Release | None,
        clock: Clock,
        thresholds: Thresholds | None = None,
    ) -> None:
        self._reader = reader
        self._release = release
        self._clock = clock
        self._thresholds = thresholds or Thresholds()
        self._lock = asyncio.Lock()
        self._status: Status | None = None
        self._fresh_until = 0.0
        self._samples: deque[_Sample] = deque()
        self.tempo = Tempo()
        self._sights: dict[frozenset[str], Snapshot] = {}

    def of(self, caller: Caller) -> Snapshot:
        """Return the status as a caller may see it: of some shops, or this one."""
        if caller.stores is None:
            return self
        known = self._sights.get(caller.stores)
        if known is None:
            known = _ScopedSnapshot(
                reader_for(self._reader, caller),
                _release_of(self._release, caller),
                self._clock,
                self._thresholds,
            )
            if len(self._sights) >= MOST_SIGHTS:
                self._sights.clear()
            self._sights[caller.stores] = known
        return known

    async def status(self) -> Status:
        """Return the status, at most a moment old; concurrent callers share one reading."""
        async with self._lock:
            began = self._clock.monotonic()
            if self._status is None or began >= self._fresh_until:
                self._status = await self._read()
                ended = self._clock.monotonic()
                self._fresh_until = ended + max(FRESH_SECONDS, SHARE * (ended - began))
                self._note(ended, self._status)
            return self._status

    def pace(self) -> Pace:
        """Return the pace over the statuses read in the last minute, zeros with fewer than two."""
        if len(self._samples) < 2:
            return Pace()
        first, last = self._samples[0], self._samples[-1]
        seconds = last.at - first.at
        per_minute = 60.0 / seconds
        return Pace(
            received=(last.received - first.received) * per_minute,
            accepted=(last.accepted - first.accepted) * per_minute,
            delivered=(last.delivered - first.delivered) * per_minute,
            seconds=seconds,
        )

    async def _read(self) -> Status:
        return await status(
            self._reader,
            now=self._clock.now(),
            release=self._release,
            thresholds=self._thresholds,
        )

    def _note(self, at: float, found: Status) -> None:
        accepted = found.outcomes.get("accepted", 0)
        self.tempo.note(self._clock.now(), accepted, found.delivered)
        self._samples.append(_Sample(at, found.received, accepted, found.delivered))
        while at - self._samples[0].at > WINDOW_SECONDS and len(self._samples) > 2:
            self._samples.popleft()


class _ScopedSnapshot(Snapshot):
    """The status of some shops: what waits is theirs, what was delivered is counted nowhere."""

    async def _read(self) -> Status:
        found = await super()._read()
        # A cell of what waits does not tell its message type, so no line of money can.
        return msgspec.structs.replace(
            found, routes=[msgspec.structs.replace(line, money=[]) for line in found.routes]
        )


def _release_of(release: Release | None, caller: Caller) -> Release | None:
    """Return a release in which only the shops of a caller are listed."""
    if release is None:
        return None
    seen = {name: store for name, store in release.stores.items() if caller.sees(name)}
    return msgspec.structs.replace(release, stores=seen)

"""Rings once at a time of the injected clock; setting it again keeps only the earliest ring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from tillway.clock import Clock

SHORTEST_SECONDS = 1e-5
"""An event loop rings a timer that is nearly due before its time; rung so early, whoever listens
would see that nothing is due yet and set the alarm again, without end."""


class Alarm:
    """One waiting task at most; a ring that comes too early is harmless to whoever listens."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._at = inf
        self._task: asyncio.Task[None] | None = None

    def set(self, seconds: float) -> None:
        """Ring after this many seconds at the latest."""
        if seconds > 0:
            seconds = max(seconds, SHORTEST_SECONDS)
        at = self._clock.monotonic() + seconds
        if at >= self._at or seconds == inf:
            return
        self.cancel()
        self._at = at
        self._task = asyncio.create_task(self._wait(at))

    def cancel(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._at = inf

    async def _wait(self, at: float) -> None:
        await self._clock.sleep(max(0.0, at - self._clock.monotonic()))
        self._at = inf
        self._task = None
        self._ring()

"""Rings once at a time of the injected clock; setting it again keeps only the earliest ring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from tillway.clock import Clock


class Alarm:
    """One waiting task at most; a ring that comes too early is harmless to whoever listens."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._at = inf
        self._task: asyncio.Task[None] | None = None

    def set(self, seconds: float) -> None:
        """Ring after this many seconds at the latest."""
        at = self._clock.monotonic() + seconds
        if at >= self._at or seconds == inf:
            return
        self.cancel()
        self._at = at
        self._task = asyncio.create_task(self._wait(seconds))

    def cancel(self) -> None:
        """Ring no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._at = inf

    async def _wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._at = inf
        self._task = None
        self._ring()

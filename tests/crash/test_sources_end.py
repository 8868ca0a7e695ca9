"""A source that waits ends when it is told to, at whatever moment of its wait that comes.

A hub whose journal failed leaves by cancelling its sources; one that took the cancellation for its
own wait's went on for ever, and so did the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from tillway.clock import SystemClock
from tillway.connectors.files.source import FilesSource
from tillway.connectors.shopify.admin_api import AdminApi
from tillway.connectors.tryton.source import TrytonSource

Wait = Callable[[Any, asyncio.Event, float], Coroutine[Any, Any, None]]
WAITS: list[Wait] = [FilesSource._wait, TrytonSource._wait, AdminApi.pause]
MOMENTS = range(12)
ENDS_WITHIN_SECONDS = 10.0


@pytest.mark.parametrize("wait", WAITS, ids=lambda wait: wait.__qualname__)
async def test_a_wait_that_is_cancelled_at_any_moment_ends_cancelled(wait: Wait) -> None:
    """So many turns of the loop after it began, also while its own timers are put away."""
    clock = SystemClock()
    source = SimpleNamespace(_clock=clock, _context=SimpleNamespace(clock=clock))
    swallowed = []
    for moment in MOMENTS:
        waiting = asyncio.create_task(wait(source, asyncio.Event(), 0.0))
        for _ in range(moment):
            await asyncio.sleep(0)
        if waiting.cancel():
            await asyncio.wait({waiting}, timeout=ENDS_WITHIN_SECONDS)
            if not waiting.cancelled():
                swallowed.append(moment)
    assert swallowed == []

"""An event loop on virtual time: when nothing is ready, the clock jumps to the next timer.

Surprising: it has no sockets, no threads and no real waiting. What would really block raises
`WouldBlock` instead: a wait that no timer ends, a call into a thread, work given by another thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextvars import Context
from typing import Any, NoReturn, TypeVar

from tillway.clock import MICROSECONDS

T = TypeVar("T")
RESOLUTION_SECONDS = 1e-6
START = 1_763_632_800 * MICROSECONDS
"""Wall time of a new `VirtualClock`: 2025-11-20 10:00 UTC."""


class WouldBlock(BaseException):
    """A wait that would never end, or that only real time could end.

    Not an `Exception`, so that no code under test can take it for a fault of its own.
    """


class _Jump:
    """Stands where a loop has its selector: instead of waiting it moves the time on."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> Sequence[NoReturn]:
        if timeout is None:
            raise WouldBlock("nothing is ready, and no timer will ever make it so")
        self._loop.advance(timeout)
        return ()


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs coroutines in virtual seconds; the same coroutines give the same order every time.

    open_tasks: the tasks that have not ended, in the order in which they were made.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._clock_resolution = RESOLUTION_SECONDS
        self._selector = _Jump(self)
        self._made_in = threading.get_ident()
        self.open_tasks: dict[asyncio.Task[Any], None] = {}
        self.set_task_factory(_make_task)

    def time(self) -> float:
        """Return the virtual seconds that have passed."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once; timers that come due run afterwards."""
        self._now += max(seconds, 0.0)

    def run_in_executor(self, executor: object, func: object, *args: object) -> NoReturn:
        """Refuse: a thread works in real time."""
        raise WouldBlock(f"{func} was given to {executor or 'a thread'} with {len(args)} arguments")

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Call back soon; only from the thread of this loop."""
        if threading.get_ident() != self._made_in:
            raise WouldBlock(f"another thread asks for {callback}")
        return self.call_soon(callback, *args, context=context)

    def _process_events(self, event_list: Sequence[NoReturn]) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody waits in a system call."""


class VirtualClock:
    """`tillway.clock.Clock` on a virtual loop. step: seconds the wall clock was set by so far."""

    def __init__(self, loop: VirtualLoop, start: int = START) -> None:
        self._loop = loop
        self._start = start
        self.step = 0.0

    def now(self) -> int:
        """Return the wall time in microseconds since 1970, UTC; it may step."""
        return self._start + round((self._loop.time() + self.step) * MICROSECONDS)

    def monotonic(self) -> float:
        """Return virtual seconds that never go back."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)


def run_virtual(main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run a coroutine to its end on virtual time; close the loop. Raises what it raises."""
    try:
        return loop.run_until_complete(main)
    finally:
        _end(loop)


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **given: Any) -> asyncio.Task[Any]:
    assert isinstance(loop, VirtualLoop)
    task = asyncio.Task(coro, loop=loop, **given)
    loop.open_tasks[task] = None
    task.add_done_callback(loop.open_tasks.pop)
    return task


def _end(loop: VirtualLoop) -> None:
    """Cancel what is left, in the order in which it was made."""
    for task in list(loop.open_tasks):
        task.cancel()
    left = list(loop.open_tasks)
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()

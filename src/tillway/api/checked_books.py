"""The check of the books for people who look at a page: done beside the page, never inside it.

It reads every row that is stored. Where that is quick a page waits for it and shows how things
stand now; where it is not, the page shows the last result and when it was, and the next check runs
on, at most a small share of the time.
"""

from __future__ import annotations

import asyncio

import msgspec

from tillway.api.questions import resets_of
from tillway.clock import Clock, utc_text
from tillway.errors import TillwayError
from tillway.observe import Books, MessageReader, carried_by_route, gaps, verify
from tillway.observe.gaps import Gap
from tillway.project.records import Release

WAIT_SECONDS = 0.1
"""A page waits so long for a check."""
SHARE = 10
"""A check that took x seconds, and that no page could wait for, is kept for SHARE times x."""


class BooksSeen(msgspec.Struct, frozen=True):
    """The last result. books is None while there is none; unsteady says why it could not be had.

    at: when the check began, RFC 3339 in UTC, "" before the first. running: another is under way.
    """

    books: Books | None = None
    gaps: list[Gap] = msgspec.field(default_factory=list)
    unsteady: str = ""
    at: str = ""
    running: bool = False


class CheckedBooks:
    """Checks the books of one journal, one check at a time, when somebody wants to see them."""

    def __init__(self, reader: MessageReader, release: Release, clock: Clock) -> None:
        self._reader = reader
        self._release = release
        self._clock = clock
        self._seen = BooksSeen()
        self._task: asyncio.Task[BooksSeen] | None = None
        self._fresh_until = 0.0

    async def seen(self) -> BooksSeen:
        """Return how the books stand, as far as it is known without a long wait."""
        if self._task is None and self._clock.monotonic() >= self._fresh_until:
            self._task = asyncio.create_task(self._check())
            # What fails while nobody looks is told to who looks next, and to nobody else.
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        task = self._task
        if task is not None:
            if not await self._ends_soon(task):
                return msgspec.structs.replace(self._seen, running=True)
            if self._task is task:
                self._task = None
            self._seen = task.result()
        return self._seen

    async def _ends_soon(self, task: asyncio.Task[BooksSeen]) -> bool:
        """Wait a moment for a check; say whether it is done."""
        patience = asyncio.create_task(self._clock.sleep(WAIT_SECONDS))
        try:
            await asyncio.wait([task, patience], return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
        return task.done()

    async def _check(self) -> BooksSeen:
        began, at = self._clock.monotonic(), utc_text(self._clock.now())
        missing = await gaps(self._reader, resets_of(self._release))
        try:
            books = await verify(self._reader, carried_by_route(self._release))
            found = BooksSeen(books, missing, at=at)
        except TillwayError as error:
            found = BooksSeen(None, missing, error.detail, at)
        took = self._clock.monotonic() - began
        if took > WAIT_SECONDS:
            self._fresh_until = began + (1 + SHARE) * took
        return found

"""Takes the small submissions that arrive together as one group.

They pass the pipeline as one and share one append, which costs each of them less; a worker with
time to spare takes a group from the event loop. Nothing waits for a clock: a group goes when a few
turns of the event loop brought nothing more. A lone one waits for turns that are empty, some
microseconds; a busy hub, whose turns are long, gathers many.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from tillway.connect import Submission
from tillway.errors import Refused
from tillway.intake.crew import Crew
from tillway.intake.preparation import TOGETHER_BYTES, TOGETHER_RECORDS, Preparation, Taken
from tillway.journal.base import Journal, Receipt

Stored = tuple[list[Taken], list[Receipt]]
"""What a submission became, and a receipt for each."""
Waiting = tuple[Submission, asyncio.Future[Stored]]
GROUP_SUBMISSIONS = 32
GROUP_BYTES = 64 * 1024
"""A group goes at once when it has so many submissions or bytes."""
QUIET_TURNS = 3


class SmallSubmissions:
    """Gathers, prepares and stores the small submissions of one door."""

    def __init__(self, door: str, preparation: Preparation, journal: Journal, crew: Crew) -> None:
        self._door = door
        self._preparation = preparation
        self._journal = journal
        self._crew = crew
        self._waiting: list[Waiting] = []
        self._size = 0
        self._looking = False
        self._storing: set[asyncio.Task[None]] = set()

    def take(self, submission: Submission) -> asyncio.Future[Stored]:
        """Take a submission whose body is bytes; the future ends when all of it is durable."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[Stored] = loop.create_future()
        self._waiting.append((submission, stored))
        self._size += _size(submission)
        if self._size >= GROUP_BYTES or len(self._waiting) >= GROUP_SUBMISSIONS:
            self._go()
        elif not self._looking:
            self._looking = True
            loop.call_soon(self._look, 0, 0)
        return stored

    def _look(self, seen: int, quiet: int) -> None:
        """Let the group go once enough turns in a row found no more than was seen before."""
        found = len(self._waiting)
        quiet = 0 if found > seen else quiet + 1
        self._looking = found > 0 and quiet < QUIET_TURNS
        if self._looking:
            asyncio.get_running_loop().call_soon(self._look, found, quiet)
        elif found:
            self._go()

    def _go(self) -> None:
        task = asyncio.create_task(self._store(self._waiting))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        self._waiting, self._size = [], 0

    async def _store(self, waiting: Sequence[Waiting]) -> None:
        try:
            group = await self._prepared([submission for submission, _ in waiting])
        except Exception as bug:  # noqa: BLE001 - what one brings to light must not fail the others
            if len(waiting) == 1:
                _fail(waiting, bug)
            else:
                for one in waiting:
                    await self._store([one])
            return
        try:
            receipts = await self._journal.append([one.item for one in group]) if group else []
        except BaseException as error:  # noqa: BLE001 - every sender must hear why
            _fail(waiting, error)
            return
        taken: list[Stored] = [([], []) for _ in waiting]
        for record, receipt in zip(group, receipts, strict=True):
            records, its_receipts = taken[record.part]
            records.append(record)
            its_receipts.append(receipt)
        for (_, stored), result in zip(waiting, taken, strict=True):
            if not stored.done():
                stored.set_result(result)

    async def _prepared(self, submissions: Sequence[Submission]) -> list[Taken]:
        worker = self._crew.spare(submissions)
        if worker is not None:
            with contextlib.suppress(Refused):  # it died: the hub can do it too
                return await self._crew.prepared(worker, self._door, submissions)
        found: list[Taken] = []
        part, size = -1, 0
        for taken in self._preparation.taken(*submissions):
            found.append(taken)
            if taken.part != part:
                part = taken.part
                size += _size(submissions[part])
            if size >= TOGETHER_BYTES or len(found) % TOGETHER_RECORDS == 0:
                size = 0
                await asyncio.sleep(0)  # others get their turn
        return found


def _size(submission: Submission) -> int:
    assert isinstance(submission.body, bytes), "what is no bytes is no small one"
    return len(submission.body)


def _fail(waiting: Sequence[Waiting], error: BaseException) -> None:
    for _, stored in waiting:
        if not stored.done():
            stored.set_exception(error)

"""Takes the small submissions of one turn of the event loop together.

They pass the pipeline as one group and share one append, which costs each of them less; a worker
with time to spare takes a group from the event loop. Nothing waits for a clock: a lone one is
prepared in the next turn.
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


class SmallSubmissions:
    """Prepares so many submissions or bytes at once that others of the event loop are not kept."""

    def __init__(self, door: str, preparation: Preparation, journal: Journal, crew: Crew) -> None:
        self._door = door
        self._preparation = preparation
        self._journal = journal
        self._crew = crew
        self._waiting: list[Waiting] = []
        self._size = 0
        self._storing: set[asyncio.Task[None]] = set()

    def take(self, submission: Submission) -> asyncio.Future[Stored]:
        """Take a submission whose body is bytes; the future ends when all of it is durable."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[Stored] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._go)
        assert isinstance(submission.body, bytes)
        self._waiting.append((submission, stored))
        self._size += len(submission.body)
        if self._size >= TOGETHER_BYTES or len(self._waiting) >= TOGETHER_RECORDS:
            self._go()
        return stored

    def _go(self) -> None:
        if self._waiting:
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
        return list(self._preparation.taken(*submissions))


def _fail(waiting: Sequence[Waiting], error: BaseException) -> None:
    for _, stored in waiting:
        if not stored.done():
            stored.set_exception(error)

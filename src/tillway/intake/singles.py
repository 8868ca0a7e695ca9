"""Prepares single messages: a lone one at once, a crowd of them together by a worker.

Messages that arrive within one turn of the event loop make a crowd, so nobody waits for a clock.
What one turn brings stays in its order; calls a sender makes at the same time have none.
"""

from __future__ import annotations

import asyncio

from tillway.connect import Submission
from tillway.intake.crew import Crew
from tillway.intake.preparation import Preparation, Taken

A_CROWD = 4
"""Fewer are prepared sooner than they are handed over."""
Place = tuple[str, Submission, Preparation, "asyncio.Future[list[Taken]]"]


class Singles:
    """The single messages of all doors of a hub."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._waiting: list[Place] = []
        self._working: set[asyncio.Task[None]] = set()

    async def taken(
        self, door: str, submission: Submission, preparation: Preparation
    ) -> list[Taken]:
        """Return what a small submission became; raises Refused TW-2021 when its worker dies."""
        if not self._crew.has_free():
            return list(preparation.taken(submission))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Taken]] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._end_turn)
        self._waiting.append((door, submission, preparation, future))
        return await future

    def _end_turn(self) -> None:
        crowd, self._waiting = self._waiting, []
        if len(crowd) >= A_CROWD and self._crew.has_free():
            self._working.add(task := asyncio.create_task(self._by_worker(crowd)))
            task.add_done_callback(self._working.discard)
            return
        for _, submission, preparation, future in crowd:
            if not future.done():
                future.set_result(list(preparation.taken(submission)))

    async def _by_worker(self, crowd: list[Place]) -> None:
        try:
            answers = await self._crew.together([(door, one) for door, one, _, _ in crowd])
        except BaseException as error:  # noqa: BLE001 - every sender must hear of it
            for *_, future in crowd:
                if not future.done():
                    future.set_exception(error)
            return
        for (*_, future), answer in zip(crowd, answers, strict=True):
            if not future.done():
                future.set_result(answer)

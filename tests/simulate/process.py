"""One life of the hub in a virtual world: the real intake, journal and delivery, without sockets.

Surprising: a process dies by being cut off. Its code may run on for a moment, but its disk is no
longer the disk, no till hears it and no target listens to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from simulate.plan import SOURCE
from tillway.assembly.preparing import preparations
from tillway.connect import Submission, SubmissionResult
from tillway.delivery import Delivery
from tillway.errors import JournalFault
from tillway.intake import Gate, SourceIntake
from tillway.testing.virtual_disk import VirtualDisk
from tillway.testing.virtual_journal import VirtualJournal, open_virtual

if TYPE_CHECKING:
    from simulate.world import World

T = TypeVar("T")


class Gone(Exception):
    """No answer came: the hub is down, or the line is."""


class HubProcess:
    """A hub that runs until it dies. number counts the lives; disk is what it writes to."""

    def __init__(self, world: World, number: int, disk: VirtualDisk) -> None:
        self.number = number
        self.disk = disk
        self.is_dead = False
        self._world = world
        self._waiting: list[asyncio.Future[Any]] = []
        self._random = world.generator(f"process {number}")
        self._ids = 0
        self.journal: VirtualJournal
        self.delivery: Delivery
        self._intake: SourceIntake

    async def start(self) -> None:
        """Open the journal and begin; raises what keeps a hub from starting."""
        world, release = self._world, self._world.plan.release
        self.journal = open_virtual(self.disk, world.loop, self._pause, self._failed)
        self.journal.writer.checkpoint_pages = world.plan.checkpoint_pages
        preparation = preparations(release, world.clock, self._new_id)[SOURCE]
        self._intake = SourceIntake(SOURCE, preparation, self.journal, Gate())
        targets = {name: one.client(lambda: self.is_dead) for name, one in world.remotes.items()}
        world.breaks.on_journal(self.journal)
        random = world.generator(f"delivery {self.number}")
        self.delivery = Delivery(release, targets, self.journal, world.clock, random)
        await self.delivery.start()
        self._do(self._watch())

    async def take(self, submission: Submission) -> SubmissionResult:
        """Answer a till; raises Gone when the process dies over it, Refused as the hub does."""
        return await self.ask(self._intake.submit(submission))

    async def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the process do something for somebody outside; raises Gone when it dies over it."""
        if self.is_dead:
            work.close()
            raise Gone
        answer: asyncio.Future[T] = self._world.loop.create_future()
        self._waiting.append(answer)
        self._do(work).add_done_callback(partial(self._answered, answer))
        return await answer

    async def stop(self) -> None:
        """End in good order."""
        await self.delivery.stop(1.0)
        await self.journal.close()

    def cut_off(self) -> None:
        """Die: from now on nothing that this process does has any effect."""
        self.is_dead = True
        self.disk.unplug()
        self._world.loop.call_soon(self._bury)

    def _do(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return self._world.loop.create_task(work)

    def _bury(self) -> None:
        own = self._world.own_tasks
        for task in list(self._world.loop.open_tasks):
            if task not in own:
                task.cancel()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(Gone())
        self._world.loop.call_later(1.0, self._close)

    def _close(self) -> None:
        if hasattr(self, "journal"):
            self.journal.writer.db.close()

    def _answered(self, answer: asyncio.Future[Any], task: asyncio.Task[Any]) -> None:
        self._waiting.remove(answer)
        error = None if task.cancelled() else task.exception()
        if answer.done():
            return
        if self.is_dead or task.cancelled() or isinstance(error, JournalFault):
            answer.set_exception(Gone())
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    async def _watch(self) -> None:
        try:
            await self.delivery.watch()
        except JournalFault as fault:
            self._world.process_left(self, f"delivery stopped: {fault}")
        except Exception as bug:  # noqa: BLE001 - whatever stops delivery is what this looks for
            self._world.wrong(f"delivery died: {bug!r}")
            self._world.process_left(self, f"delivery died: {bug!r}")

    def _failed(self) -> None:
        self._world.loop.call_later(0.2, self._world.process_left, self, "its journal failed")

    def _pause(self) -> float:
        return self._random.uniform(0.0005, 0.01)

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self.number:08x}{self._ids:024x}"

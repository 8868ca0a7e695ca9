"""A whole world on virtual time from one seed: tills, hub, targets, an operator, and what fails.

The hub is real down to its SQL; the disk, the network, the clock and death are drawn. The same seed
gives the same trace, byte for byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from simulate.breaks import Breaks
from simulate.checkers import check, unsettled
from simulate.faults import Mishaps
from simulate.operator import Operator
from simulate.plan import Plan, generator, plan_of
from simulate.process import Gone, HubProcess
from simulate.record import Answered, Record
from simulate.remotes import Remote
from simulate.stored import Stored, stored_on
from simulate.tills import Till
from tillway.errors import TillwayError
from tillway.testing.virtual_disk import VirtualDisk
from tillway.testing.virtual_journal import new_disk
from tillway.testing.virtual_loop import VirtualClock, VirtualLoop, WouldBlock, run_virtual

LONGEST_SECONDS = 30 * 3600.0
"""A world that is not at rest by then waits for something that never comes.

The longest wait a hub allows is the day that a target may ask for.
"""
LOOK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a seed came to. wrong is empty when every promise was kept."""

    seed: int
    wrong: tuple[str, ...]
    digest: str
    trace: tuple[str, ...]
    virtual_seconds: float
    accepted: int
    calls: int
    deaths: int

    @property
    def ok(self) -> bool:
        """Whether every promise was kept."""
        return not self.wrong


def run_world(
    seed: int,
    *,
    clock_steps: Sequence[tuple[float, float]] = (),
    faults: bool = True,
    breaks: Breaks | None = None,
) -> Verdict:
    """Run one world to its end and check everything the hub promised.

    clock_steps: (virtual second, seconds by which the wall clock is set then), besides what the
    seed draws. faults=False: nothing fails but what clock_steps say. breaks: promises broken on
    purpose, for controls. Takes a few hundredths of a real second; raises nothing.
    """
    world = World(plan_of(seed, faults=faults), breaks or Breaks())
    world.run(clock_steps)
    return world.verdict()


class World:
    """Everything outside the hub, and the hub that is running at the moment, if any is."""

    def __init__(self, plan: Plan, breaks: Breaks) -> None:
        loop = self.loop = VirtualLoop()
        self.plan = plan
        self.breaks = breaks
        self.clock = VirtualClock(loop)
        self.record = Record(routes=dict(plan.routes))
        self.own_tasks: dict[asyncio.Task[Any], None] = {}
        self.process: HubProcess | None = None
        self.disk = new_disk()
        self.deaths = 0
        self.is_healed = False
        self.remotes = {
            name: Remote(name, one, self.generator(name), loop, self.note)
            for name, one in plan.targets.items()
        }
        self.record.targets = {name: one.books for name, one in self.remotes.items()}
        self._lives = 0
        self._mishaps = Mishaps(self)
        self.stored: Stored | None = None
        loop.set_exception_handler(self._unhandled)

    def generator(self, name: str) -> Random:
        """Return the generator of one actor."""
        return generator(self.plan.seed, name)

    def note(self, text: str) -> None:
        """Write a line of the trace."""
        self.record.note(self.loop.time(), text)

    def wrong(self, text: str) -> None:
        """Note what must not be."""
        self.note(f"WRONG: {text}")
        self.record.wrong.append(text)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start something outside the hub, which outlives it."""
        task = self.loop.create_task(work)
        self.own_tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def answered(self, answer: Answered) -> None:
        """Note what a till was told."""
        self.note(f"{answer.document} is {answer.outcome} at {answer.position}")
        self.record.answered.append(answer)

    # --- one world ---

    def run(self, clock_steps: Sequence[tuple[float, float]] = ()) -> None:
        """Play the world to its end; a wait that never ends is wrong."""
        try:
            run_virtual(self.play(clock_steps), self.loop)
        except WouldBlock as endless:
            self.wrong(f"a wait that never ends: {endless}")

    async def play(self, clock_steps: Sequence[tuple[float, float]]) -> None:
        """Begin, let everything happen, heal, wait until the hub is at rest, and look."""
        main = asyncio.current_task()
        assert main is not None
        self.own_tasks[main] = None
        with self._mishaps.planted(), self.breaks.planted():
            for at, seconds in clock_steps:
                self.loop.call_later(at, self.step_clock, seconds)
            self.start()
            tills = [self.spawn(Till(self, *one).sell()) for one in self.plan.tills]
            operator = self.spawn(Operator(self).work()) if self.plan.has_operator else None
            self._mishaps.begin()
            await asyncio.sleep(self.plan.seconds)
            await self._heal()
            if operator is not None:
                operator.cancel()
            _, waiting = await asyncio.wait(tills, timeout=LONGEST_SECONDS)
            if waiting:
                self.wrong(f"{len(waiting)} tills still wait for an answer")
            await self._rest()

    def start(self) -> None:
        """Start the hub on the disk as it is."""
        self._lives += 1
        self._mishaps.mount(self.disk)
        process = HubProcess(self, self._lives, self.disk)
        self.note(f"life {self._lives} begins")
        self._life = process
        self.loop.create_task(self._begin(process))

    def die(self, disk: VirtualDisk, pause_seconds: float, why: str) -> None:
        """End the life that is running or beginning; the next one begins after a pause."""
        process = self._life
        if process.is_dead:
            return
        self.note(f"life {process.number} ends: {why}")
        self.deaths += 1
        process.cut_off()
        self.process = None
        self.disk = disk
        self.loop.call_later(pause_seconds, self.start)

    def process_left(self, process: HubProcess, why: str) -> None:
        """Note that a process ended by itself; somebody starts it again."""
        if process is self._life:
            self.die(self._mishaps.after_leaving(process.disk), 2.0, why)

    def stop(self) -> None:
        """End the life that is running in good order, and begin the next."""
        if self.process is not None:
            self.spawn(self._stop(self.process))

    def step_clock(self, seconds: float) -> None:
        """Set the wall clock."""
        self.note(f"the clock is set by {seconds:+.0f} s")
        self.clock.step += seconds

    @property
    def life(self) -> HubProcess:
        """The process that runs or begins; it may be dead."""
        return self._life

    def verdict(self) -> Verdict:
        """Check everything and say what the seed came to."""
        if self.stored is not None:
            for text in check(self.record, self.stored):
                self.wrong(text)
        record = self.record
        return Verdict(
            self.plan.seed,
            tuple(record.wrong),
            record.digest(),
            tuple(record.trace),
            self.loop.time(),
            0 if self.stored is None else len(self.stored.messages),
            sum(len(books.calls) for books in record.targets.values()),
            self.deaths,
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.own_tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.wrong(f"one who stands outside was told {error!r}")

    async def _stop(self, process: HubProcess) -> None:
        self.process = None
        try:
            await process.ask(process.stop())
        except (Gone, TillwayError) as error:
            self.note(f"it does not stop in good order: {error!r}")
        if process is self._life:
            self.die(process.disk.after_kill(), 1.0, "stopped")

    async def _begin(self, process: HubProcess) -> None:
        try:
            await process.start()
        except TillwayError as error:
            self.process_left(process, f"it cannot start: {error}")
            return
        if process is self._life and not process.is_dead:
            self.process = process

    async def _heal(self) -> None:
        """End every fault; from now on all must come to rest."""
        self.note("everything is healed")
        self.is_healed = True
        self._mishaps.end()
        for remote in self.remotes.values():
            remote.is_healed = True

    async def _rest(self) -> None:
        """Wait until the journal says that nothing is left that time alone could settle."""
        look = LOOK_SECONDS
        while self.loop.time() < LONGEST_SECONDS:
            await asyncio.sleep(look)
            look *= 1.5
            if self.process is not None:
                self.stored = stored_on(self.process.disk)
                if not unsettled(self.record, self.stored):
                    break
        if self.process is None:
            self.wrong("the hub does not run at the end")
        self.note("the end")

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not self._life.is_dead:
            self.wrong(f"unhandled: {context['message']}: {error!r}")

"""All routes of one release under way: starts and stops them, and takes an operator's orders.

A journal that fails on one route stops every route: nothing after it may be recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from tillway.clock import Clock
from tillway.connect import Target
from tillway.delivery.approval import Approvals
from tillway.delivery.dispatcher import DeliveryJournal, Dispatcher, RouteSnapshot
from tillway.delivery.gate import TargetGate, TargetSnapshot
from tillway.delivery.replay import Replay, ReplaySnapshot, ReplaySummary, Report
from tillway.delivery.replay_plan import ReplayPlan
from tillway.delivery.restored import AfterRestore
from tillway.delivery.retry_letters import LetterOutcome, Verb
from tillway.delivery.start import start_position
from tillway.errors import ConfigurationError
from tillway.journal.base import Action, Settlement
from tillway.project.records import Release
from tillway.routing import Route


class DeliverySnapshot(msgspec.Struct, frozen=True):
    """Every route and every target as they stand."""

    routes: tuple[RouteSnapshot, ...]
    targets: tuple[TargetSnapshot, ...]
    replays: tuple[ReplaySnapshot, ...] = ()


class Delivery:
    """The delivery half of a hub. Targets are made, and closed, by the caller."""

    def __init__(
        self,
        release: Release,
        targets: Mapping[str, Target],
        journal: DeliveryJournal,
        clock: Clock,
        random: Random,
    ) -> None:
        self.gates: dict[str, TargetGate] = {}
        self.dispatchers: dict[str, Dispatcher] = {}
        self._release = release
        self._targets = targets
        self._journal = journal
        self._clock = clock
        self._random = random
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None
        self._after_restore: AfterRestore | None = None
        self._replays: dict[str, Replay] = {}

    async def start(self) -> None:
        """Register every route, rebuild what was held, and begin to deliver.

        Raises ConfigurationError TW-4020 or TW-4021 for a route that cannot run.
        """
        zone = self._release.hub.time_zone
        restored = await self._journal.restored()
        if restored is not None:
            self._after_restore = AfterRestore(restored, restored.acknowledged_at > 0)
        for route in self._release.routes.values():
            start = await start_position(self._journal, route.start, zone)
            dispatcher = self._dispatcher(route, start)
            await dispatcher.open()
            self.dispatchers[route.name] = dispatcher
        for gate in self.gates.values():
            await gate.save()
        for dispatcher in self.dispatchers.values():
            task = asyncio.create_task(dispatcher.run(self._stop))
            task.add_done_callback(self._dispatcher_ended)
            self._tasks.append(task)

    async def stop(self, drain_seconds: float) -> None:
        """Start no call any more, let those in flight finish for so long, then cut them.

        What was cut is pending, or in doubt at a target of class B or D, after the next start.
        """
        self._stop.set()
        if self._tasks:
            bell = asyncio.create_task(self._clock.sleep(drain_seconds))
            everything = asyncio.create_task(self._all_ended())
            await asyncio.wait({bell, everything}, return_when=asyncio.FIRST_COMPLETED)
            bell.cancel()
            for dispatcher in self.dispatchers.values():
                dispatcher.cut()
            await everything
        self._ended.set()

    async def watch(self) -> None:
        """Return when delivery was stopped; raises what stopped it (JournalFault: exit 74)."""
        await self._ended.wait()
        self._raise_fault()

    async def idle(self) -> None:
        """Return when no route has anything left that could be done now.

        Held messages that are not due, and whatever waits for an open breaker, do not count. Raises
        what stopped delivery.
        """
        while True:
            for dispatcher in self.dispatchers.values():
                await dispatcher.idle()
            self._raise_fault()
            newest = await self._journal.last_position()
            if all(d.is_idle(newest) for d in self.dispatchers.values()) or self._stop.is_set():
                return
            for dispatcher in self.dispatchers.values():
                dispatcher.wake()

    def snapshot(self) -> DeliverySnapshot:
        """Return how every route and target stands."""
        return DeliverySnapshot(
            tuple(dispatcher.snapshot() for dispatcher in self.dispatchers.values()),
            tuple(gate.snapshot() for gate in self.gates.values()),
            tuple(replay.snapshot() for replay in self._replays.values()),
        )

    def restore_acknowledged(self) -> None:
        """Let what comes again since a restore go out like anything else."""
        if self._after_restore is not None:
            self._after_restore.acknowledged = True

    async def retry(
        self, route: str, positions: Sequence[int], who: str, reason: str
    ) -> list[LetterOutcome]:
        """Send dead, held or person-awaiting messages again; see `Desk.retry`.

        Raises ConfigurationError TW-4013 when every one of them is superseded.
        """
        return await self._of(route).desk.retry(positions, who, reason)

    async def abandon(
        self, route: str, positions: Sequence[int], who: str, reason: str
    ) -> list[LetterOutcome]:
        """Give messages up by name; see `Desk.abandon`."""
        return await self._of(route).desk.abandon(positions, who, reason)

    async def order(
        self, route: str, verb: Verb, positions: Sequence[int], who: str, reason: str
    ) -> list[LetterOutcome]:
        """Carry out retry, release, hold, skip or abandon; see `retry_letters`."""
        return await self._of(route).desk.order(verb, positions, who, reason)

    async def replay(
        self, plan: ReplayPlan, who: str, reason: str, stop: asyncio.Event, report: Report
    ) -> ReplaySummary:
        """Run a plan of `plan_replay` through the current mapping; see `Replay.run`.

        Raises ConfigurationError TW-4016 when a second person must give the same order first, and
        TW-4017 while another replay of the route runs.
        """
        route = plan.selection.route
        dispatcher = self._of(route)
        if route in self._replays:
            raise ConfigurationError("TW-4017", f"{route} is being replayed", route=route)
        replay = Replay(
            plan, dispatcher.gate, dispatcher.mapping, self._journal, self._clock, report
        )
        self._replays[route] = replay
        try:
            alone = self._release.retries[dispatcher.route.retry].replay_alone
            await Approvals(self._journal, self._clock).need(plan, alone, who, reason)
            return await replay.run(who, reason, stop)
        finally:
            del self._replays[route]

    async def stop_replay(self, route: str, who: str, reason: str) -> bool:
        """End the replay of a route after the calls under way; False when there is none."""
        replay = self._replays.get(route)
        if replay is None:
            return False
        replay.end()
        action = Action(self._clock.now(), who, "replay_stopped", route, reason)
        await self._journal.settle(Settlement(route, actions=[action]))
        return True

    def _of(self, route: str) -> Dispatcher:
        if route not in self.dispatchers:
            raise ConfigurationError("TW-4022", f'no route "{route}" is running', value=route)
        return self.dispatchers[route]

    def _dispatcher(self, route: Route, start: int) -> Dispatcher:
        release = self._release
        if route.mapping and route.mapping not in release.mappings:
            raise _unfit(route, f'its mapping "{route.mapping}" does not exist')
        if route.retry not in release.retries:
            raise _unfit(route, f'its retry policy "{route.retry}" does not exist')
        return Dispatcher(
            route,
            release.mappings[route.mapping] if route.mapping else None,
            self._gate(route),
            release.retries[route.retry],
            self._journal,
            self._clock,
            self._random,
            release.digest,
            start=start,
            after_restore=self._after_restore,
        )

    def _gate(self, route: Route) -> TargetGate:
        release, name = self._release, route.target
        if name not in release.targets or name not in self._targets:
            raise _unfit(route, f'its target "{name}" does not exist')
        if name not in self.gates:
            record = release.targets[name]
            if record.breaker not in release.breakers:
                raise _unfit(route, f'the breaker policy "{record.breaker}" does not exist')
            policy = release.breakers[record.breaker]
            target = self._targets[name]
            self.gates[name] = TargetGate(target, record, policy, self._journal, self._clock)
        return self.gates[name]

    def _dispatcher_ended(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None and self._fault is None:
            self._fault = fault
            self._stop.set()
            self._ended.set()

    async def _all_ended(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault


def _unfit(route: Route, why: str) -> ConfigurationError:
    return ConfigurationError("TW-4020", f"route {route.name} cannot run: {why}", route=route.name)

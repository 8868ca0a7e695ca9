"""Carries one route: reads the journal after its cursor, keeps lanes in order, calls the target.

It owns no queue of its own: what it holds in memory can be dropped at any moment, since the cursor
and the ledger rows in the journal say everything that matters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Protocol

import msgspec

from tillway.clock import Clock
from tillway.delivery.alarm import Alarm
from tillway.delivery.bounds import (
    LIVE_CALLS_PER_OPERATOR_CALL,
    OPERATOR_RATE_PER_SECOND,
    UNCOMMITTED_POSITIONS,
)
from tillway.delivery.calls import Caller, results_of
from tillway.delivery.desk import Desk
from tillway.delivery.fates import Fates
from tillway.delivery.gate import TargetGate, Ticket
from tillway.delivery.jobs import Answer, Job
from tillway.delivery.limits import RateLimit
from tillway.delivery.rebuild import AttemptJournal, deaths_of, rebuild
from tillway.delivery.restored import AfterRestore, RestoredDoubts
from tillway.delivery.returns import Returns, SaleJournal
from tillway.delivery.rows import Rows
from tillway.delivery.settle import Settler
from tillway.delivery.traffic import Traffic
from tillway.delivery.window import Window
from tillway.journal import crash_points
from tillway.journal.base import StoredMessage
from tillway.mapping import MappingTable
from tillway.project.records import RetryPolicy
from tillway.routing import Route

FEWEST_READY_LANES = 64
TURNS_FOR_MORE = 4
"""Turns of the event loop between a call to look and the look. Many calls come at once: messages of
one commit, answers, rows that were written. Idle, four turns take microseconds."""


class RouteSnapshot(msgspec.Struct, frozen=True):
    """Where a route stands now. Times are microseconds UTC.

    waiting counts messages in memory without a ledger row; unread is how many positions of the
    journal lie after the last one read, carried or not.
    """

    route: str
    target: str
    cursor: int
    in_flight: int
    held_lanes: int
    waiting: int
    unread: int
    idle: bool
    last_progress_at: int


class DeliveryJournal(SaleJournal, AttemptJournal, Protocol):
    """What a route needs of a journal: both seams of it have a part."""


class Dispatcher:
    """One route, from the journal to its target's gate."""

    def __init__(
        self,
        route: Route,
        mapping: MappingTable | None,
        gate: TargetGate,
        policy: RetryPolicy,
        journal: DeliveryJournal,
        clock: Clock,
        random: Random,
        release: str,
        *,
        start: int = 0,
        after_restore: AfterRestore | None = None,
    ) -> None:
        self.route = route
        self.mapping = mapping
        self.gate = gate
        self.release = release
        self.last_progress_at = clock.now()
        self._policy = policy
        self._journal = journal
        self._clock = clock
        self._random = random
        self._start_after = start
        self._after_restore = after_restore
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._alarm = Alarm(clock, self.wake)
        self._operator_rate = RateLimit(OPERATOR_RATE_PER_SECOND, clock)
        self._live_calls = 0
        self._calls: set[asyncio.Task[None]] = set()
        self._fetching: asyncio.Task[None] | None = None
        self._fault: BaseException | None = None

    async def open(self) -> None:
        """Register the route and rebuild its held lanes; call it once, before `run`."""
        progress = await self._journal.register_route(self.route.name, self._start_after)
        rows = Rows(self.route.name, self.release, self._clock)
        self._settler = Settler(
            self.route.name, self._journal, progress.position, self._settled, self._clock
        )
        self._traffic = Traffic(self.route, rows, self._settler, self._clock)
        wait_seconds = self._policy.sale_wait_seconds
        self._returns = Returns(self._traffic, self._journal, wait_seconds)
        self._fates = Fates(
            self._traffic,
            self._returns,
            self.gate.delivery_class,
            self._policy,
            self.gate.record.settle_seconds,
            self._random,
        )
        if self._after_restore is not None and self.gate.delivery_class in "BD":
            self._traffic.doubts = RestoredDoubts(self._fates, self._after_restore).takes
        self._caller = Caller(
            self.gate.target,
            self.mapping,
            self._fates,
            self._returns,
            self._journal,
            self._clock,
        )
        self.desk = Desk(self._fates, self._journal)
        self._seen_before = progress.settled
        self._window = Window(self._journal, progress.position, self.wake)
        found = await self._journal.open_deliveries(self.route.name)
        rebuild(self._fates, found, await deaths_of(self._journal, found))
        self._window.newest = await self._journal.last_position()
        self.gate.watch(self.wake, self._recovered)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until stop is set, then finish the calls in flight and record them.

        Raises JournalFault when the journal failed; nothing after it is recorded.
        """
        stopper = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                for _ in range(TURNS_FOR_MORE):
                    await asyncio.sleep(0)
                self._pump()
                self._check()
                await self._wake.wait()
            await asyncio.gather(*self._calls, return_exceptions=True)
            await self._settler.flushed()
            self._check()
        finally:
            await self._end(stopper)

    def wake(self) -> None:
        """Look again for something to do; harmless at any time."""
        self._idle.clear()
        self._wake.set()

    def cut(self) -> None:
        """Give up the calls in flight; what they did is found out at the next start."""
        for call in self._calls:
            call.cancel()

    async def idle(self) -> None:
        """Return when nothing is left that could be done now, or when the dispatcher ended."""
        await self._idle.wait()

    def is_idle(self, newest: int) -> bool:
        """Whether nothing is left to do for messages up to this position, as things are now."""
        seen = self._window.position >= newest or self._is_shut()
        return self._idle.is_set() and seen

    def snapshot(self) -> RouteSnapshot:
        """Return where the route stands."""
        lanes = self._traffic.lanes.by_name.values()
        return RouteSnapshot(
            route=self.route.name,
            target=self.gate.name,
            cursor=self._settler.cursor,
            in_flight=len(self._traffic.flying),
            held_lanes=sum(lane.held for lane in lanes),
            waiting=sum(len(lane) for lane in lanes if not lane.held),
            unread=max(0, self._window.newest - self._window.position),
            idle=self._idle.is_set(),
            last_progress_at=self.last_progress_at,
        )

    # --- one turn ---

    def _pump(self) -> None:
        self._traffic.wake_due()
        self._returns.wake_due()
        self._read()
        self._launch()
        if not self._read_again():
            self._set_alarm()
            self._rest()

    def _read(self) -> None:
        if not self._is_hungry():
            return
        if self._window.is_live:
            self._arrive(self._window.take_tail())
        elif self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            self._arrive(await self._window.fetch())
        except Exception as fault:  # noqa: BLE001 - raised again by run, which ends
            self._fault = fault
        self._fetching = None
        self.wake()

    def _arrive(self, messages: Sequence[StoredMessage]) -> None:
        for message in messages:
            if message.position in self._seen_before:
                self._seen_before.discard(message.position)
                self._settler.track(message.position)
                self._settler.known(message.position)
            else:
                self._traffic.arrived(message)

    def _is_hungry(self) -> bool:
        """Whether more should be read: the target takes calls, and few lanes are ready."""
        enough = max(
            FEWEST_READY_LANES, 2 * self.gate.record.concurrency * self.gate.target.max_bulk
        )
        return (
            self._window.has_more
            and self._traffic.lanes.live_ready < enough
            and self._settler.uncommitted < UNCOMMITTED_POSITIONS
            and not self._is_shut()
        )

    def _read_again(self) -> bool:
        if self._window.is_live and self._is_hungry():
            self._wake.set()
            return True
        return False

    def _is_shut(self) -> bool:
        return self.gate.breaker.wait_seconds() > 0

    def _launch(self) -> None:
        while (room := self.gate.room()) and (jobs := self._next(room)):
            ticket = self.gate.start(len(jobs))
            call = asyncio.create_task(self._call(jobs, ticket))
            self._calls.add(call)
            call.add_done_callback(self._call_ended)
        lanes = self._traffic.lanes
        if not room and (lanes.live_ready or lanes.low_ready):
            self.gate.call_back(self.wake)
        else:
            self.gate.withdraw(self.wake)

    def _next(self, room: int) -> list[Job]:
        """Take the messages of the next call: live ones first, an operator's now and then."""
        if not self.gate.breaker.is_closed:
            return self._traffic.take_probe()
        several = self.gate.target.stops_per_lane
        lanes = self._traffic.lanes
        turn = not lanes.live_ready or self._live_calls >= LIVE_CALLS_PER_OPERATOR_CALL
        if lanes.low_ready and turn:
            allowed = int(min(float(room), self._operator_rate.available()))
            jobs = self._traffic.take(allowed, several=False, low=True)
            if jobs:
                self._operator_rate.take(len(jobs))
                self._live_calls = 0
                return jobs
        jobs = self._traffic.take(room, several=several, low=False)
        self._live_calls += 1
        return jobs

    async def _call(self, jobs: list[Job], ticket: Ticket) -> None:
        answers: list[Answer] = []
        crash_points.reached(crash_points.BEFORE_DISPATCH)
        try:
            await self.gate.save()
            answers = await self._caller.call(jobs)
        finally:
            subject = f"{self.route.name}/{jobs[0].position}"
            self.gate.finish(ticket, results_of(answers), subject)
        self._fates.answered(answers)
        await self.gate.save()

    def _call_ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled() and (fault := call.exception()) is not None:
            self._fault = fault
        self.wake()

    # --- waiting ---

    def _set_alarm(self) -> None:
        lanes = self._traffic.lanes
        wait = max(0.0, self._returns.next_limit() - self._clock.monotonic())
        if lanes.live_ready:
            wait = min(wait, self.gate.wait_seconds())
        elif lanes.low_ready:
            room = max(self.gate.wait_seconds(), self._operator_rate.wait_seconds())
            wait = min(wait, room)
        due = lanes.next_due()
        shut = self.gate.breaker.wait_seconds()
        if shut == 0 and due is not None:
            wait = min(wait, due - self._clock.monotonic())
        elif shut > 0 and (due is not None or self._window.has_more):
            wait = min(wait, shut)
        self._alarm.set(wait)

    def _rest(self) -> None:
        lanes = self._traffic.lanes
        busy = bool(self._calls) or self._settler.is_busy
        work = self._window.has_more or lanes.live_ready or lanes.low_ready
        if not busy and self._fetching is None and (self._is_shut() or not work):
            self.last_progress_at = self._clock.now()
            self._idle.set()

    def _settled(self) -> None:
        self.last_progress_at = self._clock.now()
        self.wake()

    def _recovered(self, outage: bool) -> None:
        self._traffic.hurry(outage=outage)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    def _check(self) -> None:
        fault = self._fault or self._settler.fault
        if fault is not None:
            raise fault

    async def _end(self, stopper: asyncio.Task[None]) -> None:
        stopper.cancel()
        self._alarm.cancel()
        self._window.close()
        self.cut()
        if self._fetching is not None:
            self._fetching.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._idle.set()

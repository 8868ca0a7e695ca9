"""Runs a replay: sends delivered messages again with the same keys, behind live traffic.

A target of class A to C has no second effect from it. It never changes a ledger row, whatever the
target answers, and class D is refused since it would book everything twice. A message that was
superseded since the plan was made is left out at the last moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from tillway.clock import Clock
from tillway.connect import Delivered, Outbound, SendResult
from tillway.delivery.bounds import REPLAY_TRIES
from tillway.delivery.calls import DEATHS, is_told_to_end
from tillway.delivery.gate import TargetGate
from tillway.delivery.jobs import outcome_of
from tillway.delivery.limits import RateLimit
from tillway.delivery.outbound import Opened, outbound, sentence
from tillway.delivery.replay_plan import ReplayPlan, selected
from tillway.delivery.stale import SUPERSEDED_CODE, superseded, superseded_text
from tillway.errors import (
    ConfigurationError,
    ContractViolation,
    InDoubt,
    NotConnected,
    Permanent,
    TillwayError,
    Transient,
    shown,
)
from tillway.journal.base import (
    Action,
    AttemptRow,
    DeliveryRow,
    Journal,
    ObjectRevision,
    Settlement,
    StoredMessage,
)
from tillway.mapping import MappingTable

LONGEST_PAUSE_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.01
RECORDS_PER_COMMIT = 64

Report = Callable[["ReplayResult"], None]


class ReplayResult(msgspec.Struct, frozen=True):
    """What became of one message of a replay; its delivered row stays as it is, whatever it was.

    superseded: it was not sent, because a newer revision of its object is stored.
    """

    position: int
    natural_key: str
    outcome: Literal["delivered", "failed", "superseded"]
    reference: str = ""
    code: str = ""
    detail: str = ""


class ReplaySummary(msgspec.Struct):
    """How a replay went; stopped is True when a person stopped it before the end.

    superseded counts what was left out, because a newer revision of its object is stored.
    """

    delivered: int = 0
    failed: int = 0
    superseded: int = 0
    stopped: bool = False


class ReplaySnapshot(msgspec.Struct, frozen=True):
    """How far a replay is: planned messages, and what became of those that were tried."""

    route: str
    planned: int
    delivered: int
    failed: int
    superseded: int
    stopping: bool


class Item(msgspec.Struct):
    """One message of a call, with its ledger row."""

    message: StoredMessage
    row: DeliveryRow


class Replay(msgspec.Struct):
    """One run of a plan through the current mapping; report is told every outcome."""

    plan: ReplayPlan
    gate: TargetGate
    mapping: MappingTable | None
    journal: Journal
    clock: Clock
    report: Report
    summary: ReplaySummary = msgspec.field(default_factory=ReplaySummary)
    _records: list[AttemptRow] = msgspec.field(default_factory=list)
    _ended: bool = False

    def end(self) -> None:
        """Start no call any more, as a person wants it."""
        self._ended = True

    def snapshot(self) -> ReplaySnapshot:
        """Return how far it is."""
        plan, done = self.plan, self.summary
        counts = (plan.count, done.delivered, done.failed, done.superseded)
        return ReplaySnapshot(plan.selection.route, *counts, stopping=self._ended)

    async def run(self, who: str, reason: str, stop: asyncio.Event) -> ReplaySummary:
        """Send what the plan selects until it ends or stop is set; audited by name and reason.

        Raises ConfigurationError TW-4012 for a target that cannot know a repeated message.
        """
        plan, route = self.plan, self.plan.selection.route
        if self.gate.delivery_class == "D":
            told = f"{self.gate.name} would book every message twice"
            raise ConfigurationError("TW-4012", told, target=self.gate.name)
        subject = f"{route}: {plan.count} messages up to position {plan.until}"
        action = Action(self.clock.now(), who, "replay", subject, reason)
        await self.journal.settle(Settlement(route, actions=[action]))
        try:
            await self._send_all(stop)
        finally:
            await self._keep_records()
        self.summary.stopped = self._is_over(stop)
        return self.summary

    async def _send_all(self, stop: asyncio.Event) -> None:
        plan, rate = self.plan, RateLimit(self.plan.rate_per_second, self.clock)
        batch: list[Item] = []
        async for one in selected(self.journal, plan.selection, plan.after, plan.until):
            if one.version is not None:
                self._leave_out(one.version)
                continue
            full = len(batch) >= max(1, self.gate.target.max_bulk)
            if full or any(item.row.lane == one.row.lane for item in batch):
                await self._send(batch, rate, stop)
                batch = []
            if self._is_over(stop):
                break
            batch.append(Item(one.message, one.row))
        await self._send(batch, rate, stop)

    async def _send(self, batch: list[Item], rate: RateLimit, stop: asyncio.Event) -> None:
        """Send these, try again what may succeed later, and record every outcome."""
        for attempt in range(1, REPLAY_TRIES + 1):
            if not batch:
                return
            started = self.clock.now()
            answers = await self._attempt(batch, rate, stop)
            batch = []
            for item, result in answers:
                if (
                    isinstance(result, Transient | NotConnected | InDoubt)
                    and attempt < REPLAY_TRIES
                ):
                    batch.append(item)
                else:
                    self._records.append(self._record(item, started, result))
            if batch or len(self._records) >= RECORDS_PER_COMMIT:
                await self._keep_records()
            if batch:
                await self.clock.sleep(float(attempt))

    async def _keep_records(self) -> None:
        """Commit the outcomes noted so far; many share a flush, since the calls are small."""
        records, self._records = self._records, []
        if records:
            await self.journal.settle(Settlement(self.plan.selection.route, attempts=records))

    async def _attempt(
        self, batch: Sequence[Item], rate: RateLimit, stop: asyncio.Event
    ) -> list[tuple[Item, SendResult]]:
        """Return an answer for every message that was tried.

        There is none for what was superseded meanwhile, nor for the rest after a stop.
        """
        answers: list[tuple[Item, SendResult]] = []
        ready: list[tuple[Item, Outbound]] = []
        for item in batch:
            made = self._translate(item)
            if isinstance(made, Outbound):
                ready.append((item, made))
            else:
                answers.append((item, made))
        while ready and (count := await self._room(rate, len(ready), stop)):
            called, ready = await self._current(ready[:count]), ready[count:]
            if called:
                results = await self._call([body for _, body in called])
                answers += [(i, r) for (i, _), r in zip(called, results, strict=True)]
        return answers

    async def _current(
        self, called: Sequence[tuple[Item, Outbound]]
    ) -> list[tuple[Item, Outbound]]:
        """Return what may still be sent; the wait for room may have been long."""
        versioned = [item.message.position for item, body in called if body.revision is not None]
        versions = await superseded(self.journal, versioned) if versioned else {}
        for version in versions.values():
            self._leave_out(version)
        return [one for one in called if one[0].message.position not in versions]

    def _translate(self, item: Item) -> Outbound | TillwayError:
        try:
            return outbound(
                Opened(item.message), self.mapping, item.row.lane, item.row.attempts + 1
            )
        except ContractViolation as violation:
            return Permanent("TW-4001", sentence(violation))

    async def _room(self, rate: RateLimit, wanted: int, stop: asyncio.Event) -> int:
        """Wait until neither live traffic nor this replay's own rate objects; 0 after a stop."""
        while not self._is_over(stop):
            room = int(min(float(wanted), rate.available(), float(self.gate.room())))
            if room and self.gate.is_calm:
                rate.take(room)
                return room
            pause = max(rate.wait_seconds(), self.gate.wait_seconds(), SHORTEST_PAUSE_SECONDS)
            await self.clock.sleep(min(pause, LONGEST_PAUSE_SECONDS))
        return 0

    async def _call(self, bodies: Sequence[Outbound]) -> list[SendResult]:
        ticket = self.gate.start(len(bodies))
        results: list[SendResult] = []
        try:
            results = await self._ask(bodies)
        finally:
            self.gate.finish(ticket, results, f"replay {bodies[0].key}")
        await self.gate.save()
        return results

    async def _ask(self, bodies: Sequence[Outbound]) -> list[SendResult]:
        """Send; a class B target is asked first, and what it holds is not sent again."""
        try:
            if self.gate.delivery_class != "B":
                return await self.gate.target.send(bodies)
            return [await self._look_up_or_send(body) for body in bodies]
        except TillwayError as error:
            return [error] * len(bodies)
        except DEATHS as cause:
            if is_told_to_end(cause):
                raise
            told = f"the worker died: {type(cause).__name__}: {shown(str(cause))}"
            return [InDoubt("TW-4004", told)] * len(bodies)

    async def _look_up_or_send(self, body: Outbound) -> SendResult:
        reference = await self.gate.target.look_up(body.key)
        if reference is not None:
            return Delivered(reference, repeated=True)
        return (await self.gate.target.send([body]))[0]

    def _is_over(self, stop: asyncio.Event) -> bool:
        return self._ended or stop.is_set()

    def _leave_out(self, version: ObjectRevision) -> None:
        self.summary.superseded += 1
        self.report(
            ReplayResult(
                version.position,
                version.natural_key,
                "superseded",
                code=SUPERSEDED_CODE,
                detail=superseded_text(version),
            )
        )

    def _record(self, item: Item, started: int, result: SendResult) -> AttemptRow:
        position, key = item.message.position, item.message.envelope.natural_key
        if isinstance(result, Delivered):
            self.summary.delivered += 1
            told = ReplayResult(position, key, "delivered", result.reference)
        else:
            self.summary.failed += 1
            told = ReplayResult(position, key, "failed", "", result.code, sentence(result))
        self.report(told)
        return AttemptRow(
            route=item.row.route,
            position=position,
            number=item.row.attempts + 1,
            started_at=started,
            ended_at=self.clock.now(),
            outcome=outcome_of(result),
            code=told.code,
            detail=told.detail,
            kind="replay",
        )

"""The ladder of a retry: one, then ten, then all; and the job that sends all of them.

Each step opens when the one before it went well. The job waits ten seconds in which it can be
taken back, sends at a capped rate so that live sales go first, and stops by itself when too many
fail again. What it remembers ends with the process: then a ladder begins anew at one. Who looks
after some of the shops has ladders and jobs of these, and neither sees nor stops another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec

from tillway.api.actions import LetterPlan, check_retryable, retry_letters
from tillway.api.operations import Operations
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.journal.queries import JournalQueries

UNDO_SECONDS = 10.0
AT_ONCE = 20
PAUSE_SECONDS = 0.4
"""Fifty a second at most."""
MOST_FAILED_SHARE = 0.05
LEAST_TRIED = 20
"""Below so many a share says nothing."""
SETTLE_SECONDS = 60.0
FIRST, SECOND = 1, 10
_FINAL = ("delivered", "dead", "in_doubt", "abandoned")

JobState = Literal["waiting", "running", "finished", "stopped", "halted"]


class Rung(msgspec.Struct):
    """One step that was taken: what was sent again, when, and what became of it so far."""

    at: int
    ids: tuple[int, ...]
    went_well: int = 0
    failed: int = 0

    @property
    def open(self) -> int:
        """Return how many have no result yet."""
        return len(self.ids) - self.went_well - self.failed


class Ladder(msgspec.Struct):
    """How far a problem's retry is. rungs: steps of one and of ten, oldest first."""

    rungs: list[Rung] = msgspec.field(default_factory=list)

    @property
    def last(self) -> Rung | None:
        """Return the step that was taken last."""
        return self.rungs[-1] if self.rungs else None

    @property
    def may_ten(self) -> bool:
        """Say whether ten may go: one went well, and nothing after it failed."""
        last = self.last
        return last is not None and last.open == 0 and last.failed == 0

    @property
    def may_all(self) -> bool:
        """Say whether all may go: the ten did not fail again."""
        last = self.last
        tens = any(len(rung.ids) > FIRST for rung in self.rungs)
        return last is not None and tens and last.open == 0 and last.failed == 0


class RetryJob(msgspec.Struct):
    """The sending of a whole problem. tried counts what was handed over; at is microseconds UTC."""

    group: str
    who: str
    reason: str
    planned: int
    at: int
    state: JobState = "waiting"
    tried: int = 0
    went_well: int = 0
    failed: int = 0

    @property
    def is_over(self) -> bool:
        """Say whether nothing more happens."""
        return self.state in ("finished", "stopped", "halted")


Shops = frozenset[str] | None
"""The shops that a person looks after, None for all."""


class RetryJobs:
    """The ladders and jobs of one hub, by problem and the shops of who retries."""

    def __init__(self, queries: JournalQueries, operations: Operations, clock: Clock) -> None:
        self._queries = queries
        self._operations = operations
        self._clock = clock
        self._ladders: dict[tuple[str, Shops], Ladder] = {}
        self._jobs: dict[tuple[str, Shops], RetryJob] = {}
        self._tasks: dict[tuple[str, Shops], asyncio.Task[None]] = {}

    async def ladder(self, group: str, route: str, stores: Shops = None) -> Ladder:
        """Return how far the retry of a problem is; an untouched one has no rungs."""
        ladder = self._ladders.get((group, stores)) or Ladder()
        for rung in ladder.rungs:
            if rung.open and route:
                rung.went_well, rung.failed = await self._results(route, rung.ids, rung.at)
        return ladder

    def job(self, group: str, stores: Shops = None) -> RetryJob | None:
        """Return the job of a problem, over or not; None when there was none."""
        return self._jobs.get((group, stores))

    def jobs(self) -> list[RetryJob]:
        """Return every job of this process, newest first."""
        return sorted(self._jobs.values(), key=lambda one: -one.at)

    async def step(
        self, plan: LetterPlan, *, who: str, reason: str, stores: Shops = None
    ) -> dict[str, object]:
        """Send one or ten again and note it. Raises as `retry_letters`, TW-7060 out of turn."""
        ladder = await self.ladder(plan.group, plan.route, stores)
        if plan.count > FIRST and plan.of > FIRST and not ladder.may_ten:
            raise _out_of_turn("try the oldest one first: ten go when it went well")
        began = self._clock.now()
        done = await retry_letters(self._operations, plan, who=who, reason=reason)
        rung = Rung(began, tuple(plan.ids))
        if plan.kind == "quarantined":
            rung.went_well = _taken(done["outcomes"])
            rung.failed = len(rung.ids) - rung.went_well
        self._ladders.setdefault((plan.group, stores), Ladder()).rungs.append(rung)
        return done

    async def start(
        self, plan: LetterPlan, *, who: str, reason: str, stores: Shops = None
    ) -> RetryJob:
        """Begin to send all messages of a problem. Raises TW-7060 before its turn or twice."""
        if not reason.strip():
            raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")
        check_retryable(plan, "retry")
        ladder, place = await self.ladder(plan.group, plan.route, stores), (plan.group, stores)
        if plan.of > SECOND and not ladder.may_all:
            raise _out_of_turn("try one, then ten: all go when those did not fail again")
        running = self._jobs.get(place)
        if running is not None and not running.is_over:
            raise _out_of_turn("they are being sent again already")
        job = RetryJob(plan.group, who, reason, plan.count, self._clock.now())
        self._jobs[place] = job
        self._tasks[place] = asyncio.create_task(self._run(job, plan))
        return job

    def stop(self, group: str, stores: Shops = None) -> RetryJob | None:
        """End a job before its next messages; None when there is none under way.

        Who looks after every shop ends the jobs of all on this problem.
        """
        ended = None
        for place, job in self._jobs.items():
            if place[0] == group and stores in (None, place[1]) and not job.is_over:
                job.state = "stopped"
                self._tasks[place].cancel()
                ended = job
        return ended

    async def _run(self, job: RetryJob, plan: LetterPlan) -> None:
        await self._clock.sleep(UNDO_SECONDS)
        job.state = "running"
        ids = list(plan.ids)
        began = self._clock.now()
        while job.tried < len(ids) and job.state == "running":
            await self._some(job, plan, ids[job.tried : job.tried + AT_ONCE])
            await self._clock.sleep(PAUSE_SECONDS)
            await self._look(job, plan, ids[: job.tried], began)
            if job.tried >= LEAST_TRIED and job.failed > MOST_FAILED_SHARE * job.tried:
                job.state = "halted"
                return
        deadline = self._clock.monotonic() + SETTLE_SECONDS
        while job.went_well + job.failed < job.tried and self._clock.monotonic() < deadline:
            await self._clock.sleep(PAUSE_SECONDS)
            await self._look(job, plan, ids, began)
        job.state = "finished"

    async def _some(self, job: RetryJob, plan: LetterPlan, ids: Sequence[int]) -> None:
        if plan.kind == "quarantined":
            outcomes = await self._operations.reprocess(ids, job.who, job.reason)
            well = _taken(outcomes)
            job.went_well += well
            job.failed += len(ids) - well
        else:
            await self._operations.retry(plan.route, ids, job.who, job.reason)
        job.tried += len(ids)

    async def _look(self, job: RetryJob, plan: LetterPlan, ids: Sequence[int], since: int) -> None:
        if plan.kind != "quarantined":
            job.went_well, job.failed = await self._results(plan.route, ids, since)

    async def _results(self, route: str, ids: Sequence[int], since: int) -> tuple[int, int]:
        """Return how many of some messages were delivered and failed again since a moment."""
        well = failed = 0
        for row in await self._queries.deliveries_of(ids):
            if row.route != route or row.updated_at < since or row.state not in _FINAL:
                continue
            if row.state == "delivered":
                well += 1
            else:
                failed += 1
        return well, failed


def _taken(outcomes: object) -> int:
    assert isinstance(outcomes, dict), "`reprocess` counts outcomes"
    return sum(outcomes.get(name, 0) for name in ("accepted", "duplicate"))


def _out_of_turn(sentence: str) -> ConfigurationError:
    return ConfigurationError("TW-7060", sentence)

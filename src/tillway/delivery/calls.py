"""Makes one call to a target: payloads, look-up, mapping, intent, send, an answer per message.

An exception that no connector may raise kills this call alone: every message of it is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from tillway.clock import Clock
from tillway.connect import Delivered, Outbound, SendResult, Target
from tillway.delivery.bounds import KILLED_WORKERS, LOOK_AHEAD_MESSAGES, WINDOW_MESSAGES
from tillway.delivery.fates import Fates
from tillway.delivery.jobs import Answer, Job, SaleMissing, WorkerDeath
from tillway.delivery.outbound import Opened, idempotency_key, outbound, sentence
from tillway.delivery.returns import Returns
from tillway.errors import (
    ContractViolation,
    InDoubt,
    NotConnected,
    Permanent,
    TillwayError,
    Transient,
)
from tillway.journal import crash_points
from tillway.journal.base import Journal
from tillway.mapping import MappingTable

Ready = list[tuple[Job, Outbound]]
_ANSWERS = (Transient, NotConnected, InDoubt, Permanent)
DEATHS = (Exception, SystemExit, asyncio.CancelledError)
"""What no connector may raise; a cancellation it lets out is one unless this call is cut."""
_OUR_OWN = frozenset({"TW-4001", "TW-4009"})


class Caller(msgspec.Struct, frozen=True):
    """Everything one call needs; it holds nothing between calls."""

    target: Target
    mapping: MappingTable | None
    fates: Fates
    returns: Returns
    journal: Journal
    clock: Clock

    async def call(self, jobs: Sequence[Job]) -> list[Answer]:
        """Return the answer for each message, in order; raises JournalFault only."""
        opened = await self._open(jobs)
        head = jobs[0]
        if head.trouble is not None and head.trouble.doubtful:
            found = await self._look_up(head, opened[0])
            if found is not None:
                return [found]
            if head.trouble.deaths >= KILLED_WORKERS:
                now = self.clock.now()
                killed = Permanent("TW-4003", "worker_killed: the process ended during its calls")
                return [Answer(head, killed, head.kind, now, now)]
        ready: Ready = []
        answers: dict[int, Answer] = {}
        for job, content in zip(jobs, opened, strict=True):
            waits = self.returns.may_concern(job) and await self._awaits_sale(job, content)
            made = waits or self._translate(job, content)
            if isinstance(made, Outbound):
                ready.append((job, made))
            else:
                answers[job.position] = made
        for answer in await self._send(ready) if ready else ():
            answers[answer.job.position] = answer
        return [answers[job.position] for job in jobs]

    async def _open(self, jobs: Sequence[Job]) -> list[Opened | None]:
        """Return the payloads, fetching what is not in memory and a little ahead."""
        payloads = self.fates.traffic.payloads
        wanted = {job.position for job in jobs if job.position not in payloads}
        if wanted:
            ahead = max(1, LOOK_AHEAD_MESSAGES // len(jobs))
            for job in jobs:
                if len(payloads) < WINDOW_MESSAGES:
                    wanted.update(at for at in job.lane.first(ahead) if at not in payloads)
            for message in await self.journal.load(sorted(wanted)):
                payloads[message.position] = Opened(message)
        return [payloads.pop(job.position, None) for job in jobs]

    def _translate(self, job: Job, opened: Opened | None) -> Outbound | Answer:
        now = self.clock.now()
        if opened is None or not opened.message.canonical:
            gone = Permanent("TW-4009", "the journal holds no payload of this message")
            return Answer(job, gone, job.kind, now, now)
        attempt = 1 + (job.trouble.attempts if job.trouble else 0)
        try:
            return outbound(opened, self.mapping, job.lane.name, attempt)
        except ContractViolation as violation:
            refused = Permanent("TW-4001", sentence(violation))
            return Answer(job, refused, job.kind, now, now)
        except DEATHS as cause:
            return Answer(job, WorkerDeath(cause, sent=False), job.kind, now, now)

    async def _awaits_sale(self, job: Job, opened: Opened | None) -> Answer | None:
        """Return the answer for a return that must wait, None for whatever may go."""
        if opened is None:
            return None
        missing = await self.returns.missing(job.position, opened)
        now = self.clock.now()
        return Answer(job, SaleMissing(missing), job.kind, now, now) if missing else None

    async def _look_up(self, job: Job, opened: Opened | None) -> Answer | None:
        """Ask whether the target holds the message; None when it does not and may be sent."""
        started = self.clock.now()
        result: SendResult | WorkerDeath
        if opened is None:
            return None
        try:
            reference = await self.target.look_up(idempotency_key(opened.message.envelope))
        except TillwayError as error:
            # A look-up that fails in any way leaves the outcome unknown: nothing may be sent.
            result = InDoubt(error.code, sentence(error))
        except DEATHS as cause:
            if is_told_to_end(cause):
                raise
            result = WorkerDeath(cause, sent=False)
        else:
            if reference is None:
                assert job.trouble is not None
                job.trouble.doubtful = False
                return None
            result = Delivered(reference, repeated=True)
        return Answer(job, result, "look_up", started, self.clock.now())

    async def _send(self, ready: Ready) -> list[Answer]:
        if self.fates.delivery_class in "BD":
            await self.fates.intend([job for job, _ in ready])
        crash_points.reached(crash_points.BEFORE_SEND)
        started = self.clock.now()
        results: Sequence[SendResult | WorkerDeath]
        try:
            results = await self.target.send([message for _, message in ready])
            _check_count(results, ready)
        except _ANSWERS as error:
            results = [error] * len(ready)
        except DEATHS as cause:
            if is_told_to_end(cause):
                raise
            results = [WorkerDeath(cause, sent=True)] * len(ready)
        crash_points.reached(crash_points.BEFORE_LEDGER)
        ended = self.clock.now()
        return [
            Answer(job, result, job.kind, started, ended)
            for (job, _), result in zip(ready, results, strict=True)
        ]


def is_told_to_end(cause: BaseException) -> bool:
    """Whether it is this very call that is cut, and not something inside the connector."""
    task = asyncio.current_task()
    return isinstance(cause, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _check_count(results: Sequence[object], ready: Ready) -> None:
    if len(results) != len(ready):
        raise ValueError(f"{len(results)} answers for {len(ready)} messages")


def results_of(answers: Sequence[Answer]) -> list[SendResult]:
    """Return what the answers say of the target; a worker's death counts as no answer.

    A message that never left says nothing of the target.
    """
    results: list[SendResult] = []
    for answer in answers:
        if isinstance(answer.result, SaleMissing):
            continue
        if isinstance(answer.result, WorkerDeath):
            if answer.result.sent:
                results.append(InDoubt("TW-4004", "the worker died"))
        elif not (isinstance(answer.result, Permanent) and answer.result.code in _OUR_OWN):
            results.append(answer.result)
    return results

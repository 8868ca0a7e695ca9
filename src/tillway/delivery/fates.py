"""Decides what becomes of a message when its call has ended, by the class of the target.

Delivered opens the way; a transient failure holds the lane; a refusal is a dead letter; an unknown
outcome is sent again (class A and C), looked up (B), or left to a person (D).
"""

from __future__ import annotations

import logging
from random import Random

from tillway.clock import MICROSECONDS, Clock
from tillway.connect import Delivered, DeliveryClass
from tillway.delivery.bounds import KILLED_WORKERS
from tillway.delivery.jobs import (
    Answer,
    Job,
    Outcome,
    SaleMissing,
    Trouble,
    WorkerDeath,
    outcome_of,
)
from tillway.delivery.outbound import sentence
from tillway.delivery.retry import retry_delay_seconds
from tillway.delivery.returns import AWAITS_SALE, AWAITS_SALE_CODE, Returns
from tillway.delivery.rows import Rows
from tillway.delivery.settle import Settler
from tillway.delivery.traffic import Traffic
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient, shown
from tillway.journal.base import DeliveryState
from tillway.project.records import RetryPolicy

HOLDS_LANE = "holds_lane"
"""Reason of a dead letter whose route keeps the lane shut until a person acts."""

SALES_TOLD = 5

_log = logging.getLogger("tillway.delivery")


class Fates:
    """Turns answers into ledger rows, and lets lanes go on or holds them."""

    def __init__(
        self,
        traffic: Traffic,
        returns: Returns,
        delivery_class: DeliveryClass,
        policy: RetryPolicy,
        settle_seconds: float,
        random: Random,
    ) -> None:
        self.traffic = traffic
        self.returns = returns
        self.delivery_class = delivery_class
        self.policy = policy
        self.settle_seconds = settle_seconds
        self._rows: Rows = traffic.rows
        self._settler: Settler = traffic.settler
        self._clock: Clock = traffic.clock
        self._random = random

    async def intend(self, jobs: list[Job]) -> None:
        """Commit that these are being sent, for a target that could not tell a second call."""
        for job in jobs:
            trouble = job.trouble or Trouble(first_at=self._clock.now(), release=self._rows.release)
            row = self._rows.of(job.position, "sending", job.lane.name, trouble)
            row.attempts += 1
            self._settler.write(row)
        await self._settler.flushed()

    def answered(self, answers: list[Answer]) -> None:
        """Write what became of the messages of one call, and let their lanes go on."""
        failed: set[str] = set()
        for answer in answers:
            self.traffic.landed(answer.job)
            if isinstance(answer.result, Delivered):
                self._delivered(answer, answer.result)
            elif isinstance(answer.result, SaleMissing):
                self._await_sale(answer, answer.result)
            else:
                self._failed(answer, first=answer.job.lane.name not in failed)
                failed.add(answer.job.lane.name)
        for lane in {answer.job.lane.name: answer.job.lane for answer in answers}.values():
            self.traffic.advance(lane)

    def new_trouble(self) -> Trouble:
        """Return the record of a message that fails now for the first time."""
        return Trouble(deadline=self._clock.monotonic() + self.policy.horizon_seconds)

    def _failed(self, answer: Answer, *, first: bool) -> None:
        result = answer.result
        assert not isinstance(result, Delivered | SaleMissing)
        if isinstance(result, WorkerDeath):
            self._died(answer, result)
        elif isinstance(result, InDoubt) and self.delivery_class in "BD":
            self._doubt(answer, result)
        elif not first:
            self._put_back(answer.job)
        elif isinstance(result, Transient | NotConnected | InDoubt):
            self._later(answer, result, outcome_of(result))
        else:
            self._bury(answer, result.code, sentence(result))

    def _delivered(self, answer: Answer, result: Delivered) -> None:
        job = answer.job
        if job.trouble is None:
            self._settler.write(self._rows.at_once(answer, result.reference))
            return
        self._count(answer)
        row = self._rows.of(job.position, "delivered", job.lane.name, job.trouble)
        row.target_reference = result.reference
        row.code = job.trouble.flag
        row.detail = "sent without the sale it takes back" if row.code else ""
        self._settler.write(row, self._rows.attempt(answer, job.trouble, "delivered"))
        self.traffic.troubles.pop(job.position, None)

    def _await_sale(self, answer: Answer, missing: SaleMissing) -> None:
        """Take a return out of its lane until its sale is there, or its time is up."""
        job, trouble = answer.job, self._trouble(answer)
        trouble.sale_by = trouble.sale_by or self._clock.monotonic() + self.returns.wait_seconds
        row = self._rows.waiting(job.position, job.lane.name, AWAITS_SALE, AWAITS_SALE_CODE)
        row.detail = f"waits for {', '.join(missing.keys[:SALES_TOLD])}"
        rest = trouble.sale_by - self._clock.monotonic()
        row.next_at = self._clock.now() + round(rest * MICROSECONDS)
        self.traffic.leave(job.lane, row)
        self.returns.wait(job.position, job.lane.name, trouble)

    def _later(self, answer: Answer, error: TillwayError, outcome: Outcome) -> None:
        """Hold the lane until the message is tried again, or give up past the horizon."""
        trouble = self._count(answer)
        if self._clock.monotonic() >= trouble.deadline:
            code = "TW-4006" if trouble.doubtful else "TW-4002"
            self._dead(answer, code, f"gave up; the last answer was: {sentence(error)}", outcome)
            return
        after = getattr(error, "retry_after_seconds", None)
        calls = trouble.attempts + trouble.look_ups
        delay = retry_delay_seconds(self.policy, calls, self._random, after)
        self._hold_head(answer, delay, error, outcome)

    def _doubt(self, answer: Answer, error: TillwayError) -> None:
        """Class B waits and looks up; class D waits for a person, and its lane goes on."""
        if answer.kind == "look_up":
            self._later(answer, error, "in_doubt")
            return
        trouble = self._count(answer)
        if self.delivery_class == "B":
            trouble.doubtful = True
            self._hold_head(answer, self.settle_seconds, error, "in_doubt")
            return
        job = answer.job
        row = self._rows.of(job.position, "in_doubt", job.lane.name, trouble, error)
        row.reason = "in_doubt"
        self.traffic.leave(job.lane, row, self._rows.attempt(answer, trouble, "in_doubt", error))

    def _died(self, answer: Answer, death: WorkerDeath) -> None:
        """A worker died on this message: try again, and after three deaths never again."""
        trouble = self._trouble(answer)
        trouble.deaths += 1
        cause = f"{type(death.cause).__name__}: {shown(str(death.cause))}"
        _log.error("a worker of route %s died: %s", self._rows.route, cause)
        error = InDoubt("TW-4004", f"the worker died: {cause}")
        unknown = death.sent and answer.kind != "look_up"
        if unknown and self.delivery_class == "D":
            self._doubt(answer, error)
        elif trouble.deaths >= KILLED_WORKERS:
            self._count(answer)
            self._dead(answer, "TW-4003", f"worker_killed: {cause}", "bug")
        elif unknown and self.delivery_class == "B":
            self._doubt(answer, error)
        else:
            self._later(answer, error, "bug")

    def _bury(self, answer: Answer, code: str, detail: str) -> None:
        self._count(answer)
        self._dead(answer, code, detail, "permanent")

    def _dead(self, answer: Answer, code: str, detail: str, outcome: Outcome) -> None:
        job, trouble = answer.job, self._trouble(answer)
        error = Permanent(code, detail)
        row = self._rows.of(job.position, "dead", job.lane.name, trouble, error)
        if self.traffic.route.dead_head == "hold":
            row.reason = HOLDS_LANE
            job.lane.stopped = job.position
            self.traffic.hold(job.lane)
        self.traffic.leave(job.lane, row, self._rows.attempt(answer, trouble, outcome, error))

    def _hold_head(
        self, answer: Answer, delay: float, error: TillwayError, outcome: Outcome
    ) -> None:
        job, trouble = answer.job, self._trouble(answer)
        trouble.due = self._clock.monotonic() + delay
        trouble.asked = False
        self.traffic.troubles[job.position] = trouble
        state: DeliveryState = "in_doubt" if trouble.doubtful else "held"
        row = self._rows.of(job.position, state, job.lane.name, trouble, error)
        row.reason = "in_doubt" if trouble.doubtful else "retry"
        row.next_at = self._clock.now() + round(delay * MICROSECONDS)
        self._settler.write(row, self._rows.attempt(answer, trouble, outcome, error))
        job.lane.add(job.position)
        self.traffic.hold(job.lane)
        self.traffic.forget(job.lane)

    def _put_back(self, job: Job) -> None:
        """The target stopped the lane before this message: it was not tried."""
        job.lane.add(job.position)
        if job.lane.held or self.delivery_class in "BD":
            self.traffic.hold(job.lane)
            self.traffic.behind(job.lane, job.position)

    def _trouble(self, answer: Answer) -> Trouble:
        if answer.job.trouble is None:
            answer.job.trouble = self.new_trouble()
        return answer.job.trouble

    def _count(self, answer: Answer) -> Trouble:
        """Count the call; a look-up is no attempt to send."""
        trouble = self._trouble(answer)
        if answer.kind == "look_up":
            trouble.look_ups += 1
        else:
            trouble.attempts += 1
        trouble.first_at = trouble.first_at or answer.started_at
        trouble.release = trouble.release or self._rows.release
        return trouble

"""The one way to a target: its breaker, rate and width, shared by every route that leads to it.

A gate never sleeps and owns no task: routes ask for room, and are called back when it may be there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import inf

import msgspec

from tillway.clock import Clock
from tillway.connect import Delivered, DeliveryClass, SendResult, Target
from tillway.delivery.breaker import Breaker
from tillway.delivery.limits import Ramp, RateLimit, Width
from tillway.errors import InDoubt, NotConnected, Refused, TillwayError, Transient
from tillway.journal.base import Journal, TargetState
from tillway.project.records import BreakerPolicy, TargetRecord

Callback = Callable[[], None]
Recovered = Callable[[bool], None]

STRENGTH = "ACBD"
"""Delivery classes from the strongest to the weakest."""


class Ticket(msgspec.Struct):
    """The right to make one call; probe says that this call decides about the breaker."""

    probe: bool


class TargetSnapshot(msgspec.Struct, frozen=True):
    """What a person sees of a target: its breaker, and how wide and fast it is called now.

    rate_per_second is the declared rate, 0 for none; allowed_per_second is what it gets now, less
    while it recovers.
    """

    target: str
    breaker: TargetState
    in_flight: int
    width: int
    rate_per_second: float
    allowed_per_second: float


class TargetGate:
    """One outside system as delivery sees it.

    Ask `room`, then `start`, make the call, then `finish` with its results; `save` keeps the state
    of the breaker where people outside the process see it.
    """

    def __init__(
        self,
        target: Target,
        record: TargetRecord,
        breaker: BreakerPolicy,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self.name = record.system
        self.target = target
        self.record = record
        self.breaker = Breaker(record.system, breaker, clock)
        self.rate = RateLimit(record.rate_per_second, clock)
        self.ramp = Ramp(self.rate, clock)
        self.width = Width(record.concurrency)
        self._journal = journal
        self._saved: TargetState | None = None
        self._waiting: deque[Callback] = deque()
        self._changed: list[Callback] = []
        self._recovered: list[Recovered] = []

    @property
    def delivery_class(self) -> DeliveryClass:
        """The weaker of what the project declares and what the connector promises."""
        return max(self.record.delivery_class, self.target.delivery_class, key=STRENGTH.index)

    def watch(self, changed: Callback, recovered: Recovered) -> None:
        """Call changed whenever the breaker turns, and recovered when the target works again.

        recovered is told whether the target was really away: whether a probe had failed.
        """
        self._changed.append(changed)
        self._recovered.append(recovered)

    def room(self) -> int:
        """Return how many messages one call may carry now: 0 is none, 1 for a probe."""
        if not self.width.free or self.breaker.wait_seconds() > 0:
            return 0
        available = self.rate.available()
        if available < 1:
            return 0
        if not self.breaker.is_closed:
            return 1
        return int(min(float(max(1, self.target.max_bulk)), available))

    def wait_seconds(self) -> float:
        """Return when to ask again; infinite when a call must end first (`call_back`)."""
        if not self.width.free:
            return inf
        return max(self.breaker.wait_seconds(), self.rate.wait_seconds())

    def call_back(self, call: Callback) -> None:
        """Call this once, in turn, when a call has ended and there may be room."""
        if call not in self._waiting:
            self._waiting.append(call)

    def withdraw(self, call: Callback) -> None:
        """Forget a call back that is no longer needed."""
        if call in self._waiting:
            self._waiting.remove(call)

    @property
    def is_calm(self) -> bool:
        """Whether no route waits for room, so that a replay may use it."""
        return not self._waiting

    def start(self, count: int) -> Ticket:
        """Take room for one call of count messages."""
        self.width.in_flight += 1
        self.rate.take(count)
        return Ticket(self.breaker.start())

    def finish(self, ticket: Ticket, results: Sequence[SendResult], subject: str = "") -> None:
        """Give the room back and learn from the results; none means the call was not made.

        subject names the first message, so that one alone cannot open the breaker.
        """
        self.width.in_flight -= 1
        before = self.breaker.state.state
        if not results:
            if ticket.probe:
                self.breaker.abandoned()
        elif (error := _no_working_target(results)) is None:
            self._succeeded(ticket)
        else:
            self.width.failed()
            self.ramp.failed()
            if self.breaker.failed(subject, error, probe=ticket.probe):
                self.width.restart()
                self.ramp.restart()
        if self.breaker.state.state != before:
            for call in self._changed:
                call()
        if self._waiting:
            self._waiting.popleft()()

    async def save(self) -> None:
        """Keep the state of the breaker in the journal when it changed.

        A full disk does not keep calls from being made: the state is kept when there is room.
        """
        state = self.breaker.state
        if self._saved is None or _differs(self._saved, state):
            kept, self._saved = self._saved, msgspec.structs.replace(state)
            try:
                await self._journal.save_target_state(self._saved)
            except Refused:
                self._saved = kept

    def snapshot(self) -> TargetSnapshot:
        """Return what a person sees."""
        return TargetSnapshot(
            self.name,
            msgspec.structs.replace(self.breaker.state),
            self.width.in_flight,
            int(self.width.allowed),
            self.record.rate_per_second,
            self.rate.rate_per_second,
        )

    def _succeeded(self, ticket: Ticket) -> None:
        self.width.succeeded()
        self.ramp.succeeded()
        outage = self.breaker.had_outage
        if self.breaker.succeeded(probe=ticket.probe):
            for call in self._recovered:
                call(outage)


def _no_working_target(results: Sequence[SendResult]) -> TillwayError | None:
    """Return an error when nothing in the answer shows a target at work."""
    error: TillwayError | None = None
    for result in results:
        if isinstance(result, Delivered):
            return None
        if not isinstance(result, Transient | NotConnected | InDoubt):
            return None
        error = result
    return error


def _differs(saved: TargetState, state: TargetState) -> bool:
    return (saved.state, saved.since, saved.next_probe_at) != (
        state.state,
        state.since,
        state.next_probe_at,
    )

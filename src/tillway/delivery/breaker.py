"""The circuit of one target: closed, open, half open.

One message that fails again and again is no proof that the target is away: the circuit opens only
when several messages fail in a row, or when the target could not be connected at all.
"""

from __future__ import annotations

from math import inf

from tillway.clock import MICROSECONDS, Clock
from tillway.errors import NotConnected, TillwayError
from tillway.journal.base import TargetState
from tillway.project.records import BreakerPolicy


class Breaker:
    """Counts consecutive calls that met no working target; probes one message at a time."""

    def __init__(self, target: str, policy: BreakerPolicy, clock: Clock) -> None:
        self.state = TargetState(target, "closed", clock.now())
        self._policy = policy
        self._clock = clock
        self._suspects: set[str] = set()
        self._unreachable = False
        self._probe_at = 0.0
        self._probes = 0

    @property
    def had_outage(self) -> bool:
        """Whether a probe has failed since the circuit opened."""
        return self._probes > 1

    @property
    def is_closed(self) -> bool:
        """Whether calls flow freely."""
        return self.state.state == "closed"

    def wait_seconds(self) -> float:
        """Return how long until a call is allowed; infinite while a probe is under way."""
        if self.state.state == "closed":
            return 0.0
        if self.state.state == "half_open":
            return inf
        return max(0.0, self._probe_at - self._clock.monotonic())

    def start(self) -> bool:
        """Note that a call starts; True when it is the probe."""
        if self.is_closed:
            return False
        self._change("half_open")
        return True

    def succeeded(self, *, probe: bool) -> bool:
        """Note that the target answered; True when this closed the circuit."""
        if not self.is_closed and not probe:
            return False
        self._suspects.clear()
        self._unreachable = False
        self.state.failures = 0
        if self.is_closed:
            return False
        self._probes = 0
        self._change("closed")
        return True

    def failed(self, subject: str, error: TillwayError, *, probe: bool) -> bool:
        """Note a call that met no working target; True when this opened the circuit.

        subject names the message, so that one alone cannot open the circuit.
        """
        if not self.is_closed and not probe:
            return False
        self.state.failures += 1
        self._suspects.add(subject)
        self._unreachable = self._unreachable or isinstance(error, NotConnected)
        several = self._unreachable or len(self._suspects) > 1
        if not probe and not (self.state.failures >= self._policy.failures and several):
            return False
        self._open(error)
        return True

    def abandoned(self) -> None:
        """Note that a probe ended without an answer; the next call is a probe again."""
        self._probe_at = self._clock.monotonic()
        self._change("open")

    def _open(self, error: TillwayError) -> None:
        steps = self._policy.probe_seconds
        delay = float(steps[min(self._probes, len(steps) - 1)])
        self._probes += 1
        self._suspects.clear()
        self._probe_at = self._clock.monotonic() + delay
        self._change("open", self._clock.now() + round(delay * MICROSECONDS), error)

    def _change(
        self, state: str, next_probe_at: int = 0, error: TillwayError | None = None
    ) -> None:
        closing = state == "closed"
        self.state = TargetState(
            target=self.state.target,
            state=state,  # type: ignore[arg-type]
            since=self._clock.now() if closing or self.is_closed else self.state.since,
            failures=self.state.failures,
            next_probe_at=next_probe_at,
            code=error.code if error else "" if closing else self.state.code,
            detail=error.detail if error else "" if closing else self.state.detail,
        )

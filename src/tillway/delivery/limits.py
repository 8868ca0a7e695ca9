"""How fast and how wide a target is called: a rate without bursts, both recover slowly.

A bucket never holds more than a twentieth of a second's rate, so in any second at most 1.05 times
the declared rate goes out, however long the target was idle.
"""

from __future__ import annotations

from math import inf

from tillway.clock import Clock
from tillway.delivery.bounds import (
    BURST_SHARE,
    RAMP_SHARE_PER_SECOND,
    RAMP_START_SHARE,
    SHORTEST_CUT_SECONDS,
)

_ALMOST = 1e-9


class RateLimit:
    """A token bucket counted in messages; rate 0 means unlimited."""

    def __init__(self, rate_per_second: float, clock: Clock) -> None:
        self.rate_per_second = rate_per_second
        self._capacity = max(1.0, rate_per_second * BURST_SHARE)
        self._tokens = self._capacity
        self._clock = clock
        self._filled_at = clock.monotonic()

    def change(self, rate_per_second: float) -> None:
        """Go on at another rate; what was saved up beyond its burst is forgotten."""
        self.available()
        self.rate_per_second = rate_per_second
        self._capacity = max(1.0, rate_per_second * BURST_SHARE)
        self._tokens = min(self._tokens, self._capacity)

    def available(self) -> float:
        """Return how many messages may go out now; infinite when unlimited."""
        if self.rate_per_second <= 0:
            return inf
        now = self._clock.monotonic()
        gained = (now - self._filled_at) * self.rate_per_second
        self._tokens = min(self._capacity, self._tokens + gained)
        self._filled_at = now
        return int(self._tokens + _ALMOST)

    def take(self, count: int) -> None:
        """Count messages that go out now."""
        if self.rate_per_second > 0:
            self._tokens -= count

    def wait_seconds(self) -> float:
        """Return how long until one message may go out."""
        if self.available() >= 1:
            return 0.0
        return (1.0 - self._tokens) / self.rate_per_second


class Ramp:
    """How much of its declared rate a target gets now: additive increase, multiplicative decrease.

    It halves on the second failure in a row, begins anew from a tenth after the target was away,
    and grows by a fifth of the declared rate for every second of good answers. Without a declared
    rate there is nothing to grow to, and only the `Width` gives way.
    """

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self.declared_per_second = rate.rate_per_second
        self._rate = rate
        self._clock = clock
        self._failing = False
        self._cut_at = -inf
        self._grown_at = -inf

    def succeeded(self) -> None:
        """Grow by the time since the last good answer, a second at most."""
        now = self._clock.monotonic()
        seconds = min(now - self._grown_at, 1.0)
        self._failing = False
        self._grown_at = now
        if self._rate.rate_per_second < self.declared_per_second:
            grown = self._rate.rate_per_second + self._share(RAMP_SHARE_PER_SECOND) * seconds
            self._rate.change(min(self.declared_per_second, grown))

    def failed(self) -> None:
        """Halve on the second failure in a row, once a second at most: a burst is one event."""
        now = self._clock.monotonic()
        if self._failing and now - self._cut_at >= SHORTEST_CUT_SECONDS:
            self._cut_at = now
            halved = max(self._share(RAMP_START_SHARE), self._rate.rate_per_second / 2.0)
            self._rate.change(halved)
        self._failing = True

    def restart(self) -> None:
        """Begin anew, after the target was away."""
        self._grown_at = self._clock.monotonic()
        self._rate.change(self._share(RAMP_START_SHARE))

    def _share(self, share: float) -> float:
        return self.declared_per_second * share


class Width:
    """Calls in flight at once: additive increase, multiplicative decrease, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = max(1, limit)
        self.allowed = float(self.limit)
        self.in_flight = 0
        self._failing = False

    @property
    def free(self) -> bool:
        """Whether another call may start."""
        return self.in_flight < int(self.allowed)

    def succeeded(self) -> None:
        """Widen by about one call for every full round of good answers."""
        self._failing = False
        self.allowed = min(float(self.limit), self.allowed + 1.0 / self.allowed)

    def failed(self) -> None:
        """Halve on the second failure in a row: one bad message alone says nothing."""
        if self._failing:
            self.allowed = max(1.0, self.allowed / 2.0)
        self._failing = True

    def restart(self) -> None:
        """Begin again with one call, after the target was away."""
        self.allowed = 1.0

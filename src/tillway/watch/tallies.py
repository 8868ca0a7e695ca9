"""Histograms that this process keeps: one observation for each commit, nothing for each message."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import msgspec

from tillway.clock import MICROSECONDS, Clock
from tillway.journal.base import StoredMessage

COMMIT_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
ACK_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0)
COMMIT_ROWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 4096.0)


class Histogram(msgspec.Struct):
    """Counts by upper bound; the last count is of what is above all of them."""

    bounds: tuple[float, ...]
    counts: list[int] = msgspec.field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Tallies(msgspec.Struct):
    """What is observed at each commit."""

    clock: Clock
    ack: Histogram = msgspec.field(default_factory=lambda: Histogram(ACK_SECONDS))
    commit: Histogram = msgspec.field(default_factory=lambda: Histogram(COMMIT_SECONDS))
    rows: Histogram = msgspec.field(default_factory=lambda: Histogram(COMMIT_ROWS))
    spans: Counter[str] = msgspec.field(default_factory=Counter)
    """Spans of traces: exported, and dropped because no collector took them."""

    def heard(self, messages: Sequence[StoredMessage]) -> None:
        """Take what one commit accepted."""
        if messages:
            age = self.clock.now() - messages[0].envelope.received_at
            self.ack.observe(max(0, age) / MICROSECONDS)

    def timed(self, timings: Sequence[tuple[float, int]]) -> None:
        """Take how long commits took and how many messages each accepted."""
        for seconds, rows in timings:
            self.commit.observe(seconds)
            if rows:
                self.rows.observe(rows)

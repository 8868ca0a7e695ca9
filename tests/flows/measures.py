"""What the flows under load have in common: order, the busiest moment, how slow the slowest were.

Surprising: a p99 is the median of those of short windows, since one hiccup of the machine is no
proof against the hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

WINDOW_SECONDS = 0.5
SLOWER_SHARE = 1.2
SLOWER_FLOOR_MS = 15.0
"""A wait this much longer proves nothing on a machine that others use as well."""

SLOWED = "others were slowed down"
"""A fault that only the full size can judge: in a few seconds the machine's own hiccups are it."""

Lag = tuple[float, float]
"""When a message came, in seconds, and how many milliseconds later it was delivered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of a run, and the sentences that say which of them is too bad."""

    figure: str
    faults: list[str]


def out_of_order(keys: Iterable[str]) -> list[str]:
    """Return the receipts that stand after a later one of the same till."""
    newest: dict[str, int] = {}
    late = []
    for key in keys:
        till, _, number = key.rpartition(":")
        if int(number) < newest.get(till, 0):
            late.append(key)
        newest[till] = max(int(number), newest.get(till, 0))
    return late


def busiest(times: Sequence[float], seconds: float) -> int:
    """Return the most of these sorted times that lie within so many seconds of each other."""
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def p99_ms(lags: Sequence[Lag], start: float, end: float) -> float:
    """Return the 99th percentile of the lags that began in a stretch of time."""
    count = max(1, int((end - start) / WINDOW_SECONDS))
    windows: list[list[float]] = [[] for _ in range(count)]
    for at, lag in lags:
        if start <= at < end:
            windows[min(count - 1, int((at - start) / WINDOW_SECONDS))].append(lag)
    return median(sorted(one)[int(0.99 * (len(one) - 1))] for one in windows if one)


def is_slower(before_ms: float, during_ms: float) -> bool:
    """Whether others were slowed down by more than a fifth, and by more than a hiccup."""
    return during_ms > SLOWER_SHARE * before_ms + SLOWER_FLOOR_MS

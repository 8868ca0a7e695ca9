"""Reads the windows the recorder keeps: sums over a stretch of time, and series for charts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Asking, Row
from tillway.watch.buckets import COLUMNS, quantile
from tillway.watch.flows import FIVE_MINUTES, HOUR, MINUTE, start_of
from tillway.watch.tables import read

P50, P95 = 0.5, 0.95
MOST_POINTS = 400


class Window(msgspec.Struct, frozen=True):
    """What one flow did from start on (microseconds UTC); counts and ages by step.

    ok, failed: deliveries by their latest attempt in the window; dead: became dead letters.
    """

    flow: str
    start: int
    ok: int
    failed: int
    dead: int
    last_ok: int
    steps: tuple[int, ...]

    @property
    def tried(self) -> int:
        """Return how many deliveries were tried."""
        return self.ok + self.failed

    @property
    def success(self) -> float | None:
        """Return the share that succeeded, None when nothing was tried."""
        return self.ok / self.tried if self.tried else None

    @property
    def ended(self) -> int:
        """Return how many have an age from end to end."""
        return sum(self.steps)

    def age(self, share: float) -> float | None:
        """Return the age in seconds within which that share was delivered."""
        return quantile(self.steps, share)


NOTHING = (0,) * len(COLUMNS)


async def sums(tables: Asking, span: int, first: int, last: int) -> dict[str, Window]:
    """Return flow -> its windows from first up to before last, added up."""
    rows = await tables.ask(read("sums"), (span, first, last))
    return {row[0]: _window(row[0], first, row[1:]) for row in rows}


async def windows(tables: Asking, span: int, first: int, last: int, flow: str = "") -> list[Window]:
    """Return the single windows of one flow, or of all, oldest first."""
    rows = await tables.ask(read("windows"), (span, first, last, flow))
    return [_window(row[0], row[1], row[2:]) for row in rows]


async def money(tables: Asking, span: int, first: int, last: int) -> dict[str, dict[str, int]]:
    """Return flow -> currency -> minor units that moved, without signs."""
    found: dict[str, dict[str, int]] = {}
    for flow, currency, minor in await tables.ask(read("money"), (span, first, last)):
        found.setdefault(flow, {})[currency] = minor
    return found


def span_for(seconds: int) -> int:
    """Return the longest windows that still show a period well: minutes, five minutes or hours."""
    if seconds <= 2 * 3600:
        return MINUTE
    return FIVE_MINUTES if seconds <= MOST_POINTS * FIVE_MINUTES else HOUR


async def same_hours(tables: Asking, moment: int, weeks: int) -> dict[str, list[Window]]:
    """Return flow -> the windows of the same hour of the week, in each of the weeks before."""
    found: dict[str, list[Window]] = {}
    week = 7 * 86400 * MICROSECONDS
    for back in range(1, weeks + 1):
        start = start_of(moment - back * week, HOUR)
        for one in (await sums(tables, HOUR, start, start + HOUR * MICROSECONDS)).values():
            found.setdefault(one.flow, []).append(one)
    return found


def median(values: list[float]) -> float:
    """Return the middle of some values, the mean of the two middle ones of an even number."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _window(flow: str, start: int, figures: Row) -> Window:
    ok, failed, dead, last_ok, *steps = figures
    return Window(flow, start, ok, failed, dead, last_ok, tuple(steps))


def as_point(one: Window) -> Mapping[str, float | int | None]:
    """Return a window as a point of a chart; start is seconds since 1970."""
    return {
        "start": one.start // MICROSECONDS,
        "ok": one.ok,
        "failed": one.failed,
        "dead": one.dead,
        "p50_seconds": one.age(P50),
        "p95_seconds": one.age(P95),
    }

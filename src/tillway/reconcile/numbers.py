"""Numbers of one register that were seen, as runs: a day of them takes a few bytes, not a list.

Each run remembers when its ends happened, so two neighbours are compared once, at the moment their
runs join: numbers against the clock are found whatever order the messages come in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

NAMED = 20
"""So many numbers that go against the clock are named; beyond that they are counted."""
Span = tuple[int, int]


class Run(msgspec.Struct, array_like=True):
    """Numbers without a hole. first_at, last_at: when its ends happened, in seconds; 0 unknown.

    heard_at: when the hub took its first number, in microseconds UTC.
    """

    first: int
    last: int
    first_at: int = 0
    last_at: int = 0
    heard_at: int = 0


class Numbers(msgspec.Struct, array_like=True):
    """Runs in rising order. backwards: how many numbers happened before the number below them.

    lowest: the lowest of those.
    """

    runs: list[Run] = []
    backwards: int = 0
    lowest: list[int] = []

    def add(self, number: int, at: int = 0, heard_at: int = 0) -> bool:
        """Take a number; False when it was there before.

        at: when it happened, in seconds; heard_at: when it arrived, in microseconds UTC.
        """
        runs = self.runs
        if runs and number == runs[-1].last + 1:
            run = runs[-1]
            self._compare(run.last_at, number, at)
            run.last, run.last_at = number, at
            return True
        place = bisect_right(runs, number, key=_first) - 1
        if place >= 0 and number <= runs[place].last:
            return False
        self._insert(place, Run(number, number, at, at, heard_at))
        return True

    def _insert(self, place: int, new: Run) -> None:
        """Put a run of one number behind the run at this place, and join what touches."""
        runs = self.runs
        left = runs[place] if place >= 0 and runs[place].last == new.first - 1 else None
        right = runs[place + 1] if place + 1 < len(runs) else None
        if right is not None and right.first == new.last + 1:
            self._compare(new.last_at, right.first, right.first_at)
            new.last, new.last_at = right.last, right.last_at
            del runs[place + 1]
        if left is None:
            runs.insert(place + 1, new)
            return
        self._compare(left.last_at, new.first, new.first_at)
        left.last, left.last_at = new.last, new.last_at

    def _compare(self, before: int, number: int, at: int) -> None:
        if before and at and at < before:
            self.backwards += 1
            self.lowest = sorted([*self.lowest, number])[:NAMED]

    def __contains__(self, number: int) -> bool:
        """Say whether a number was seen."""
        place = bisect_right(self.runs, number, key=_first) - 1
        return place >= 0 and number <= self.runs[place].last

    def __iter__(self) -> Iterator[int]:
        """Yield every number, rising."""
        for run in self.runs:
            yield from range(run.first, run.last + 1)

    def __len__(self) -> int:
        """Return how many numbers were seen."""
        return sum(run.last - run.first + 1 for run in self.runs)

    def heard_at(self, number: int) -> int:
        """Return when the number that begins a run arrived, 0 for one that begins none."""
        place = bisect_right(self.runs, number, key=_first) - 1
        found = place >= 0 and self.runs[place].first == number
        return self.runs[place].heard_at if found else 0

    @property
    def first(self) -> int:
        """Return the lowest number; there must be one."""
        return self.runs[0].first

    @property
    def last(self) -> int:
        """Return the highest number; there must be one."""
        return self.runs[-1].last

    @property
    def spans(self) -> list[Span]:
        """Return the runs as pairs of first and last."""
        return [(run.first, run.last) for run in self.runs]


def joined(*groups: Iterable[Span]) -> list[Span]:
    """Return these spans as one rising list in which none touches another."""
    found: list[Span] = []
    for first, last in sorted(span for group in groups for span in group):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def holes(spans: Iterable[Span], first: int, last: int) -> Iterator[Span]:
    """Yield what is missing from first to last, both included; the spans are joined."""
    expected = first
    for low, high in spans:
        if high < expected:
            continue
        if low > last:
            break
        if low > expected:
            yield expected, low - 1
        expected = high + 1
    if expected <= last:
        yield expected, last


def common(one: Iterable[Span], other: Iterable[Span]) -> Iterator[Span]:
    """Yield what two lists of joined spans have in common."""
    others = list(other)
    for first, last in one:
        for low, high in others:
            if low <= last and high >= first:
                yield max(first, low), min(last, high)


def count_of(spans: Iterable[Span]) -> int:
    """Return how many numbers joined spans hold."""
    return sum(last - first + 1 for first, last in spans)


def _first(run: Run) -> int:
    return run.first

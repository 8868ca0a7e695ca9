"""The lanes of one route in memory: who may go now, who waits, who is held.

A lane is only positions (8 bytes each), so a million messages behind held heads stay small; their
payloads are in the journal.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Container, Iterator

COMPACT_AFTER = 512


class Lane:
    """One lane: its waiting positions in order, and what keeps them.

    held: every waiting position has a ledger row, and so gets every one that arrives. stopped: the
    dead letter that holds the lane until a person acts, or 0. flying: messages being sent now, or
    leaving their line with that not yet on record.
    """

    __slots__ = ("_positions", "_start", "due", "flying", "held", "name", "queued", "stopped")

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = False
        self.stopped = 0
        self.flying = 0
        self.queued = False
        self.due = 0.0
        self._positions: array[int] = array("q")
        self._start = 0

    def __len__(self) -> int:
        return len(self._positions) - self._start

    def __iter__(self) -> Iterator[int]:
        return iter(self._positions[self._start :])

    def __contains__(self, position: object) -> bool:
        assert isinstance(position, int)
        at = bisect_left(self._positions, position, self._start)
        return at < len(self._positions) and self._positions[at] == position

    @property
    def head(self) -> int:
        """The position that goes next."""
        return self._positions[self._start]

    def first(self, count: int) -> array[int]:
        """Return the next positions, at most count."""
        return self._positions[self._start : self._start + count]

    def add(self, position: int) -> None:
        """Put a position in its place; one that is there already stays once."""
        positions = self._positions
        if self._start == len(positions) or positions[-1] < position:
            positions.append(position)
        elif position not in self:
            positions.insert(bisect_left(positions, position, self._start), position)

    def pop(self) -> int:
        """Take the head out."""
        position = self._positions[self._start]
        self._start += 1
        if self._start > COMPACT_AFTER and self._start * 2 > len(self._positions):
            del self._positions[: self._start]
            self._start = 0
        return position

    def remove(self, position: int) -> None:
        """Take out a position wherever it waits."""
        if position in self:
            del self._positions[bisect_left(self._positions, position, self._start)]


class Lanes:
    """All lanes of a route that are not simply open: a lane with nothing in it does not exist."""

    def __init__(self) -> None:
        self.by_name: dict[str, Lane] = {}
        self._live: deque[Lane] = deque()
        self._low: deque[Lane] = deque()
        self._due: list[tuple[float, int, Lane]] = []
        self._count = 0

    def open(self, name: str) -> Lane:
        """Return the lane of this name, made when it does not exist."""
        lane = self.by_name.get(name)
        if lane is None:
            lane = self.by_name[name] = Lane(name)
        return lane

    def close(self, lane: Lane) -> None:
        """Forget a lane that has nothing left."""
        self.by_name.pop(lane.name, None)

    def ready(self, lane: Lane, *, low: bool = False) -> None:
        """Let the head of a lane go as soon as the target takes it; low is behind live traffic."""
        lane.due = 0.0
        if not lane.queued:
            lane.queued = True
            (self._low if low else self._live).append(lane)

    def ready_first(self, lane: Lane, *, low: bool) -> None:
        """Put a lane that was taken back in front."""
        lane.queued = True
        (self._low if low else self._live).appendleft(lane)

    def wait(self, lane: Lane, due: float) -> None:
        """Let the head of a lane go at a monotonic time."""
        lane.due = due
        self._count += 1
        heapq.heappush(self._due, (due, self._count, lane))

    def take_due(self, now: float) -> list[Lane]:
        """Return the lanes whose time has come; the caller makes them ready."""
        come: list[Lane] = []
        while (due := self.next_due()) is not None and due <= now:
            come.append(heapq.heappop(self._due)[2])
            come[-1].due = 0.0
        return come

    def take_soonest(self) -> Lane | None:
        """Return the waiting lane whose time comes first, before its time."""
        if self.next_due() is None:
            return None
        lane = heapq.heappop(self._due)[2]
        lane.due = 0.0
        return lane

    def next_due(self) -> float | None:
        """Return when the next held head is due, in monotonic seconds; None when none waits."""
        while self._due and self._stale(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def next_ready(self, *, low: bool) -> Lane | None:
        """Take out the lane that goes next among live work, or among operators' retries."""
        queue = self._low if low else self._live
        while queue:
            lane = queue.popleft()
            lane.queued = False
            if len(lane) and not (lane.stopped or lane.flying or lane.due):
                return lane
        return None

    def fresh_first(self, troubled: Container[int]) -> None:
        """Put a lane in front whose head is not in trouble, when there is one."""
        for _ in range(len(self._live)):
            lane = self._live[0]
            if len(lane) and lane.head not in troubled:
                return
            self._live.rotate(-1)

    @property
    def live_ready(self) -> int:
        """How many lanes of live traffic could send now."""
        return len(self._live)

    @property
    def low_ready(self) -> int:
        """How many operators' retries could send now."""
        return len(self._low)

    def _stale(self, due: float, _: int, lane: Lane) -> bool:
        gone = lane.due != due or self.by_name.get(lane.name) is not lane
        return gone or lane.flying > 0 or not len(lane)

"""Holds back what a fault delays: until so many turns, so many of the till's facts, or hours on.

It gives each back with the moment at which it really goes out, so the stream stays in order of
time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from tillway.simulator.facts import Fact
from tillway.simulator.register_faults import RegisterName

if TYPE_CHECKING:
    from tillway.simulator.delivery import Delivery


class Postponed:
    """What is held back. Ask `due` before each fact, `rest` when there are no more."""

    def __init__(self) -> None:
        self._order = count()
        self._turn = 0
        self._by_turn: list[tuple[int, int, Delivery]] = []
        self._by_time: list[tuple[datetime, int, Delivery]] = []
        self._by_till: dict[RegisterName, list[tuple[int, Delivery]]] = {}

    def for_turns(self, turns: int, delivery: Delivery) -> None:
        """Hold until so many facts of the whole chain have happened."""
        heapq.heappush(self._by_turn, (self._turn + turns, next(self._order), delivery))

    def until(self, moment: datetime, delivery: Delivery) -> None:
        """Hold until a moment; it may be days after the last fact."""
        heapq.heappush(self._by_time, (moment, next(self._order), delivery))

    def behind(self, facts: int, delivery: Delivery) -> None:
        """Hold until so many further facts of the same till have gone out."""
        till = (delivery.fact.store.business_unit_id, delivery.fact.till)
        self._by_till.setdefault(till, []).append((facts, delivery))

    def due(self, fact: Fact) -> Iterator[Delivery]:
        """Yield what goes out before this fact, and count the fact."""
        self._turn += 1
        for delivery in self._released(fact):
            delivery.at = fact.end
            yield delivery

    def rest(self, last: datetime) -> Iterator[Delivery]:
        """Yield everything that is left; last is the end of the last fact."""
        overtaken = [held for tills in self._by_till.values() for _, held in tills]
        for delivery in (*(held for _, _, held in sorted(self._by_turn)), *overtaken):
            delivery.at = last
            yield delivery
        for moment, _, delivery in sorted(self._by_time):
            delivery.at = max(moment, last)
            yield delivery

    def _released(self, fact: Fact) -> Iterator[Delivery]:
        while self._by_turn and self._by_turn[0][0] <= self._turn:
            yield heapq.heappop(self._by_turn)[2]
        while self._by_time and self._by_time[0][0] <= fact.end:
            yield heapq.heappop(self._by_time)[2]
        till = (fact.store.business_unit_id, fact.till)
        waiting = self._by_till.pop(till, None)
        if waiting is None:
            return
        yield from (held for left, held in waiting if left <= 0)
        if still := [(left - 1, held) for left, held in waiting if left > 0]:
            self._by_till[till] = still

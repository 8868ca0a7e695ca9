"""Carries out an operator's orders on a live route, between the calls that are under way.

What is being sent at this moment is refused rather than guessed, and so is an old version of an
object whose newer one is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf

from tillway.delivery.fates import Fates
from tillway.delivery.jobs import Trouble
from tillway.delivery.rebuild import waits_for_person
from tillway.delivery.retry_letters import (
    LetterOutcome,
    Order,
    Verb,
    chunks,
    refuse_superseded,
    refused,
)
from tillway.delivery.returns import AWAITS_SALE
from tillway.journal.base import DeliveryRow, Journal, ObjectRevision


class Desk:
    """The five orders on one route; one order at a time."""

    def __init__(self, fates: Fates, journal: Journal) -> None:
        self._fates = fates
        self._traffic = fates.traffic
        self._settler = fates.traffic.settler
        self._journal = journal
        self._one_at_a_time = asyncio.Lock()

    async def retry(self, positions: Sequence[int], who: str, reason: str) -> list[LetterOutcome]:
        """Send dead or held messages again, each in its lane and in position order.

        A message held for findings is released the same way. Returns when it is on record. Raises
        ConfigurationError TW-4013 when every one of them is superseded.
        """
        return await self.order("retry", positions, who, reason)

    async def abandon(self, positions: Sequence[int], who: str, reason: str) -> list[LetterOutcome]:
        """Give messages up by name; their lanes go on."""
        return await self.order("abandon", positions, who, reason)

    async def order(
        self, verb: Verb, positions: Sequence[int], who: str, reason: str
    ) -> list[LetterOutcome]:
        """Carry out one of the five orders; see `retry_letters`. Raises as `retry` does."""
        now, release = self._traffic.clock.now(), self._traffic.rows.release
        return await self._carry_out(positions, Order(verb, who, reason, now, release))

    async def _carry_out(self, positions: Sequence[int], order: Order) -> list[LetterOutcome]:
        outcomes: list[LetterOutcome] = []
        async with self._one_at_a_time:
            for chunk in chunks(sorted(set(positions))):
                await self._settler.flushed()
                route = self._traffic.route.name
                found = await self._journal.delivery_rows(route, chunk)
                rows = {row.position: row for row in found}
                versions = await order.superseded(self._journal, chunk)
                # Nothing is awaited from here on, so what is stored now comes behind in its lane.
                outcomes += [self._one(at, rows.get(at), order, versions.get(at)) for at in chunk]
            await self._settler.flushed()
        refuse_superseded(outcomes)
        return outcomes

    def _one(
        self,
        position: int,
        row: DeliveryRow | None,
        order: Order,
        version: ObjectRevision | None,
    ) -> LetterOutcome:
        refusal = order.refusal(position, row, version) or self._moved(position, row)
        if refusal is not None or row is None:
            return refusal or refused(position, "it has no ledger row")
        self._settler.act(order.action(row))
        changed = order.row(row)
        if order.sends:
            self._requeue(changed)
        elif order.verb == "hold":
            self._hold(changed)
        else:
            self._take_out(changed)
        return LetterOutcome(position, done=True)

    def _moved(self, position: int, row: DeliveryRow | None) -> LetterOutcome | None:
        """Return a refusal when the message moved on since its row was read."""
        if position in self._traffic.flying:
            return refused(position, "it is being sent right now; look again in a moment")
        if row is None or row.state == "dead" or row.reason in ("findings", AWAITS_SALE):
            return None
        lane = self._traffic.lanes.by_name.get(row.lane)
        if waits_for_person(row) or (lane is not None and position in lane):
            return None
        return refused(position, "it has just been settled; look again")

    def _requeue(self, row: DeliveryRow) -> None:
        traffic = self._traffic
        lane = traffic.lanes.open(row.lane)
        if lane.stopped == row.position:
            lane.stopped = 0
        self._fates.returns.forget(row.position)
        known = traffic.troubles.get(row.position) or Trouble(row.attempts, row.first_at)
        known.due = 0.0
        known.deaths = 0
        known.on_hold = False
        known.deadline = self._fates.new_trouble().deadline
        known.release = row.release
        known.replayed = row.replayed
        known.asked = True
        known.doubtful = self._fates.delivery_class == "B" and row.attempts > 0
        traffic.troubles[row.position] = known
        lane.add(row.position)
        traffic.hold(lane)
        self._settler.write(row)
        traffic.advance(lane)

    def _hold(self, row: DeliveryRow) -> None:
        """Let the lane wait behind this message until a person lets it go."""
        traffic = self._traffic
        known = traffic.troubles.get(row.position) or Trouble(row.attempts, row.first_at)
        known.on_hold, known.due = True, inf
        traffic.troubles[row.position] = known
        self._settler.write(row)
        lane = traffic.lanes.by_name.get(row.lane)
        if lane is not None:
            traffic.advance(lane)

    def _take_out(self, row: DeliveryRow) -> None:
        traffic = self._traffic
        traffic.payloads.pop(row.position, None)
        self._fates.returns.forget(row.position)
        lane = traffic.lanes.open(row.lane)
        if lane.stopped == row.position:
            lane.stopped = 0
        lane.remove(row.position)
        traffic.leave(lane, row)

"""Carries out an operator's orders on a live route, between the calls that are under way.

What is being sent at this moment is refused rather than guessed, and so is an old version of an
object whose newer one is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tillway.delivery.fates import Fates
from tillway.delivery.jobs import Trouble
from tillway.delivery.rebuild import waits_for_person
from tillway.delivery.retry_letters import (
    LetterOutcome,
    Order,
    chunks,
    refuse_superseded,
    refused,
)
from tillway.journal.base import DeliveryRow, Journal, ObjectRevision


class Desk:
    """Retry and abandon on one route; one order at a time."""

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
        now, release = self._traffic.clock.now(), self._traffic.rows.release
        return await self._carry_out(positions, Order("retry", who, reason, now, release))

    async def abandon(self, positions: Sequence[int], who: str, reason: str) -> list[LetterOutcome]:
        """Give messages up by name; their lanes go on."""
        now = self._traffic.clock.now()
        return await self._carry_out(positions, Order("abandon", who, reason, now))

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
        if order.verb == "abandon":
            self._abandon(changed)
        else:
            self._requeue(changed)
        return LetterOutcome(position, done=True)

    def _moved(self, position: int, row: DeliveryRow | None) -> LetterOutcome | None:
        """Return a refusal when the message moved on since its row was read."""
        if position in self._traffic.flying:
            return refused(position, "it is being sent right now; look again in a moment")
        if row is None or row.state == "dead" or row.reason == "findings":
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
        known = traffic.troubles.get(row.position) or Trouble(row.attempts, row.first_at)
        known.due = 0.0
        known.deaths = 0
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

    def _abandon(self, row: DeliveryRow) -> None:
        traffic = self._traffic
        traffic.troubles.pop(row.position, None)
        traffic.payloads.pop(row.position, None)
        self._settler.write(row)
        lane = traffic.lanes.by_name.get(row.lane)
        if lane is None:
            return
        if lane.stopped == row.position:
            lane.stopped = 0
        lane.remove(row.position)
        traffic.advance(lane)

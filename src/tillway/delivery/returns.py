"""A return waits until the sale it takes back is at the target: alone, and not for ever.

Whether it must wait is asked when its turn comes, so one whose sale is there keeps its place in its
lane; one that waits leaves its lane, which goes on.
"""

from __future__ import annotations

import heapq
import logging
from collections import defaultdict
from math import inf
from typing import Protocol, TypeVar

import msgspec

from tillway.delivery.jobs import Job, Trouble
from tillway.delivery.outbound import Opened
from tillway.delivery.traffic import Traffic
from tillway.journal.base import Journal, StoredMessage

AWAITS_SALE = "awaits_sale"
"""Reason of a row that is held, alone, until the sale it takes back is at the target."""
AWAITS_SALE_CODE = "TW-4014"
WITHOUT_SALE_CODE = "TW-4015"
MOST_SALES_OF_ONE_KEY = 20
_TAKING_BACK = frozenset({"return", "voided"})
_MARKS = (b'"original":', b'"links":', b'"voided_natural_key":')
_Name = TypeVar("_Name", int, str)
_log = logging.getLogger("tillway.delivery")


class SaleJournal(Journal, Protocol):
    """A journal that can be asked for a sale by its key."""

    async def find(self, text: str, limit: int) -> list[StoredMessage]:
        """Return the messages with this natural key, without payload."""
        ...


def sales_taken_back(opened: Opened) -> frozenset[str]:
    """Return the natural keys of the receipts that a return or a void takes back.

    A message that names none is not decoded.
    """
    canonical = opened.message.canonical
    if not any(mark in canonical for mark in _MARKS):
        return frozenset()
    body = opened.body()
    links = (one for one in body.get("links", ()) if one["reason"] in _TAKING_BACK)
    lines = (one["original"] for one in body.get("lines", ()) if one.get("original"))
    keys = {str(one["natural_key"]) for one in (*links, *lines)}
    keys.add(str(body.get("voided_natural_key") or ""))
    return frozenset(keys - {"", opened.message.envelope.natural_key})


class Awaiting(msgspec.Struct):
    """One return: the keys it names, and where their sales stand, as far as they are known.

    trouble is None while it is asked whether it must wait; went says that a sale went meanwhile.
    """

    keys: frozenset[str]
    sales: set[int] = msgspec.field(default_factory=set)
    lane: str = ""
    trouble: Trouble | None = None
    went: bool = False


class Returns:
    """The returns of one route whose sale is not there yet. wait_seconds 0: none ever waits."""

    def __init__(self, traffic: Traffic, journal: SaleJournal, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self._traffic = traffic
        self._journal = journal
        self._returns: dict[int, Awaiting] = {}
        self._by_key: defaultdict[str, set[int]] = defaultdict(set)
        self._by_sale: defaultdict[int, set[int]] = defaultdict(set)
        self._limits: list[tuple[float, int]] = []
        if wait_seconds:
            traffic.arriving = self._arriving
            traffic.settler.went = self._went

    def __len__(self) -> int:
        return len(self._returns)

    def may_concern(self, job: Job) -> bool:
        """Whether this message may have to wait: it was never sent, and nobody let it go."""
        if not self.wait_seconds:
            return False
        trouble = job.trouble
        return trouble is None or not (trouble.attempts or trouble.asked or trouble.flag)

    async def missing(self, position: int, opened: Opened) -> list[str]:
        """Return the keys of the sales that the target does not have yet."""
        keys = sales_taken_back(opened)
        if not keys:
            return []
        # Noted before it is asked, so that a sale which goes meanwhile is not missed.
        asking = self._returns[position] = Awaiting(keys)
        for key in keys:
            self._by_key[key].add(position)
        system = opened.message.envelope.system
        missing = [
            key for key in sorted(keys) if not await self._is_there(key, system, position, asking)
        ]
        if not missing:
            self.forget(position)
        return missing

    def wait(self, position: int, lane: str, trouble: Trouble) -> None:
        """Keep a return until a sale it misses has gone, or its time is up."""
        awaiting = self._returns[position]
        awaiting.lane, awaiting.trouble = lane, trouble
        heapq.heappush(self._limits, (trouble.sale_by, position))
        if awaiting.went:
            self._release(position)

    def forget(self, position: int) -> None:
        """Wait for nothing any more on behalf of this message, if it ever did."""
        awaiting = self._returns.pop(position, None)
        if awaiting is None:
            return
        for key in awaiting.keys:
            _discard(self._by_key, key, position)
        for sale in awaiting.sales:
            _discard(self._by_sale, sale, position)

    def next_limit(self) -> float:
        """Return when the time of the next return is up, in monotonic seconds."""
        while self._limits and self._is_over(*self._limits[0]):
            heapq.heappop(self._limits)
        return self._limits[0][0] if self._limits else inf

    def wake_due(self) -> None:
        """Let the returns go, flagged, whose time is up."""
        while self.next_limit() <= self._traffic.clock.monotonic():
            position = heapq.heappop(self._limits)[1]
            trouble = self._returns[position].trouble
            assert trouble is not None
            trouble.flag = WITHOUT_SALE_CODE
            _log.warning("%s/%s goes without its sale", self._traffic.route.name, position)
            self._release(position)

    async def _is_there(self, key: str, system: str, position: int, asking: Awaiting) -> bool:
        """Whether the target has this sale, or will never get it because no route carries it."""
        found = await self._journal.find(key, MOST_SALES_OF_ONE_KEY)
        sales = [
            one.position
            for one in found
            if (one.envelope.natural_key, one.envelope.system) == (key, system)
        ]
        if not sales:
            return False
        asking.sales.update(sales)
        for sale in sales:
            self._by_sale[sale].add(position)
        settler = self._traffic.settler
        await settler.flushed()
        rows = await self._journal.delivery_rows(self._traffic.route.name, sales)
        states = {row.position: row.state for row in rows}
        return any(
            states[sale] == "delivered" if sale in states else sale <= settler.cursor
            for sale in sales
        )

    def _arriving(self, message: StoredMessage) -> None:
        for position in self._by_key.get(message.envelope.natural_key, ()):
            self._returns[position].sales.add(message.position)
            self._by_sale[message.position].add(position)

    def _went(self, sale: int) -> None:
        for position in list(self._by_sale.get(sale, ())):
            if self._returns[position].trouble is None:
                self._returns[position].went = True
            else:
                self._release(position)

    def _release(self, position: int) -> None:
        """Put a return back into its lane; there it is asked again what it waits for."""
        awaiting = self._returns[position]
        assert awaiting.trouble is not None
        self.forget(position)
        awaiting.trouble.due = 0.0
        self._traffic.troubles[position] = awaiting.trouble
        lane = self._traffic.lanes.open(awaiting.lane)
        lane.add(position)
        self._traffic.hold(lane)
        self._traffic.advance(lane)

    def _is_over(self, limit: float, position: int) -> bool:
        awaiting = self._returns.get(position)
        return awaiting is None or awaiting.trouble is None or awaiting.trouble.sale_by != limit


def _discard(index: dict[_Name, set[int]], name: _Name, position: int) -> None:
    index[name].discard(position)
    if not index[name]:
        del index[name]

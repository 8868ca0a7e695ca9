"""Writes the fates of messages and moves the cursor over what is settled without a gap.

One commit is in flight at a time; whatever happens meanwhile goes into the next one, so a burst
shares a flush and a lone message does not wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from tillway.clock import Clock
from tillway.errors import Refused
from tillway.journal.base import Action, AttemptRow, DeliveryRow, Journal, Settlement
from tillway.message import Envelope

NO_ROOM_SECONDS = 5.0
_log = logging.getLogger(__name__)
Filtered = tuple[str, str, int]


class Settler:
    """Collects rows for one route; `cursor` is the settled position already handed to the journal.

    A position counts as done when it has a row other than `sending`, or was passed over.
    """

    def __init__(
        self,
        route: str,
        journal: Journal,
        cursor: int,
        ended: Callable[[], None],
        clock: Clock,
    ) -> None:
        self.cursor = cursor
        self._route = route
        self._journal = journal
        self._ended = ended
        self._clock = clock
        self._order: deque[int] = deque()
        self._done: dict[int, Filtered | None] = {}
        self._rows: dict[int, DeliveryRow] = {}
        self._attempts: list[AttemptRow] = []
        self._actions: list[Action] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._calls: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self.fault: BaseException | None = None
        self.went: Callable[[int], None] | None = None
        """Given where returns wait: told of what was delivered, or passed over."""

    @property
    def is_busy(self) -> bool:
        """Whether something is not yet committed."""
        return self._task is not None

    @property
    def uncommitted(self) -> int:
        """How many positions were read that the cursor has not passed."""
        return len(self._order)

    def track(self, position: int) -> None:
        """Note a position that was read; call it in journal order."""
        self._order.append(position)

    def passed(self, position: int, envelope: Envelope) -> None:
        """Note that the route does not carry this message."""
        money = envelope.amount_minor or 0
        self._done[position] = (envelope.message_type, envelope.currency, money)
        self._kick()
        if self.went is not None:
            self.went(position)

    def known(self, position: int) -> None:
        """Note that this position was settled before, by an earlier process."""
        self._done[position] = None
        self._kick()

    def write(self, row: DeliveryRow, attempt: AttemptRow | None = None) -> None:
        """Give a message its row; a later row of the same message replaces it."""
        self._rows[row.position] = row
        if attempt is not None:
            self._attempts.append(attempt)
        if row.state != "sending" and row.position > self.cursor:
            self._done[row.position] = None
        self._kick()
        if row.state == "delivered" and self.went is not None:
            self.went(row.position)

    def note(self, attempt: AttemptRow) -> None:
        """Record a call that does not change the row."""
        self._attempts.append(attempt)
        self._kick()

    def act(self, action: Action) -> None:
        """Record what a person did."""
        self._actions.append(action)
        self._kick()

    def then(self, call: Callable[[], None]) -> None:
        """Call this when what was just written is on record; never when its commit fails."""
        self._calls.append(call)

    async def flushed(self) -> None:
        """Return when everything noted so far is committed; raises what the commit raised."""
        if self.fault is not None:
            raise self.fault
        if self._task is None:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _kick(self) -> None:
        if self._task is None and self.fault is None:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while settlement := self._take():
                waiters, self._waiters = self._waiters, []
                calls, self._calls = self._calls, []
                try:
                    await self._settle(settlement)
                except BaseException as fault:
                    _answer(waiters, fault)
                    raise
                for call in calls:
                    call()
                _answer(waiters, None)
                self._ended()
        except BaseException as fault:  # noqa: BLE001 - handed to the dispatcher, which stops all
            self.fault = fault
        self._task = None
        _answer(self._waiters, self.fault)
        self._waiters = []
        self._ended()

    async def _settle(self, settlement: Settlement) -> None:
        """Commit; while the disk is full, wait for room: what was sent must not be forgotten."""
        while True:
            try:
                await self._journal.settle(settlement)
            except Refused as full:
                wait = full.retry_after_seconds or NO_ROOM_SECONDS
                _log.warning("route %s waits for its ledger: %s", self._route, full)
                await self._clock.sleep(wait)
            else:
                return

    def _take(self) -> Settlement | None:
        cursor, filtered = self._advance()
        if cursor is None and not (self._rows or self._attempts or self._actions):
            return None
        settlement = Settlement(
            route=self._route,
            rows=list(self._rows.values()),
            attempts=self._attempts,
            cursor=cursor,
            filtered=filtered,
            actions=self._actions,
        )
        self._rows, self._attempts, self._actions = {}, [], []
        return settlement

    def _advance(self) -> tuple[int | None, dict[tuple[str, str], tuple[int, int]]]:
        """Return the new cursor, or None, and the totals of what it passed over."""
        order, done = self._order, self._done
        cursor: int | None = None
        totals: dict[tuple[str, str], tuple[int, int]] = {}
        while order and order[0] in done:
            cursor = order.popleft()
            passed = done.pop(cursor)
            if passed is not None:
                count, money = totals.get(passed[:2], (0, 0))
                totals[passed[:2]] = (count + 1, money + passed[2])
        if cursor is not None:
            self.cursor = cursor
        return cursor, totals


def _answer(waiters: list[asyncio.Future[None]], fault: BaseException | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if fault is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(fault)

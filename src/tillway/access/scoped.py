"""A journal as somebody sees it who looks after some of the shops: the rest is not there.

Surprising: what cannot be divided by shop (kept totals, the audit log, free questions) is refused
rather than answered, so that a new page leaks nothing by forgetting to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from tillway.access.callers import Caller
from tillway.journal.base import (
    Action,
    AttemptRow,
    DeliveryRow,
    ObjectRevision,
    StoredMessage,
    TargetState,
)
from tillway.journal.chain import AuditEntry
from tillway.journal.keeping import Restored
from tillway.journal.projection import Row
from tillway.journal.queries import (
    IntakeTotals,
    InvalidRow,
    MessageRecord,
    RegisterDay,
    RouteStanding,
    RouteTotals,
    SequenceRange,
    StoreSeen,
    Total,
    Waiting,
)
from tillway.observe import MessageReader

ROWS_AT_ONCE = 1000
MOST_FOUND = 10_000
"""Hits of all shops that are looked through for those of some."""
Found = TypeVar("Found")


def reader_for(reader: MessageReader, caller: Caller) -> MessageReader:
    """Return the journal as a caller may see it."""
    return reader if caller.stores is None else ScopedReader(reader, caller)


class ScopedReader:
    """`observe.MessageReader` for some shops. Raises Refused TW-8004 for what covers them all."""

    def __init__(self, reader: MessageReader, caller: Caller) -> None:
        self._reader = reader
        self._caller = caller
        self._seen: set[int] = set()

    async def outcome_totals(self) -> list[Total]:
        """Return what was accepted of these shops, and their kept copies that are open."""
        counts = {"accepted": sum(one.accepted for one in await self.stores_seen())}
        for copy in await self._all_invalid():
            counts[copy.outcome] = counts.get(copy.outcome, 0) + 1
        return [Total(name, "", "", count, 0) for name, count in counts.items() if count]

    async def intake_totals(self) -> IntakeTotals:
        """Refuse: the books are kept over all shops."""
        self._refuse()

    async def routes(self) -> list[str]:
        """Return every route; none belongs to a shop."""
        return await self._reader.routes()

    async def route_totals(self, route: str) -> RouteTotals:  # noqa: ARG002 - the seam's shape
        """Refuse: the books are kept over all shops."""
        self._refuse()

    async def standing(
        self, carried: Mapping[str, frozenset[str]] | None = None
    ) -> list[RouteStanding]:
        """Return what waits of these shops on every route; what was delivered is not counted."""
        return [
            _standing(
                one,
                [cell for cell in one.waiting if self._caller.sees(cell.store)],
                min((carried or {}).get(one.route, {""}), default=""),
            )
            for one in await self._reader.standing(carried)
            if not one.former
        ]

    async def waiting(self, carried: Mapping[str, frozenset[str]] | None = None) -> list[Waiting]:
        """Return unsent work of these shops."""
        return [one for one in await self._reader.waiting(carried) if self._caller.sees(one.store)]

    async def stores_seen(self) -> list[StoreSeen]:
        """Return the last sign of life of these shops."""
        return [one for one in await self._reader.stores_seen() if self._caller.sees(one.store)]

    async def target_states(self) -> list[TargetState]:
        """Return the breakers, without the words of the last error: they may name any message."""
        return [
            TargetState(one.target, one.state, one.since, one.failures, one.next_probe_at)
            for one in await self._reader.target_states()
        ]

    async def find(self, text: str, limit: int) -> list[StoredMessage]:
        """Return messages of these shops."""
        return self._own(await self._reader.find(text, MOST_FOUND))[:limit]

    async def find_invalid(self, texts: Sequence[str], limit: int) -> list[InvalidRow]:
        """Return copies of these shops."""
        found = await self._reader.find_invalid(texts, MOST_FOUND)
        return [one for one in found if self._caller.sees(one.store)][:limit]

    async def record(self, position: int) -> MessageRecord | None:
        """Return everything stored of one message of these shops."""
        found = await self._reader.record(position)
        return found if found is not None and self._own([found.message]) else None

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision."""
        return await self._reader.newest_revisions(await self._own_places(positions))

    async def deliveries_of(self, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the fate of those of these messages that are of these shops."""
        return await self._reader.deliveries_of(await self._own_places(positions))

    async def attempts_of(self, position: int) -> list[AttemptRow]:
        """Return the recorded calls for one message of these shops."""
        return await self._reader.attempts_of(position) if await self._is_own(position) else []

    async def deliveries(
        self, states: Sequence[str], *, route: str = "", limit: int = 1000, after: int = 0
    ) -> list[tuple[DeliveryRow, StoredMessage]]:
        """Return ledger rows of these shops; reads on until there are enough."""

        async def page(after: int) -> list[tuple[DeliveryRow, StoredMessage]]:
            return await self._reader.deliveries(
                states, route=route, limit=ROWS_AT_ONCE, after=after
            )

        return await _filled(
            page,
            lambda pair: bool(self._own([pair[1]])),
            lambda pair: pair[0].position,
            limit,
            after,
        )

    async def invalid(
        self,
        *,
        outcome: str = "",
        open_only: bool = True,
        limit: int = 1000,
        after: int = 0,
        with_raw: bool = True,
    ) -> list[InvalidRow]:
        """Return copies of these shops; what names no shop is not theirs."""

        async def page(after: int) -> list[InvalidRow]:
            return await self._reader.invalid(
                outcome=outcome,
                open_only=open_only,
                limit=ROWS_AT_ONCE,
                after=after,
                with_raw=with_raw,
            )

        return await _filled(
            page,
            lambda row: self._caller.sees(row.store),
            lambda row: row.invalid_id,
            limit,
            after,
        )

    async def newest_of_store(self, store: str, limit: int, among: int) -> list[StoredMessage]:
        """Return the newest messages of one of these shops."""
        if not self._caller.sees(store):
            return []
        return self._own(await self._reader.newest_of_store(store, limit, among))

    async def register_days(self, store: str) -> list[RegisterDay]:
        """Return what the tills of one of these shops sent."""
        return await self._reader.register_days(store) if self._caller.sees(store) else []

    async def sequences(self) -> list[SequenceRange]:
        """Return the numbers seen of these shops."""
        return [one for one in await self._reader.sequences() if self._caller.sees(one.store)]

    async def numbers(
        self, system: str, store: str, workstation: str, business_date: str, register_epoch: int = 0
    ) -> list[int]:
        """Return every number seen of one workstation of these shops."""
        if not self._caller.sees(store):
            return []
        place = (system, store, workstation, business_date)
        return await self._reader.numbers(*place, register_epoch)

    async def actions(self, limit: int) -> list[Action]:  # noqa: ARG002 - the seam's shape
        """Refuse: the audit log is of all shops."""
        self._refuse()

    async def audit_head(self) -> tuple[int, bytes]:
        """Refuse: the audit log is of all shops."""
        self._refuse()

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:  # noqa: ARG002 - the seam's shape
        """Refuse: the audit log is of all shops."""
        self._refuse()

    async def restored(self) -> Restored | None:
        """Return the last time this journal was put back from a backup."""
        return await self._reader.restored()

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Return those of the next messages that are of these shops."""
        return self._own(await self._reader.read(after, limit))

    async def load(self, positions: Sequence[int]) -> list[StoredMessage]:
        """Return those of these messages that are of these shops."""
        return self._own(await self._reader.load(positions))

    async def last_position(self) -> int:
        """Return the position of the newest accepted message of all."""
        return await self._reader.last_position()

    async def ask(self, sql: str, parameters: Row = ()) -> list[Row]:  # noqa: ARG002 - the seam's shape
        """Refuse: nobody knows which shops a free question is about."""
        self._refuse()

    def _own(self, messages: Sequence[StoredMessage]) -> list[StoredMessage]:
        own = [one for one in messages if self._caller.sees(one.envelope.store)]
        self._seen.update(one.position for one in own)
        return own

    async def _own_places(self, positions: Sequence[int]) -> list[int]:
        return [position for position in positions if await self._is_own(position)]

    async def _is_own(self, position: int) -> bool:
        return position in self._seen or await self.record(position) is not None

    async def _all_invalid(self) -> list[InvalidRow]:
        rows: list[InvalidRow] = []
        while page := await self.invalid(after=rows[-1].invalid_id if rows else 0, with_raw=False):
            rows += page
        return rows

    def _refuse(self) -> NoReturn:
        self._caller.need_all_stores()
        raise AssertionError("a caller of all shops reads the journal itself")


async def _filled(
    page: Callable[[int], Awaitable[list[Found]]],
    wanted: Callable[[Found], bool],
    place: Callable[[Found], Any],
    limit: int,
    after: int,
) -> list[Found]:
    """Read pages until so many wanted rows are found, or there are no more."""
    found: list[Found] = []
    while len(found) < limit and (rows := await page(after)):
        found += [row for row in rows if wanted(row)]
        after = place(rows[-1])
    return found[:limit]


def _standing(one: RouteStanding, waiting: list[Waiting], carries: str) -> RouteStanding:
    """Return a route with what waits; carries: a type it carries, as cells do not tell theirs."""
    settled = [_total(cell, "") for cell in waiting if cell.state != "pending"]
    pending = [_total(cell, carries) for cell in waiting if cell.state == "pending"]
    return RouteStanding(
        one.route, 0, former=False, settled=settled, filtered=[], pending=pending, waiting=waiting
    )


def _total(cell: Waiting, carries: str) -> Total:
    return Total(cell.state, carries, cell.currency, cell.count, cell.amount_minor)

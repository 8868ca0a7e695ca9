"""The questions of `queries.py` and the consumers' reads, answered from SQLite.

Opened alone it needs no lock: `open_queries(path)` reads beside a running hub.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import apsw

from tillway.journal.base import (
    Action,
    AttemptRow,
    DeliveryRow,
    ObjectRevision,
    StoredMessage,
    TargetState,
)
from tillway.journal.chain import AuditEntry
from tillway.journal.keeping import Cutoffs, Restored, Storage
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
from tillway.journal.search import copy_number, number_and_epoch
from tillway.journal.sqlite_actions import entries_after, newest_link
from tillway.journal.sqlite_deliveries import deliveries_sql
from tillway.journal.sqlite_keeping import read_restored, storage
from tillway.journal.sqlite_reader import Reader, ReaderPool
from tillway.journal.sqlite_rows import (
    BESIDE_ENVELOPE,
    DELIVERY_COLUMNS,
    ENVELOPE_COLUMNS,
    HEADER_SQL,
    delivery_row,
    invalid_record,
    stored_message,
)
from tillway.journal.sqlite_search import find_messages, newest_of_store, register_days
from tillway.journal.sqlite_summary import (
    checked_summary,
    pending,
    pending_totals,
    pending_waiting,
)
from tillway.journal.statements import statements

_HEADER = len(ENVELOPE_COLUMNS) + len(BESIDE_ENVELOPE)
_FATE = len(DELIVERY_COLUMNS) - 1
_DELIVERIES = ", ".join(f"delivery.{name}" for name in DELIVERY_COLUMNS[1:])
_INVALID = (
    "invalid_id, outcome, door, system, message_type, natural_key, store, currency, "
    "amount_minor, received_at, code, violations, first_position, repeats, closed_by, release"
)


@cache
def read_sql(name: str) -> str:
    """Return one statement of `read.sql` with the columns that it names as a whole."""
    text = statements("read.sql")[name]
    return (
        text.replace(":columns", HEADER_SQL)
        .replace(":deliveries", _DELIVERIES)
        .replace(":invalid", _INVALID)
    )


class SqliteQueries:
    """Reads one journal file; every method is a coroutine that runs on a reader thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pool = ReaderPool(path)

    async def close(self) -> None:
        """Close the reading connections."""
        self._pool.close()

    async def ask(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Return the rows of one SELECT over the tables of a room."""
        return await self._pool.run(lambda reader: reader.db.execute(sql, parameters).fetchall())

    # --- consumers --------------------------------------------------------------------------

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit accepted messages after a position, with payload."""
        return await self._messages("window", (after, limit))

    async def load(self, positions: Sequence[int]) -> list[StoredMessage]:
        """Return these messages with payload, in position order."""
        return await self._messages("load", (json.dumps(list(positions)),))

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision, with the newest of their objects."""
        rows = await self._rows("newest_revisions", json.dumps(list(positions)))
        return [ObjectRevision(*row) for row in rows]

    async def read_hints(self, system: str, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit `source.hint` messages of a system after a position."""
        return await self._messages("hints", (system, after, limit))

    async def last_position(self) -> int:
        """Return the position of the newest accepted message."""
        newest: int = (await self._rows("last_position"))[0][0]
        return newest

    async def open_deliveries(self, route: str) -> list[DeliveryRow]:
        """Return the route's unfinished rows in position order."""
        return [delivery_row(route, row) for row in await self._rows("open_deliveries", route)]

    async def delivery_rows(self, route: str, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the rows of these positions on a route."""
        rows = await self._rows("delivery_rows", route, json.dumps(list(positions)))
        return [delivery_row(route, row) for row in rows]

    async def source_state(self, source: str) -> dict[str, str]:
        """Return everything remembered for a source."""
        return dict(await self._rows("source_state", source))

    # --- books ------------------------------------------------------------------------------

    async def outcome_totals(self) -> list[Total]:
        """Return the kept totals by outcome."""
        return [Total(*row) for row in await self._rows("kept_totals", "outcome")]

    async def intake_totals(self) -> IntakeTotals:
        """Return everything the first equation compares, read in one transaction."""

        def read(reader: Reader) -> IntakeTotals:
            with reader.db:
                found = IntakeTotals(
                    received=[Total(*row) for row in _fetch(reader.db, "kept_totals", "received")],
                    outcomes=[Total(*row) for row in _fetch(reader.db, "kept_totals", "outcome")],
                    stored=[Total(*row) for row in _fetch(reader.db, "stored_totals")],
                    blocks=checked_summary(reader.db),
                )
            return found  # noqa: RET504 - the read transaction ends first

        return await self._pool.run(read)

    async def routes(self) -> list[str]:
        """Return every route that was ever registered."""
        return [row[0] for row in await self._rows("routes")]

    async def route_totals(self, route: str) -> RouteTotals:
        """Return both sides of the second equation, read in one transaction."""

        def read(reader: Reader) -> RouteTotals:
            with reader.db:
                totals = _route_totals(reader.db, route)
            return totals  # noqa: RET504 - the read transaction ends first

        return await self._pool.run(read)

    async def standing(
        self, carried: Mapping[str, frozenset[str]] | None = None
    ) -> list[RouteStanding]:
        """Return every route that was ever registered."""

        def read(reader: Reader) -> list[RouteStanding]:
            with reader.db:
                found = [
                    _standing(reader.db, name, carried) for (name,) in _fetch(reader.db, "routes")
                ]
            return found  # noqa: RET504 - the read transaction ends first

        return await self._pool.run(read)

    async def waiting(self, carried: Mapping[str, frozenset[str]] | None = None) -> list[Waiting]:
        """Return unsent work by route, store, state and currency."""
        return [cell for one in await self.standing(carried) for cell in one.waiting]

    async def stores_seen(self) -> list[StoreSeen]:
        """Return the last sign of life of every store."""
        return [StoreSeen(*row) for row in await self._rows("stores_seen")]

    async def target_states(self) -> list[TargetState]:
        """Return the breaker of every target."""
        return [TargetState(*row) for row in await self._rows("target_states")]

    # --- one message ------------------------------------------------------------------------

    async def find(self, text: str, limit: int) -> list[StoredMessage]:
        """Return messages that a person's search text names, newest first."""
        return await self._pool.run(lambda reader: find_messages(reader.db, text, limit))

    async def find_invalid(self, texts: Sequence[str], limit: int) -> list[InvalidRow]:
        """Return quarantined and conflicting copies by natural keys or ids."""
        keys, numbers = [text.strip() for text in texts], [copy_number(text) for text in texts]
        return await self._copies("find_invalid", (json.dumps(keys), json.dumps(numbers), limit))

    async def record(self, position: int) -> MessageRecord | None:
        """Return everything stored of one message."""

        def read(reader: Reader) -> MessageRecord | None:
            row = reader.db.execute(read_sql("record"), (position,)).fetchone()
            if row is None:
                return None
            canonical, raw, rewritten, content_hash, record_hash, findings = row[_HEADER:]
            return MessageRecord(
                message=stored_message(row[:_HEADER], reader.unpack(canonical)),
                raw=reader.unpack(raw),
                raw_rewritten=bool(rewritten),
                content_hash=content_hash,
                record_hash=record_hash,
                findings=findings.encode(),
                duplicates=[
                    at for (at,) in reader.db.execute(read_sql("duplicates_of"), (position,))
                ],
            )

        return await self._pool.run(read)

    async def deliveries_of(self, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the fate of these messages on every route."""
        rows = await self._rows("deliveries_of", json.dumps(list(positions)))
        return [delivery_row(row[0], row[1:]) for row in rows]

    async def attempts_of(self, position: int) -> list[AttemptRow]:
        """Return the recorded calls for one message."""
        return [AttemptRow(*row) for row in await self._rows("attempts_of", position)]

    # --- lists ------------------------------------------------------------------------------

    async def deliveries(
        self, states: Sequence[str], *, route: str = "", limit: int = 1000, after: int = 0
    ) -> list[tuple[DeliveryRow, StoredMessage]]:
        """Return ledger rows in these states with their messages (no payload), by position."""
        sql = deliveries_sql(read_sql("deliveries"), frozenset(states), of_route=bool(route))
        values = (json.dumps(list(states)), after, route, limit)
        rows: list[tuple[Any, ...]] = await self._pool.run(
            lambda reader: reader.db.execute(sql, values).fetchall()
        )
        return [
            (delivery_row(row[0], row[1 : 1 + _FATE]), stored_message(row[1 + _FATE :]))
            for row in rows
        ]

    async def invalid(
        self,
        *,
        outcome: str = "",
        open_only: bool = True,
        limit: int = 1000,
        after: int = 0,
        with_raw: bool = True,
    ) -> list[InvalidRow]:
        """Return quarantined and conflicting copies, oldest first."""
        values = (after, outcome, limit)
        name = "open_invalid" if open_only else "invalid"
        return await self._copies(name, values, with_raw=with_raw)

    async def newest_of_store(self, store: str, limit: int, among: int) -> list[StoredMessage]:
        """Return up to limit messages of a shop among the newest of all, newest first."""
        return await self._pool.run(lambda one: newest_of_store(one.db, store, limit, among))

    async def register_days(self, store: str) -> list[RegisterDay]:
        """Return what the tills of one shop sent, by date, till and run of the counter."""
        return await self._pool.run(lambda reader: register_days(reader.db, store))

    async def sequences(self) -> list[SequenceRange]:
        """Return the numbers seen per system, workstation, run of its counter and business date."""
        return [SequenceRange(*row) for row in await self._rows("sequences")]

    async def numbers(
        self, system: str, store: str, workstation: str, business_date: str, register_epoch: int = 0
    ) -> list[int]:
        """Return every number seen of one workstation on one date, in one run of its counter."""
        prefix = f"{store}:{workstation}:{business_date}:"
        place = (system, store, workstation, business_date, register_epoch)
        accepted = await self._rows("numbers", *place)
        kept = await self._rows("quarantined_keys", system, prefix, prefix[:-1] + ";")
        readable = filter(None, (number_and_epoch(key.removeprefix(prefix)) for (key,) in kept))
        quarantined = {number for number, epoch in readable if epoch == register_epoch}
        return sorted({number for (number,) in accepted} | quarantined)

    async def actions(self, limit: int) -> list[Action]:
        """Return the newest audited actions."""
        return [Action(*row) for row in await self._rows("actions", limit)]

    async def audit_head(self) -> tuple[int, bytes]:
        """Return number and link of the newest entry of the audit log."""
        return await self._pool.run(lambda reader: newest_link(reader.db))

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Return up to so many entries of the audit log after a number, in order."""
        return await self._pool.run(lambda reader: entries_after(reader.db, after, limit))

    async def restored(self) -> Restored | None:
        """Return the last time this journal was put back from a backup."""
        return await self._pool.run(read_restored)

    async def storage(self, cutoffs: Cutoffs) -> Storage:
        """Return the room this journal takes, and what retention would free of it."""
        return await self._pool.run(storage(self.path, cutoffs))

    # --- the way to a reader ----------------------------------------------------------------

    async def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        sql = read_sql(name)
        return await self._pool.run(lambda reader: reader.db.execute(sql, values).fetchall())

    async def _messages(self, name: str, values: tuple[Any, ...]) -> list[StoredMessage]:
        sql = read_sql(name)

        def read(reader: Reader) -> list[StoredMessage]:
            return [
                stored_message(row[:_HEADER], reader.unpack(row[_HEADER]))
                for row in reader.db.execute(sql, values)
            ]

        return await self._pool.run(read)

    async def _copies(self, name: str, values: Row, *, with_raw: bool = True) -> list[InvalidRow]:
        sql = read_sql(name).replace(":raw", "raw" if with_raw else "x'00'")

        def read(reader: Reader) -> list[InvalidRow]:
            rows: list[Row] = reader.db.execute(sql, values).fetchall()
            return [invalid_record(row[:-1], reader.unpack(row[-1])) for row in rows]

        return await self._pool.run(read)


def open_queries(path: Path) -> SqliteQueries:
    """Open a journal for reading only, beside a running hub or without one."""
    return SqliteQueries(path)


def _route_totals(db: apsw.Connection, route: str) -> RouteTotals:
    route_id, start, cursor = db.execute(read_sql("route"), (route,)).get
    newest = db.execute(read_sql("last_position")).get

    def totals(name: str, *values: Any) -> list[Total]:
        return [Total(*row) for row in db.execute(read_sql(name), values)]

    return RouteTotals(
        route=route,
        cursor=cursor,
        accepted=totals("route_accepted", start),
        rows=totals("route_rows", route_id),
        filtered=totals("route_without_row", "filtered", start, cursor, route_id),
        pending=totals("route_without_row", "pending", cursor, newest, route_id),
        filtered_kept=totals("kept_totals", f"filtered/{route}"),
        settled_kept=totals("kept_totals", f"settled/{route}"),
    )


def _fetch(db: apsw.Connection, name: str, *values: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = db.execute(read_sql(name), values).fetchall()
    return rows


def _standing(
    db: apsw.Connection, route: str, carried: Mapping[str, frozenset[str]] | None
) -> RouteStanding:
    route_id, _, cursor = db.execute(read_sql("route"), (route,)).get
    former = carried is not None and route not in carried
    standing = RouteStanding(
        route=route,
        cursor=cursor,
        former=former,
        settled=[Total(*row) for row in _fetch(db, "kept_totals", f"settled/{route}")],
        filtered=[Total(*row) for row in _fetch(db, "kept_totals", f"filtered/{route}")],
        pending=[],
        waiting=[],
    )
    if not former:
        types = carried[route] if carried is not None else None
        behind = pending(db, route_id, cursor)
        standing.pending = pending_totals(behind)
        cells: dict[tuple[str, str, str], Waiting] = {}
        for store, state, currency, message_type, *figures in _fetch(db, "waiting_rows", route_id):
            if types is None or message_type in types:
                _add_waiting(cells, Waiting(route, store, state, currency, *figures))
        for cell in pending_waiting(route, behind, types):
            _add_waiting(cells, cell)
        standing.waiting = [cells[key] for key in sorted(cells)]
    return standing


def _add_waiting(cells: dict[tuple[str, str, str], Waiting], found: Waiting) -> None:
    cell = cells.setdefault((found.store, found.state, found.currency), found)
    if cell is not found:
        cell.count += found.count
        cell.amount_minor += found.amount_minor
        cell.oldest_at = min(cell.oldest_at, found.oldest_at)

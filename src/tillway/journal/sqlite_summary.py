"""Totals of whole blocks of the journal, so that what is behind a cursor is added up, not scanned.

Messages never change, so the totals of a block are written once, by the commit that fills it.
Blocks of a level are added up to one of the next: a million messages are some thirty blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw
import msgspec

from tillway.journal.queries import Total, Waiting
from tillway.journal.statements import statements
from tillway.journal.totals import Tally

LEVELS = (2_048, 32_768, 524_288)
"""Positions of a block; each level is a multiple of the one before. Part of the tables' version."""
Key = tuple[str, str, str, int]
"""store, message type, currency, whether it was superseded when it came."""


class Cell(msgspec.Struct):
    """What some messages of one key add up to; amounts in minor units, oldest_at in microseconds.

    absolute_minor counts a return as the money it moves.
    """

    count: int
    amount_minor: int
    absolute_minor: int
    unknown: int
    oldest_at: int

    def take(self, other: Cell) -> None:
        """Add another cell to this one."""
        self.count += other.count
        self.amount_minor += other.amount_minor
        self.absolute_minor += other.absolute_minor
        self.unknown += other.unknown
        self.oldest_at = min(self.oldest_at, other.oldest_at)


def summarise(db: apsw.Connection, before: int, newest: int) -> None:
    """Write the totals of each block that was filled when the newest position grew from before."""
    if before // LEVELS[0] == newest // LEVELS[0]:
        return
    sql = statements("summary.sql")
    smaller = 0
    for size in LEVELS:
        for block in range(before // size, newest // size):
            if smaller:
                parts = size // smaller
                db.execute(sql["add_blocks"], (size, block, smaller, block * parts, parts))
            else:
                db.execute(sql["add_messages"], (size, block))
        smaller = size


def pending(db: apsw.Connection, route_id: int, cursor: int) -> dict[Key, Cell]:
    """Return what has no row on a route behind its cursor, as a scan of it would."""
    sql = statements("summary.sql")
    newest = db.execute(sql["newest"]).get
    settled = db.execute(sql["last_settled"], (route_id,)).get
    cells: dict[Key, Cell] = {}
    for low, high, size in pieces(cursor, max(cursor, settled), newest):
        if size:
            rows = db.execute(sql["blocks"], (size, low // size, high // size))
        else:
            rows = db.execute(sql["messages"], (low, high, route_id))
        for store, message_type, currency, superseded, *figures in rows:
            _add(cells, (store, message_type, currency, superseded), Cell(*figures))
    return cells


def pending_totals(cells: dict[Key, Cell]) -> list[Total]:
    """Return the cells by message type and currency, history of objects included."""
    tally = Tally()
    for (_, message_type, currency, _), cell in cells.items():
        tally.put("pending", message_type, currency, cell.count, cell.amount_minor, cell.unknown)
    return tally.totals()


def pending_waiting(
    route: str, cells: dict[Key, Cell], types: frozenset[str] | None
) -> Iterator[Waiting]:
    """Yield what will be sent of the cells; types: what the route carries, None for everything."""
    for (store, message_type, currency, superseded), cell in cells.items():
        if not superseded and (types is None or message_type in types):
            figures = (cell.count, cell.absolute_minor, cell.oldest_at)
            yield Waiting(route, store, "pending", currency, *figures)


def pieces(cursor: int, settled: int, newest: int) -> Iterator[tuple[int, int, int]]:
    """Yield ranges (after, up to, size of their blocks or 0 to scan) that cover what is behind.

    Up to the last row beyond the cursor only a scan can tell what has none.
    """
    smallest = LEVELS[0]
    whole = newest // smallest * smallest
    at = -(-settled // smallest) * smallest
    if at >= whole:
        yield cursor, newest, 0
        return
    yield cursor, at, 0
    for size, larger in zip(LEVELS, (*LEVELS[1:], 0), strict=True):
        last = newest // size * size
        end = min(last, -(-at // larger) * larger) if larger else last
        if end > at:
            yield at, end, size
            at = end
    for size in reversed(LEVELS):
        end = newest // size * size
        if end > at:
            yield at, end, size
            at = end
    yield at, newest, 0


def _add(cells: dict[Key, Cell], key: Key, found: Cell) -> None:
    known = cells.get(key)
    if known is None:
        cells[key] = found
    else:
        known.take(found)


def checked_summary(db: apsw.Connection) -> list[Total]:
    """Return what the messages of whole blocks tell, and what of it is kept without a fault."""
    sql = statements("summary.sql")["check_summary"]
    return [Total(*row) for size in LEVELS for row in db.execute(sql, {"size": size})]


def fill_summary(db: apsw.Connection) -> None:
    """Write the totals of every whole block of a journal that has none."""
    db.execute("DELETE FROM summary")
    newest: Any = db.execute(statements("summary.sql")["newest"]).get
    summarise(db, 0, newest)

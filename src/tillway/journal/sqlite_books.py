"""The books and the ledger rows of one transaction, gathered and written with few statements.

A row that replaces another moves its message from one state to the other in `settled/<route>`; what
a message was before is asked once for all rows of a transaction.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

import apsw
from msgspec.structs import astuple

from tillway.journal.base import DeliveryRow, Settlement
from tillway.journal.sqlite_rows import (
    ATTEMPT_COLUMNS,
    DELIVERY_COLUMNS,
    delivery_values,
)
from tillway.journal.sqlite_summary import fill_summary
from tillway.journal.statements import for_rows, insert_rows, run_for_rows, statements
from tillway.journal.totals import Tally

Cells = Iterable[tuple[str, str, str, int, int, int]]


_INSERT_DELIVERIES = partial(insert_rows, "delivery", DELIVERY_COLUMNS, replace=True)


class Bookkeeping:
    """Applies settlements to one connection; lives in the writer thread."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._sql = statements("settle.sql")
        self._add_total = statements("append.sql")["total"]
        self._route_ids: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Forget what the last transaction gathered."""
        self._books: defaultdict[str, Tally] = defaultdict(Tally)
        self._rows: defaultdict[str, dict[int, DeliveryRow]] = defaultdict(dict)

    def note(self, book: str, tally: Tally) -> None:
        """Add a tally to a book."""
        self._books[book].merge(tally)

    def settle(self, settlement: Settlement) -> None:
        """Take one settlement; its rows and totals wait for `write_rows` and `write`."""
        if settlement.rows:
            self._rows[settlement.route].update((row.position, row) for row in settlement.rows)
        if settlement.attempts:
            add = insert_rows("attempt", ATTEMPT_COLUMNS, 1)
            self._db.executemany(add, map(astuple, settlement.attempts))
        if settlement.cursor is not None:
            self._db.execute(self._sql["move_cursor"], (settlement.cursor, settlement.route))
        if settlement.filtered:
            passed = self._books[f"filtered/{settlement.route}"]
            for (message_type, currency), (count, amount) in settlement.filtered.items():
                passed.add("filtered", message_type, currency, amount, count)

    def write_rows(self) -> None:
        """Write the ledger rows gathered so far, so that a change that follows sees them."""
        for route, rows in self._rows.items():
            route_id = self._route_id(route)
            self._move(route, route_id, rows.values())
            values = [delivery_values(route_id, row) for row in rows.values()]
            run_for_rows(self._db, _INSERT_DELIVERIES, values)
        self._rows.clear()

    def write(self) -> None:
        """Write everything gathered."""
        self.write_rows()
        cells = [
            (book, *key, *figures)
            for book, tally in self._books.items()
            for key, figures in tally.cells.items()
            if any(figures)
        ]
        run_for_rows(self._db, partial(for_rows, self._add_total, 7), sorted(cells))

    def _move(self, route: str, route_id: int, rows: Iterable[DeliveryRow]) -> None:
        book = self._books[f"settled/{route}"]
        positions: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows:
            positions[row.state].append(row.position)
        for state, settled in positions.items():
            found = self._db.execute(self._sql["former_states"], (json.dumps(settled), route_id))
            for former, message_type, currency, count, amount_minor, unknown in found:
                book.put(state, message_type, currency, count, amount_minor, unknown)
                if former is not None:
                    book.put(former, message_type, currency, -count, -amount_minor, -unknown)

    def _route_id(self, route: str) -> int:
        known = self._route_ids.get(route)
        if known is None:
            known = self._db.execute(self._sql["route"], (route,)).get[0]
            self._route_ids[route] = known
        return known


def fill_books(db: apsw.Connection) -> None:
    """Write the books that older tables did not keep, from the rows."""
    rebook_settled(db)
    fill_summary(db)


def rebook_settled(db: apsw.Connection) -> None:
    """Count the ledger rows anew, where their states were changed all at once."""
    sql = statements("settle.sql")
    db.execute(sql["forget_settled"])
    db.execute(sql["book_settled"])

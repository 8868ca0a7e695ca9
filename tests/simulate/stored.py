"""What a journal file holds, read by plain SQL, so that no reader of the hub can hide a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw

from tillway.testing.virtual_disk import VirtualDisk, connected
from tillway.testing.virtual_journal import JOURNAL

Cells = dict[tuple[str, str, str], tuple[int, int, int]]
"""(group, message type, currency) -> count, minor units, how many of unknown amount."""


@dataclass(frozen=True, slots=True)
class Message:
    """An accepted message."""

    position: int
    message_id: str
    key: str
    message_type: str
    currency: str
    amount_minor: int | None
    clean: bool
    lane: str


@dataclass(frozen=True, slots=True)
class Fate:
    """A ledger row."""

    position: int
    state: str
    reason: str
    lane: str
    code: str
    attempts: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class RouteStored:
    """A route: after which position it began, how far it settled, and its rows by position."""

    start: int
    cursor: int
    fates: dict[int, Fate]


@dataclass(frozen=True, slots=True)
class Stored:
    """A journal. totals: book -> cells kept while writing; rows: outcome cells by the rows."""

    messages: dict[int, Message]
    routes: dict[str, RouteStored]
    copies: set[tuple[str, str]]
    """(outcome, natural key) of kept copies."""
    attempts: dict[tuple[str, int], list[str]]
    actions: list[tuple[str, str]]
    totals: dict[str, Cells]
    rows: Cells


MESSAGES = (
    "SELECT position, message_id, natural_key, message_type, currency, amount_minor, clean, "
    "store || ':' || workstation FROM message"
)
FATES = (
    "SELECT position, state, reason, lane, code, attempts, replayed "
    "FROM delivery WHERE route_id = ? ORDER BY position"
)
ROWS = """
SELECT 'accepted', message_type, currency, 1, amount_minor FROM message
UNION ALL SELECT 'duplicate', message_type, currency, 1, amount_minor FROM duplicate
UNION ALL SELECT outcome, message_type, currency, 1 + repeats, amount_minor FROM invalid
"""


def stored_on(disk: VirtualDisk) -> Stored:
    """Return what the journal on a disk holds, beside the process that writes to it."""
    copy = VirtualDisk(disk.contents())
    db = connected(lambda: apsw.Connection(str(copy.path(JOURNAL))))
    try:
        return _read(db)
    finally:
        db.close()


def _read(db: apsw.Connection) -> Stored:
    routes = {
        name: RouteStored(
            start, cursor, {row[0]: Fate(*row) for row in db.execute(FATES, (route_id,))}
        )
        for route_id, name, start, cursor in db.execute(
            "SELECT route_id, name, start, position FROM route"
        )
    }
    attempts: dict[tuple[str, int], list[str]] = {}
    for route, position, outcome in db.execute("SELECT route, position, outcome FROM attempt"):
        attempts.setdefault((route, position), []).append(outcome)
    totals: dict[str, Cells] = {}
    for book, group, *rest in db.execute("SELECT * FROM total"):
        message_type, currency, count, amount, unknown = rest
        key = ("" if book == "received" else group, message_type, currency)
        _add(totals.setdefault(book, {}), key, count, amount, unknown)
    rows: Cells = {}
    for group, message_type, currency, count, amount in db.execute(ROWS):
        unknown = count if amount is None else 0
        _add(rows, (group, message_type, currency), count, count * (amount or 0), unknown)
    return Stored(
        {row[0]: Message(*row) for row in db.execute(MESSAGES)},
        routes,
        set(db.execute("SELECT outcome, natural_key FROM invalid")),
        attempts,
        list(db.execute("SELECT verb, subject FROM action")),
        totals,
        rows,
    )


def _add(cells: Cells, key: Any, count: int, amount: int, unknown: int) -> None:
    before = cells.get(key, (0, 0, 0))
    cells[key] = (before[0] + count, before[1] + amount, before[2] + unknown)

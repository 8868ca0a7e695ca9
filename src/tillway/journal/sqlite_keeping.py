"""Retention, reclaim and the record of a restore on SQLite.

Surprising: what may go is looked for by a reader, beside the writer, and checked once more in the
transaction that lets it go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tillway.journal.base import Action
from tillway.journal.keeping import Cutoffs, Restored, Retired, Storage
from tillway.journal.sqlite_actions import note_actions
from tillway.journal.sqlite_books import rebook_settled
from tillway.journal.sqlite_reader import Reader
from tillway.journal.statements import statements

INCREMENTAL = 2
GONE = b"\x00"
"""An empty payload as `payloads.py` stores it."""
_RAW, _CANONICAL = 1, 2
"""Columns of a payload row."""
Found = Mapping[str, list[int]]
"""Kind -> ids of what may go."""


class _Kind(msgspec.Struct, frozen=True):
    """Where a kind of thing is kept; ids grow with time."""

    table: str
    row_id: str
    time: str
    cutoff: str


_KINDS = {
    "raw": _Kind("message", "position", "received_at", "raw"),
    "canonical": _Kind("message", "position", "received_at", "canonical"),
    "duplicates": _Kind("duplicate", "duplicate_id", "received_at", "duplicates"),
    "attempts": _Kind("attempt", "attempt_id", "ended_at", "attempts"),
    "copies": _Kind("invalid", "invalid_id", "received_at", "raw"),
}


@cache
def _sql(name: str) -> str:
    named = statements("keeping.sql")
    text = named[name].replace(":resolved", named["resolved"])
    return text.replace(":closed", named["closed"])


class Retirement(msgspec.Struct):
    """Remembers how far each kind was looked through, so that a pass reads nothing twice."""

    _looked: dict[str, int] = msgspec.field(default_factory=dict)

    def find(self, cutoffs: Cutoffs, limit: int) -> Callable[[Reader], Found]:
        """Return what finds the next of each kind; a pass that finds nothing more starts over."""

        def read(reader: Reader) -> Found:
            found = {kind: self._next(reader.db, kind, cutoffs, limit) for kind in _KINDS}
            if not any(found.values()):
                self._looked.clear()
            return found

        return read

    def _next(self, db: apsw.Connection, kind: str, cutoffs: Cutoffs, limit: int) -> list[int]:
        before = getattr(cutoffs, _KINDS[kind].cutoff)
        if before <= 0:
            return []
        last = _last_before(db, _KINDS[kind], before)
        looked = self._looked.get(kind, 0)
        rows = db.execute(_sql(f"retirable_{kind}"), (looked, last, before, limit)).fetchall()
        ids: list[Any] = [row[0] for row in rows]
        self._looked[kind] = ids[-1] if ids else max(last, looked)
        return ids


def let_go(found: Found) -> Callable[[apsw.Connection], Retired]:
    """Return the change that lets these go; the totals of duplicates stay in the books."""

    def change(db: apsw.Connection) -> Retired:
        if found["duplicates"]:
            _keep_totals(db, found["duplicates"])
        return Retired(
            raw=_empty(db, found["raw"], _RAW),
            canonical=_empty(db, found["canonical"], _CANONICAL),
            duplicates=_run(db, "retire_duplicates", found["duplicates"]),
            attempts=_run(db, "retire_attempts", found["attempts"]),
            copies=_run(db, "retire_copies", found["copies"]),
        )

    return change


def give_back(size_bytes: int) -> Callable[[apsw.Connection], int]:
    """Return the change that cuts free pages off the file; the next checkpoint makes it shorter."""

    def change(db: apsw.Connection) -> int:
        page_bytes = db.execute("PRAGMA page_size").get
        before = db.execute("PRAGMA freelist_count").get
        if before and size_bytes >= page_bytes:
            db.execute(f"PRAGMA incremental_vacuum({size_bytes // page_bytes})").fetchall()
        left = db.execute("PRAGMA freelist_count").get
        given: int = (before - left) * page_bytes
        return given

    return change


def storage(path: Path, cutoffs: Cutoffs) -> Callable[[Reader], Storage]:
    """Return what measures a journal; counting what retention would free reads all that is old."""

    def read(reader: Reader) -> Storage:
        db = reader.db
        page_bytes = db.execute("PRAGMA page_size").get
        log = path.with_name(path.name + "-wal")
        retirable = [_size_of(db, kind, cutoffs) for kind in ("raw", "canonical")]
        return Storage(
            size_bytes=db.execute("PRAGMA page_count").get * page_bytes,
            free_bytes=db.execute("PRAGMA freelist_count").get * page_bytes,
            log_bytes=log.stat().st_size if log.exists() else 0,
            retirable=sum(count for count, _ in retirable),
            retirable_bytes=sum(size for _, size in retirable),
            gives_back=db.execute("PRAGMA auto_vacuum").get == INCREMENTAL,
        )

    return read


def read_restored(reader: Reader) -> Restored | None:
    """Return the newest record of a restore."""
    row = reader.db.execute(_sql("restored")).fetchone()
    return Restored(*row) if row else None


def doubt(restored: Restored) -> Callable[[apsw.Connection], None]:
    """Return the change that notes a restore and doubts what was held."""

    def change(db: apsw.Connection) -> None:
        db.execute(_sql("add_restored"), msgspec.structs.astuple(restored))
        db.execute(_sql("doubt_what_was_held"))
        # A hold stays; it may have been let go since the backup, so its release is no first try.
        db.execute(_sql("doubt_what_a_person_holds"))
        rebook_settled(db)
        subject = f"{restored.origin} at position {restored.position}"
        act = Action(restored.restored_at, restored.who, "restore", subject, restored.reason)
        note_actions(db, [act])

    return change


def acknowledge(at: int, who: str, reason: str) -> Callable[[apsw.Connection], bool]:
    """Return the change that notes that a person looked at a restored journal."""

    def change(db: apsw.Connection) -> bool:
        db.execute(_sql("acknowledge_restore"), (at, who, reason))
        found = db.changes() > 0
        if found:
            note_actions(db, [Action(at, who, "acknowledge restore", "journal", reason)])
        return found

    return change


def _empty(db: apsw.Connection, ids: list[int], column: int) -> int:
    """Empty one column of these payloads, and leave what is open; return how many were emptied.

    Rows are taken out and put back: a row made smaller in its place would leave its page half
    empty, and no page would ever become free.
    """
    if not ids:
        return 0
    rows = db.execute(_sql("payloads"), (json.dumps(ids),)).fetchall()
    db.execute(_sql("drop_payloads"), (json.dumps([row[0] for row in rows]),))
    put = _sql("put_payload")
    db.executemany(put, [(*row[:column], GONE, *row[column + 1 :]) for row in rows])
    return len(rows)


def _run(db: apsw.Connection, name: str, ids: list[int]) -> int:
    if not ids:
        return 0
    db.execute(_sql(name), (json.dumps(ids),))
    return db.changes()


def _keep_totals(db: apsw.Connection, ids: list[int]) -> None:
    for row in db.execute(_sql("totals_of_duplicates"), (json.dumps(ids),)).fetchall():
        db.execute(statements("append.sql")["total"], ("retired", "duplicate", *row))


def _size_of(db: apsw.Connection, kind: str, cutoffs: Cutoffs) -> tuple[int, int]:
    before = getattr(cutoffs, kind)
    if before <= 0:
        return 0, 0
    last = _last_before(db, _KINDS[kind], before)
    count, size = db.execute(_sql(f"bytes_of_{kind}"), (last, before)).get
    return count, size


def _last_before(db: apsw.Connection, kind: _Kind, before: int) -> int:
    """Return the last id that is older than a moment, by bisection: ids grow with time."""
    low = 0
    high: int = db.execute(f"SELECT coalesce(max({kind.row_id}), 0) FROM {kind.table}").get  # noqa: S608 - names from the table above
    at = (
        f"SELECT {kind.row_id}, {kind.time} FROM {kind.table} "  # noqa: S608 - as above
        f"WHERE {kind.row_id} > ? ORDER BY {kind.row_id} LIMIT 1"
    )
    while low < high:
        middle = (low + high) // 2
        row_id, time = db.execute(at, (middle,)).get
        if time < before:
            low = row_id
        else:
            high = middle
    return low

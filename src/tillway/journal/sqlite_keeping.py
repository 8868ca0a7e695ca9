"""Retention, reclaim and the record of a restore on SQLite.

Surprising: what may go is looked for by a reader, beside the writer, and checked once more in the
transaction that lets it go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from functools import cache
from pathlib import Path

import apsw

from tillway.journal.keeping import Cutoffs, Restored, Retired, Storage
from tillway.journal.sqlite_reader import Reader
from tillway.journal.statements import statements

INCREMENTAL = 2
_OPEN_STATES = "('sending', 'held', 'in_doubt', 'dead')"
_RESOLVED = f"""NOT EXISTS (
  SELECT 1 FROM route WHERE route.start < payload.position AND route.position < payload.position
) AND NOT EXISTS (
  SELECT 1 FROM route CROSS JOIN delivery USING (route_id)
  WHERE delivery.position = payload.position AND delivery.state IN {_OPEN_STATES}
) AND payload.position NOT IN (SELECT first_position FROM invalid WHERE closed_by = 0)"""
_CLOSED = f"""NOT EXISTS (
  SELECT 1 FROM route CROSS JOIN delivery USING (route_id)
  WHERE route.name = attempt.route AND delivery.position = attempt.position
    AND delivery.state IN {_OPEN_STATES}
)"""

Found = Mapping[str, list[int]]
"""Kind -> ids of what may go."""


@dataclass(frozen=True, slots=True)
class _Kind:
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
    text = statements("keeping.sql")[name]
    return text.replace(":resolved", _RESOLVED).replace(":closed", _CLOSED)


@dataclass(slots=True)
class Retirement:
    """Remembers how far each kind was looked through, so that a pass reads nothing twice."""

    _looked: dict[str, int] = field(default_factory=dict)

    def find(self, cutoffs: Cutoffs, limit: int) -> Callable[[Reader], Found]:
        """Return what finds the next of each kind; a pass that finds nothing more starts over."""

        def read(reader: Reader) -> Found:
            return {kind: self._next(reader.db, kind, cutoffs, limit) for kind in _KINDS}

        return read

    def _next(self, db: apsw.Connection, kind: str, cutoffs: Cutoffs, limit: int) -> list[int]:
        before = getattr(cutoffs, _KINDS[kind].cutoff)
        if before <= 0:
            return []
        last = _last_before(db, _KINDS[kind], before)
        looked = self._looked.get(kind, 0)
        rows = db.execute(_sql(f"retirable_{kind}"), (looked, last, before, limit)).fetchall()
        ids = [row[0] for row in rows]
        self._looked[kind] = ids[-1] if ids else 0
        return ids


def let_go(found: Found) -> Callable[[apsw.Connection], Retired]:
    """Return the change that lets these go; the totals of duplicates stay in the books."""

    def change(db: apsw.Connection) -> Retired:
        gone = {}
        for kind, ids in found.items():
            chosen = (json.dumps(ids),)
            if kind == "duplicates":
                _keep_totals(db, chosen)
            db.execute(_sql(f"retire_{kind}"), chosen)
            gone[kind] = db.changes() if ids else 0
        return Retired(**gone)

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
        db.execute(_sql("add_restored"), astuple(restored))
        db.execute(_sql("doubt_what_was_held"))
        subject = f"{restored.origin} at position {restored.position}"
        _audit(db, restored.restored_at, restored.who, "restore", subject, restored.reason)

    return change


def acknowledge(at: int, who: str, reason: str) -> Callable[[apsw.Connection], bool]:
    """Return the change that notes that a person looked at a restored journal."""

    def change(db: apsw.Connection) -> bool:
        db.execute(_sql("acknowledge_restore"), (at, who, reason))
        found = db.changes() > 0
        if found:
            _audit(db, at, who, "acknowledge restore", "journal", reason)
        return found

    return change


def _audit(db: apsw.Connection, at: int, who: str, verb: str, subject: str, reason: str) -> None:
    db.execute(statements("settle.sql")["action"], (at, who, verb, subject, reason))


def _keep_totals(db: apsw.Connection, chosen: tuple[str]) -> None:
    for row in db.execute(_sql("totals_of_duplicates"), chosen).fetchall():
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

"""The ledger file of the stand-in ERP: documents by idempotency key, flushed before any answer.

One thread owns the file and commits together whatever is waiting (no timer). Surprising: totals are
kept beside the documents in the same transaction, so reading them never scans the file.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tillway.simulator.erp_documents import Booking

MAX_GROUP = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, receipt_key TEXT NOT NULL,
  document_type TEXT NOT NULL, store TEXT NOT NULL, business_date TEXT NOT NULL,
  currency TEXT NOT NULL, minor INTEGER NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS total (
  document_type TEXT NOT NULL, currency TEXT NOT NULL, count INTEGER NOT NULL,
  minor INTEGER NOT NULL, PRIMARY KEY (document_type, currency)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS repeated (
  number INTEGER PRIMARY KEY, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tally (
  name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_INSERT = (
    "INSERT INTO document (key, receipt_key, document_type, store, business_date, currency, minor,"
    " digest, body) VALUES (?,?,?,?,?,?,?,?,?)"
)
_ADD_TOTAL = (
    "INSERT INTO total VALUES (?,?,?,?) ON CONFLICT DO UPDATE"
    " SET count = count + excluded.count, minor = minor + excluded.minor"
)
_ADD_REPEAT = "INSERT INTO repeated VALUES (?,1) ON CONFLICT DO UPDATE SET times = times + 1"
_ADD_TALLY = (
    "INSERT INTO tally VALUES (?,?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
)


class Posted(msgspec.Struct, frozen=True):
    """What became of a document: status 201, 200 (repeated) or 409; reference is its number."""

    status: int
    reference: str


class ErpDocument(msgspec.Struct, frozen=True):
    """A booked document as a checker sees it. repeats: how often it came again, unchanged."""

    number: int
    key: str
    receipt_key: str
    document_type: str
    currency: str
    minor: int
    repeats: int = 0


_Work = tuple[Sequence[Booking], asyncio.Future[list[Posted]], asyncio.AbstractEventLoop]


class ErpBooks:
    """The open ledger. Call `start` on the event loop, `close` when done."""

    def __init__(self, path: Path) -> None:
        self._connection = open_books(path)
        self._reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="erp-books", daemon=True)

    def start(self) -> None:
        """Let the writing thread run."""
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, then let go of the file."""
        self._waiting.put(None)
        self._thread.join()
        self._reader.close()
        self._connection.close()

    async def post(self, bookings: Sequence[Booking]) -> list[Posted]:
        """Book documents, each at most once by its key; returns when they are on the disk."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Posted]] = loop.create_future()
        self._waiting.put((bookings, answer, loop))
        return await answer

    def find(self, key: str) -> dict[str, Any] | None:
        """Return one document by idempotency key, None when there is none."""
        found = self._reader.execute(
            "SELECT number, body FROM document WHERE key = ?", (key,)
        ).fetchone()
        return None if found is None else {"reference": reference(found[0]), "body": found[1]}

    def totals(self) -> dict[str, Any]:
        """Return counts and minor units per type and currency, and the tally of repeats."""
        rows = self._reader.execute("SELECT * FROM total").fetchall()
        tally: dict[Any, Any] = dict(self._reader.execute("SELECT name, count FROM tally"))
        return {"rows": rows, "repeats": tally.get("repeats", 0), "count": sum(r[2] for r in rows)}

    def page(self, after: int, limit: int) -> list[ErpDocument]:
        """Return documents after a number, in order."""
        return list(_documents(self._reader, after, limit))

    def _write_all(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            works, last = [first], False
            while len(works) < MAX_GROUP and not self._waiting.empty():
                work = self._waiting.get()
                if work is None:
                    last = True
                    break
                works.append(work)
            self._commit(works)
            if last:
                return

    def _commit(self, works: list[_Work]) -> None:
        try:
            with self._connection:
                answers = [self._book(bookings) for bookings, _, _ in works]
        except apsw.Error as error:
            for _, future, loop in works:
                loop.call_soon_threadsafe(_fail, future, OSError(f"the books failed: {error}"))
            return
        for (_, future, loop), answer in zip(works, answers, strict=True):
            loop.call_soon_threadsafe(_resolve, future, answer)

    def _book(self, bookings: Sequence[Booking]) -> list[Posted]:
        execute = self._connection.execute
        sums: Counter[tuple[str, str]] = Counter()
        minors: Counter[tuple[str, str]] = Counter()
        posted, repeats = [], 0
        for one in bookings:
            known = execute("SELECT number, digest FROM document WHERE key = ?", (one.key,))
            row = known.fetchone()
            if row is not None:
                same = row[1] == one.digest
                repeats += same
                if same:
                    execute(_ADD_REPEAT, (row[0],))
                posted.append(Posted(200 if same else 409, reference(row[0])))
                continue
            execute(
                _INSERT,
                (one.key, one.receipt_key, one.document_type, one.store, one.business_date,
                 one.currency, one.minor, one.digest, one.body),
            )  # fmt: skip
            posted.append(Posted(201, reference(self._connection.last_insert_rowid())))
            sums[one.document_type, one.currency] += 1
            minors[one.document_type, one.currency] += one.minor
        for (document_type, currency), count in sums.items():
            execute(_ADD_TOTAL, (document_type, currency, count, minors[document_type, currency]))
        if repeats:
            execute(_ADD_TALLY, ("repeats", repeats))
        return posted


def open_books(path: Path) -> apsw.Connection:
    """Open the ledger for writing: WAL, every commit flushed."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(5000)
    connection.execute("PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    connection.execute(_SCHEMA)
    return connection


def read_documents(path: Path) -> Iterator[ErpDocument]:
    """Yield every document of a ledger file, in order; the ERP may be running or dead."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        yield from _documents(connection, 0, -1)
    finally:
        connection.close()


def reference(number: int) -> str:
    """Return a document number as the ERP prints it."""
    return f"ERP-{number:08d}"


def _documents(connection: apsw.Connection, after: int, limit: int) -> Iterator[ErpDocument]:
    rows = connection.execute(
        "SELECT number, key, receipt_key, document_type, currency, minor, coalesce(times, 0)"
        " FROM document LEFT JOIN repeated USING (number)"
        " WHERE number > ? ORDER BY number LIMIT ?",
        (after, limit),
    )
    for row in rows:
        yield ErpDocument(*row)


def _resolve(future: asyncio.Future[list[Posted]], answer: list[Posted]) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[list[Posted]], error: OSError) -> None:
    if not future.done():
        future.set_exception(error)

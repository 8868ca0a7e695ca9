"""The general ledger of the stand-in ERP: postings by posting key, flushed before any answer.

Surprising: every change of a posting, and its booking too, takes the next number of one serial; the
report is read by that number, so what somebody alters later is reported again as a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import apsw
import msgspec

from tillway.model.exact import from_minor

_SCHEMA = """
CREATE TABLE IF NOT EXISTS posting (
  number INTEGER PRIMARY KEY, posting_key TEXT NOT NULL, call_key TEXT NOT NULL,
  posting_type TEXT NOT NULL, reverses TEXT NOT NULL, store TEXT NOT NULL,
  business_date TEXT NOT NULL, currency TEXT NOT NULL, minor INTEGER NOT NULL,
  digest BLOB NOT NULL, body BLOB NOT NULL, booked_at TEXT NOT NULL,
  version INTEGER NOT NULL, changed INTEGER NOT NULL UNIQUE, is_copy INTEGER NOT NULL DEFAULT 0,
  repeats INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS posting_by_key ON posting (posting_key) WHERE NOT is_copy;
CREATE TABLE IF NOT EXISTS serial (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""
_NEXT = (
    "INSERT INTO serial VALUES ('changed', 1) ON CONFLICT DO UPDATE SET last = last + 1"
    " RETURNING last"
)
_INSERT = (
    "INSERT INTO posting (posting_key, call_key, posting_type, reverses, store, business_date,"
    " currency, minor, digest, body, booked_at, version, changed, is_copy)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,1,?,?)"
)
_COPY = (
    "INSERT INTO posting (posting_key, call_key, posting_type, reverses, store, business_date,"
    " currency, minor, digest, body, booked_at, version, changed, is_copy)"
    " SELECT posting_key, call_key, posting_type, reverses, store, business_date, currency, minor,"
    " digest, body, booked_at, 1, ?, 1 FROM posting WHERE posting_key = ? AND NOT is_copy"
)
_REPORT = (
    "SELECT number, posting_key, posting_type, reverses, store, business_date, currency, minor,"
    " booked_at, version, changed FROM posting"
)


class PostingToBook(msgspec.Struct, frozen=True):
    """A posting that met every rule. minor: its amount in minor units; digest tells content."""

    posting_key: str
    call_key: str
    posting_type: str
    reverses: str
    store: str
    business_date: str
    currency: str
    minor: int
    digest: bytes
    body: bytes


class BookedPosting(msgspec.Struct, frozen=True):
    """A posting the ledger holds, as the report tells it. changed: its place in the report."""

    number: int
    posting_key: str
    posting_type: str
    reverses: str
    store: str
    business_date: str
    currency: str
    minor: int
    booked_at: str
    version: int
    changed: int

    @property
    def document_number(self) -> str:
        """Return its number as the ERP prints it."""
        return f"GL-{self.number:08d}"

    def as_report(self) -> dict[str, Any]:
        """Return its row of the report; amounts are text."""
        return {
            "document_number": self.document_number,
            "document_type": self.posting_type,
            "posting_key": self.posting_key,
            "reverses": self.reverses,
            "store": self.store,
            "business_date": self.business_date,
            "currency": self.currency,
            "amount": str(from_minor(self.minor, self.currency)),
            "version": self.version,
            "booked_at": self.booked_at,
        }


class PostingBooks:
    """The open ledger. now returns the time of booking; every call commits and flushes."""

    def __init__(self, path: Path, now: Callable[[], datetime] | None = None) -> None:
        self._now = now or (lambda: datetime.now(UTC))
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(5000)
        self._connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def book(self, one: PostingToBook) -> tuple[int, BookedPosting]:
        """Book once by posting key; return 201, 200 (repeated) or 409 (other content), and it."""
        execute = self._connection.execute
        with self._connection:
            known = execute(
                "SELECT digest FROM posting WHERE posting_key = ? AND NOT is_copy",
                (one.posting_key,),
            ).fetchone()
            if known is None:
                booked_at = self._now().isoformat(timespec="milliseconds")
                execute(
                    _INSERT,
                    (one.posting_key, one.call_key, one.posting_type, one.reverses, one.store,
                     one.business_date, one.currency, one.minor, one.digest, one.body, booked_at,
                     self._next_change(), 0),
                )  # fmt: skip
                status = 201
            else:
                status = 200 if known[0] == one.digest else 409
                if status == 200:
                    execute(
                        "UPDATE posting SET repeats = repeats + 1 WHERE posting_key = ?"
                        " AND NOT is_copy",
                        (one.posting_key,),
                    )
        booked = self.find(one.posting_key)
        assert booked is not None
        return status, booked

    def find(self, key: str) -> BookedPosting | None:
        """Return a posting by its posting key or by the key of the call that brought it."""
        row = self._connection.execute(
            f"{_REPORT} WHERE ? IN (posting_key, call_key) AND NOT is_copy", (key,)
        ).fetchone()
        return BookedPosting(*row) if row else None

    def body(self, posting_key: str) -> bytes:
        """Return what was sent for a posting key, b"" for none."""
        row = self._connection.execute(
            "SELECT body FROM posting WHERE posting_key = ? AND NOT is_copy", (posting_key,)
        ).fetchone()
        return bytes(row[0]) if row else b""

    def reversal_of(self, posting_key: str) -> BookedPosting | None:
        """Return the posting that took this one back, None when none did."""
        row = self._connection.execute(
            f"{_REPORT} WHERE reverses = ? AND NOT is_copy", (posting_key,)
        ).fetchone()
        return BookedPosting(*row) if row else None

    def report(
        self, after: int = 0, limit: int = -1, business_date: str = ""
    ) -> list[BookedPosting]:
        """Return what changed after a number, oldest change first; of one business date, or all."""
        rows = self._connection.execute(
            f"{_REPORT} WHERE changed > ? AND ? IN ('', business_date) ORDER BY changed LIMIT ?",
            (after, business_date, limit),
        )
        return [BookedPosting(*row) for row in rows]

    def alter(
        self, posting_key: str, do: Literal["change", "remove", "double"], minor: int = 0
    ) -> bool:
        """Do to a posting what should never happen to it; False when there is none.

        change: another amount, in minor units. remove: it is gone. double: it stands there twice.
        """
        with self._connection:
            if do == "double":
                self._connection.execute(_COPY, (self._next_change(), posting_key))
            elif do == "change":
                self._connection.execute(
                    "UPDATE posting SET minor = ?, version = version + 1, changed = ?"
                    " WHERE posting_key = ? AND NOT is_copy",
                    (minor, self._next_change(), posting_key),
                )
            else:
                self._connection.execute(
                    "DELETE FROM posting WHERE posting_key = ? AND NOT is_copy", (posting_key,)
                )
        return self._connection.changes() > 0

    def _next_change(self) -> int:
        [(number,)] = self._connection.execute(_NEXT).fetchall()
        assert isinstance(number, int)
        return number

"""What people look for in a SQLite journal: messages by any number, and what one shop sent.

Runs on a reader's connection, several statements at once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import apsw

from tillway.journal.base import StoredMessage
from tillway.journal.queries import RegisterDay
from tillway.journal.search import parse_search, register_keys
from tillway.journal.sqlite_rows import HEADER_SQL, stored_message
from tillway.journal.statements import statements


def find_messages(db: apsw.Connection, text: str, limit: int) -> list[StoredMessage]:
    """Return messages that a person's search text names, newest first."""
    wanted = parse_search(text)
    found = _rows(db, "find_object", wanted.text, limit)
    if wanted.store:
        names = (wanted.store, wanted.workstation, wanted.number, limit)
        found += _rows(db, "find_number", *names)
    else:
        found += _rows(db, "find_receipt", wanted.receipt, limit)
    if not found:
        for key in register_keys(wanted.text):
            place = (key.store, key.business_date, key.workstation, key.number)
            found += _rows(db, "find_key", *place, wanted.text, limit)
    if not found:
        found = _rows(db, "find_name", wanted.text, limit)
    newest_first = sorted({row[0]: row for row in found}.items(), reverse=True)
    return [stored_message(row) for _, row in newest_first[:limit]]


def register_days(db: apsw.Connection, store: str) -> list[RegisterDay]:
    """Return what the tills of one shop sent, by date, till and run of the counter."""
    return [RegisterDay(*row) for row in _rows(db, "register_days", store)]


def newest_of_store(db: apsw.Connection, store: str, limit: int, among: int) -> list[StoredMessage]:
    """Return up to limit messages of a shop among the newest of all, newest first, no payload."""
    return [stored_message(row) for row in _rows(db, "newest_of_store", store, among, limit)]


@cache
def search_sql(name: str) -> str:
    """Return one statement of `search.sql` with the columns of a message in it."""
    return statements("search.sql")[name].replace(":columns", HEADER_SQL)


def _rows(db: apsw.Connection, name: str, *values: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = db.execute(search_sql(name), values).fetchall()
    return rows

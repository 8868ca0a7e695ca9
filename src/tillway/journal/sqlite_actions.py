"""Writes what people did, and why, inside the writer's transaction, linked into a chain."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from tillway.journal.base import Action
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.journal.statements import statements

AT_ONCE = 1000


def note_actions(db: apsw.Connection, actions: Sequence[Action]) -> None:
    """Add these actions to the audit log, in order, each linked to the one before it."""
    if not actions:
        return
    number, head = newest_link(db)
    rows = []
    for action in actions:
        number += 1
        head = link(head, number, action)
        rows.append(
            (number, action.at, action.who, action.verb, action.subject, action.reason, head)
        )
    db.executemany(statements("settle.sql")["action"], rows)


def newest_link(db: apsw.Connection) -> tuple[int, bytes]:
    """Return number and link of the newest entry; before the first one, 0 and `ORIGIN`."""
    found: tuple[int, bytes] | None = db.execute(statements("read.sql")["newest_link"]).get
    return found or (0, ORIGIN)


def entries_after(db: apsw.Connection, number: int, limit: int) -> list[AuditEntry]:
    """Return up to so many entries after a number, in order."""
    rows = db.execute(statements("read.sql")["audit_entries"], (number, limit))
    return [AuditEntry(row[0], Action(*row[1:6]), row[6]) for row in rows]


def link_older_actions(db: apsw.Connection) -> None:
    """Link the entries of a journal that had no chain yet, in their order."""
    number, head = 0, ORIGIN
    put = statements("migrate.sql")["put_link"]
    while entries := entries_after(db, number, AT_ONCE):
        for entry in entries:
            number = entry.number
            head = link(head, number, entry.action)
            db.execute(put, (head, number))

"""The projection half of the journal seam: a room keeps tables of its own beside the messages.

A room ships its tables and its statements; the one writer runs them, so that what a room derived
from messages and the cursor up to which it read them move in one transaction. What was derived can
be derived again; what people decided stands nowhere else, so a table is never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tillway.journal.base import Action, Journal
from tillway.journal.queries import JournalQueries

Row = tuple[Any, ...]


class Tables(msgspec.Struct, frozen=True):
    """The tables of one room. name: prefix of them all; schema: idempotent SQL of this version."""

    name: str
    version: int
    schema: str


class Change(msgspec.Struct):
    """Everything a room wants committed together: statements with their rows, in this order.

    Every statement runs once for each of its rows. actions are what people did and why (audit).
    """

    statements: list[tuple[str, Sequence[Row]]] = msgspec.field(default_factory=list)
    actions: list[Action] = msgspec.field(default_factory=list)

    def run(self, sql: str, *rows: Row) -> None:
        """Add one statement; without rows nothing happens."""
        if rows:
            self.statements.append((sql, rows))


class Asking(Protocol):
    """Reading the tables of a room, beside a running hub or inside it."""

    async def ask(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Return the rows of one SELECT; sees what was committed before it was asked."""
        ...


class Projecting(Asking, Protocol):
    """Keeping the tables of a room."""

    async def open_tables(self, tables: Tables) -> None:
        """Create what is not there yet.

        Raises ConfigurationError TW-5102 when a newer Tillway made these tables.
        """
        ...

    async def project(self, change: Change) -> None:
        """Commit a change in one transaction and flush it."""
        ...


class ProjectingJournal(Journal, JournalQueries, Projecting, Protocol):
    """A journal that also keeps tables of other rooms: both backends are one."""

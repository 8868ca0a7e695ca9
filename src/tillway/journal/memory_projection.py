"""Tables of other rooms beside the in-memory twin: a SQLite database without a file."""

from __future__ import annotations

import apsw

from tillway.errors import ConfigurationError
from tillway.journal.memory_keeping import MemoryKeeping
from tillway.journal.projection import Change, Row, Tables


class MemoryProjection(MemoryKeeping):
    """What keeps the tables of rooms; `MemoryJournal` adds the path of a message."""

    def __init__(self) -> None:
        super().__init__()
        self._tables = apsw.Connection(":memory:")
        self._versions: dict[str, int] = {}

    async def open_tables(self, tables: Tables) -> None:
        """Create the tables of a room."""
        found = self._versions.setdefault(tables.name, tables.version)
        if found > tables.version:
            raise ConfigurationError(
                "TW-5102", f"the tables of {tables.name} are newer", value=str(found)
            )
        self._versions[tables.name] = tables.version
        self._tables.execute(tables.schema)

    async def project(self, change: Change) -> None:
        """Run a room's statements, all or none."""
        with self._tables:
            for sql, rows in change.statements:
                self._tables.executemany(sql, rows)
        self.audit.extend(change.actions)

    async def ask(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Return the rows of one SELECT."""
        return self._tables.execute(sql, parameters).fetchall()

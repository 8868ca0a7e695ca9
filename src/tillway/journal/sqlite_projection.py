"""Tables of other rooms in a SQLite file: what the writer's connection does for `projection.py`."""

from __future__ import annotations

from collections.abc import Callable

import apsw

from tillway.errors import ConfigurationError
from tillway.journal.projection import Change, Tables
from tillway.journal.sqlite_actions import note_actions
from tillway.journal.statements import statements


def with_tables(tables: Tables) -> Callable[[apsw.Connection], None]:
    """Return the change that creates the tables of a room."""

    def change(db: apsw.Connection) -> None:
        sql = statements("projection.sql")
        found = db.execute(sql["version"], (tables.name,)).get
        if found is not None and found > tables.version:
            raise ConfigurationError(
                "TW-5102",
                f"the tables of {tables.name} have version {found}, this Tillway reads"
                f" {tables.version}",
                value=str(found),
            )
        db.execute(tables.schema)
        db.execute(sql["keep_version"], (tables.name, tables.version))

    return change


def with_change(change: Change) -> Callable[[apsw.Connection], None]:
    """Return the change that runs a room's statements and notes what people did."""

    def run(db: apsw.Connection) -> None:
        for sql, rows in change.statements:
            db.executemany(sql, rows)
        note_actions(db, change.actions)

    return run

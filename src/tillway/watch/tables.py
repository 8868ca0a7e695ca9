"""The tables of the watch in the journal's file, and every statement it runs.

`journal.sql` reads the journal's own tables; it is the one place where this room knows them.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from tillway.journal.projection import Tables
from tillway.journal.statements import named
from tillway.watch.buckets import COLUMNS, step_sql

VERSION = 1
_AGE = "max(0, delivery.updated_at - received_at)"
_DURATION = "max(0, delivery.updated_at - delivery.first_at)"


@cache
def _file(name: str) -> str:
    return (resources.files("tillway.watch") / "sql" / name).read_text("utf-8")


def tables() -> Tables:
    """Return the tables as the journal needs them."""
    columns = ", ".join(f"{name} INTEGER NOT NULL" for name in COLUMNS)
    return Tables("watch", VERSION, _file("schema.sql").replace(":columns", columns))


@cache
def write(name: str) -> str:
    """Return a statement that changes something."""
    sql = named(_file("write.sql"))[name]
    return (
        sql.replace(":names", ", ".join(COLUMNS))
        .replace(":holders", ", ".join("?" * len(COLUMNS)))
        .replace(":added", ", ".join(f"{one} = {one} + excluded.{one}" for one in COLUMNS))
    )


@cache
def read(name: str) -> str:
    """Return a SELECT over the tables of this room."""
    sql = named(_file("read.sql"))[name]
    return sql.replace(":names", ", ".join(COLUMNS)).replace(
        ":sums", ", ".join(f"sum({one})" for one in COLUMNS)
    )


@cache
def of_journal(name: str) -> str:
    """Return a SELECT over the journal's own tables."""
    sql = named(_file("journal.sql"))[name]
    return sql.replace(":bucket", step_sql(_AGE)).replace(":duration", step_sql(_DURATION))

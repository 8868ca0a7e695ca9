"""Named SQL: each statement of a `sql/*.sql` file stands under a `-- name:` line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import apsw

Row = tuple[Any, ...]


@cache
def sql_file(file: str) -> str:
    """Return the text of one SQL file."""
    return (resources.files("tillway.journal") / "sql" / file).read_text("utf-8")


@cache
def statements(file: str) -> dict[str, str]:
    """Return the named statements of one SQL file."""
    return named(sql_file(file))


def named(text: str) -> dict[str, str]:
    """Return the statements of a text by name."""
    found: dict[str, str] = {}
    for block in text.split("-- name: ")[1:]:
        name, _, statement = block.partition("\n")
        found[name.strip()] = statement.strip()
    return found


INSERT_SIZES = (128, 64, 32, 16, 8, 4, 2, 1)
"""Rows of one INSERT. Each call gives up the interpreter and must win it back from busy intake."""


@cache
def insert_rows(table: str, columns: tuple[str, ...], rows: int, *, replace: bool = False) -> str:
    """Return one INSERT for so many rows: one call into SQLite instead of one per row."""
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    one = f"({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}"


@cache
def for_rows(statement: str, columns: int, rows: int) -> str:
    """Return an INSERT of one row as one of so many; `VALUES (?, ...)` stands in it once."""
    one = f"({', '.join('?' * columns)})"
    return statement.replace(f"VALUES {one}", f"VALUES {', '.join([one] * rows)}")


def run_for_rows(db: apsw.Connection, statement: Callable[[int], str], rows: Sequence[Row]) -> None:
    """Insert rows with as few calls as may be; statement(size) is the INSERT of so many rows."""
    done = 0
    for size in INSERT_SIZES:
        while len(rows) - done >= size:
            values = [value for row in rows[done : done + size] for value in row]
            db.execute(statement(size), values)
            done += size

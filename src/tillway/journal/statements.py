"""Named SQL: each statement of a `sql/*.sql` file stands under a `-- name:` line."""

from __future__ import annotations

from functools import cache
from importlib import resources


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


@cache
def insert_rows(table: str, columns: tuple[str, ...], rows: int, *, replace: bool = False) -> str:
    """Return one INSERT for so many rows: one call into SQLite instead of one per row."""
    verb = "INSERT OR REPLACE" if replace else "INSERT"
    one = f"({', '.join('?' * len(columns))})"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}"

"""The tables of people and keys in the journal's file, and their named statements."""

from __future__ import annotations

from functools import cache
from importlib import resources

from tillway.journal.projection import Asking, Row, Tables
from tillway.journal.statements import named

VERSION = 1


@cache
def _file(name: str) -> str:
    return (resources.files("tillway.access") / "sql" / name).read_text("utf-8")


def tables() -> Tables:
    """Return the tables as the journal needs them."""
    return Tables("access", VERSION, _file("schema.sql"))


@cache
def write(name: str) -> str:
    """Return a statement that changes something."""
    return named(_file("write.sql"))[name]


async def rows(journal: Asking, name: str) -> list[Row]:
    """Return the rows of a SELECT, none from a journal in which nobody ever had an account."""
    statements = named(_file("read.sql"))
    if not await journal.ask(statements["is_there"]):
        return []
    return await journal.ask(statements[name])

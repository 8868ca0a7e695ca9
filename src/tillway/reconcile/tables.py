"""The tables of reconciliation in the journal's file, and their named statements."""

from __future__ import annotations

from functools import cache
from importlib import resources

from tillway.journal.projection import Tables
from tillway.journal.statements import named
from tillway.reconcile.findings import COLUMNS

VERSION = 1
ITEM_COLUMNS = (
    "item_id, kind, party, reference, other_reference, store, business_date, currency, amount,"
    " position, due, match_id, origin, flawed"
)


@cache
def _file(name: str) -> str:
    return (resources.files("tillway.reconcile") / "sql" / name).read_text("utf-8")


@cache
def write(name: str) -> str:
    """Return a statement that changes something."""
    return named(_file("write.sql"))[name]


@cache
def read(name: str) -> str:
    """Return a SELECT."""
    return named(_file("read.sql"))[name].replace(":finding", ", ".join(COLUMNS))


@cache
def match(name: str) -> str:
    """Return a statement about open items and what the ERP reports."""
    return named(_file("match.sql"))[name].replace(":item", ITEM_COLUMNS)


@cache
def answer(name: str) -> str:
    """Return a SELECT of what people ask."""
    return named(_file("answers.sql"))[name]


def tables() -> Tables:
    """Return the tables as the journal needs them."""
    return Tables("recon", VERSION, _file("schema.sql"))

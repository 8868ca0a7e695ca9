"""What the screens ask is answered from indexes: no statement walks through a large table."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_deliveries import deliveries_sql
from tillway.journal.sqlite_queries import read_sql
from tillway.journal.sqlite_search import search_sql
from tillway.journal.statements import statements

SMALL = {"json_each", "route", "store_seen", "target_state", "day", "CONSTANT"}
"""What may be read whole: a row for each route, shop or target, and lists made by the statement."""
ASKED = (
    "window", "load", "last_position", "delivery_rows", "newest_revisions", "kept_totals", "routes",
    "route", "waiting_rows", "stores_seen", "target_states", "find_invalid", "record",
    "duplicates_of", "deliveries_of", "attempts_of", "open_invalid", "actions", "newest_link",
    "audit_entries",
)  # fmt: skip
SEARCHED = (
    "find_number", "find_object", "find_receipt", "find_key", "find_name", "newest_of_store",
    "register_days",
)  # fmt: skip
ADDED_UP = ("newest", "last_settled", "blocks", "messages")
BY_ROWID = ("open_invalid", "actions", "newest_link", "audit_entries")
"""They end with a LIMIT in the order in which the rows are stored."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[apsw.Connection]:
    """A journal without messages: SQLite plans by the indexes alone."""
    path = tmp_path / "journal.db"
    await (await open_sqlite(path)).close()
    db = apsw.Connection(str(path))
    yield db
    db.close()


def plan(db: apsw.Connection, sql: str) -> list[str]:
    """Return the steps of a plan."""
    sql = sql.replace(":raw", "raw")
    numbered = {int(one) for one in re.findall(r"\?(\d+)", sql)}
    holes = max(numbered, default=sql.count("?"))
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * holes)]


def scans(db: apsw.Connection, sql: str) -> list[str]:
    """Return the steps of a plan that read a large table, or a whole index of it."""
    return [
        step
        for step in plan(db, sql)
        if (found := re.match(r"SCAN (\w+)", step)) and found[1] not in SMALL
    ]


@pytest.mark.parametrize("name", [one for one in ASKED if one not in BY_ROWID])
async def test_what_the_screens_ask_reads_no_table_whole(
    database: apsw.Connection, name: str
) -> None:
    """Every step is a search, or reads something that stays small."""
    assert scans(database, read_sql(name)) == []


@pytest.mark.parametrize("name", SEARCHED)
async def test_a_search_reads_no_table_whole(database: apsw.Connection, name: str) -> None:
    """Whatever a person types, also what is not there."""
    assert scans(database, search_sql(name)) == []


@pytest.mark.parametrize("name", ADDED_UP)
async def test_what_waits_is_added_up_from_blocks(database: apsw.Connection, name: str) -> None:
    """Behind a cursor only whole blocks and the rest of one are read."""
    assert scans(database, statements("summary.sql")[name]) == []


async def test_lists_of_trouble_come_from_the_indexes_of_the_rare_states(
    database: apsw.Connection,
) -> None:
    """Dead, held and in doubt, of one route or of all."""
    states = frozenset({"dead", "held", "in_doubt"})
    for of_route in (True, False):
        sql = deliveries_sql(read_sql("deliveries"), states, of_route=of_route)
        assert scans(database, sql) == []


@pytest.mark.parametrize("name", BY_ROWID)
async def test_pages_of_a_list_end_with_their_limit(database: apsw.Connection, name: str) -> None:
    """They walk in stored order, so nothing is sorted and a page is all that is read."""
    sql = read_sql(name)
    assert "LIMIT" in sql
    assert not [step for step in plan(database, sql) if "TEMP B-TREE" in step]


@pytest.mark.parametrize(
    "sql",
    [
        read_sql("sequences"),
        "SELECT * FROM message WHERE natural_key = ?1 OR message_id = ?1",
        "SELECT * FROM delivery JOIN route USING (route_id) WHERE delivery.position = ?1",
        "SELECT * FROM invalid WHERE natural_key = ?1 OR '#' || invalid_id = ?1",
    ],
)
async def test_a_statement_that_reads_everything_is_found(
    database: apsw.Connection, sql: str
) -> None:
    """The check itself: what the screens once asked, and what the check of all numbers asks."""
    assert scans(database, sql)

"""The journal's specification for tables of other rooms, on top of `EpochJournalSuite`.

Backends subclass this suite, which holds all the others as well.
"""

from __future__ import annotations

from typing import Any

import apsw
import msgspec
import pytest

from tillway.errors import ConfigurationError
from tillway.journal.base import Action
from tillway.journal.projection import Change, Tables
from tillway.testing.journal import candidate
from tillway.testing.journal_epochs import EpochJournalSuite

TABLES = Tables(
    "shelf",
    3,
    "CREATE TABLE IF NOT EXISTS shelf_row (name TEXT PRIMARY KEY, position INTEGER) STRICT",
)
INSERT = "INSERT INTO shelf_row (name, position) VALUES (?, ?)"
ROWS = "SELECT name, position FROM shelf_row ORDER BY name"


class ProjectionJournalSuite(EpochJournalSuite):
    """What a journal promises to rooms that keep tables of their own beside the messages."""

    async def test_a_change_is_there_once_it_is_committed(self, journal: Any) -> None:
        """Every statement runs for each of its rows, in order; without rows it does not run."""
        await journal.open_tables(TABLES)
        change = Change()
        change.run(INSERT, ("b", 2), ("a", 1))
        change.run("UPDATE shelf_row SET position = position + ? WHERE name = ?", (10, "a"))
        change.run("no statement at all")
        assert await journal.ask(ROWS) == []
        await journal.project(change)
        assert await journal.ask(ROWS) == [("a", 11), ("b", 2)]
        assert await journal.ask(f"{ROWS} LIMIT ?", (1,)) == [("a", 11)]

    async def test_a_change_is_all_or_nothing(self, journal: Any) -> None:
        """What fails half-way leaves no row and no line of the audit log; the next one goes."""
        await journal.open_tables(TABLES)
        change = Change(actions=[Action(5, "ann", "shelf.fill", "a", "spring")])
        change.run(INSERT, ("a", 1))
        change.run(INSERT, ("a", 2))
        with pytest.raises(apsw.ConstraintError):
            await journal.project(change)
        assert await journal.ask(ROWS) == []
        assert await journal.actions(5) == []
        await journal.project(msgspec.structs.replace(change, statements=change.statements[:1]))
        assert await journal.ask(ROWS) == [("a", 1)]

    async def test_what_people_did_is_noted_in_the_same_change(self, journal: Any) -> None:
        """Who, what and why stand in the audit log beside the rows."""
        await journal.open_tables(TABLES)
        change = Change(actions=[Action(5, "ann", "shelf.fill", "a", "spring")])
        change.run(INSERT, ("a", 1))
        await journal.project(change)
        [action] = await journal.actions(5)
        assert (action.who, action.verb, action.subject, action.reason) == (
            "ann",
            "shelf.fill",
            "a",
            "spring",
        )

    async def test_tables_open_again_with_what_they_hold(self, journal: Any) -> None:
        """A room opens its tables at every start; nothing is dropped."""
        await journal.open_tables(TABLES)
        await journal.project(Change([(INSERT, [("a", 1)])]))
        await journal.open_tables(TABLES)
        assert await journal.ask(ROWS) == [("a", 1)]

    async def test_tables_of_a_newer_tillway_are_left_alone(self, journal: Any) -> None:
        """An older room is told so by a code and changes nothing; a newer one takes over."""
        await journal.open_tables(TABLES)
        with pytest.raises(ConfigurationError) as raised:
            await journal.open_tables(msgspec.structs.replace(TABLES, version=2))
        assert raised.value.code == "TW-5102"
        await journal.open_tables(msgspec.structs.replace(TABLES, version=4))
        with pytest.raises(ConfigurationError):
            await journal.open_tables(TABLES)

    async def test_rooms_have_versions_of_their_own(self, journal: Any) -> None:
        """What one room's tables are says nothing about another's."""
        await journal.open_tables(TABLES)
        other = Tables("desk", 1, "CREATE TABLE IF NOT EXISTS desk_row (name TEXT) STRICT")
        await journal.open_tables(other)
        assert await journal.ask("SELECT count(*) FROM desk_row") == [(0,)]

    async def test_rows_and_messages_stand_side_by_side(self, journal: Any) -> None:
        """A room's commit takes no position, and messages go on as before."""
        await journal.open_tables(TABLES)
        [first] = await journal.append([candidate(1)])
        await journal.project(Change([(INSERT, [("read", first.position)])]))
        [second] = await journal.append([candidate(2)])
        assert second.position == first.position + 1
        assert await journal.ask(ROWS) == [("read", first.position)]

"""After every hub of a test its books are checked; broken on purpose, that check fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from crash.sellers import plain_world
from crash.trial import on_trial
from flows.tills import quayside
from flows.world import World, check_books

SALES = 3
BREAKS = (
    "UPDATE total SET count = count + 1 WHERE book = 'received'",
    "UPDATE total SET amount_minor = amount_minor - 1 WHERE book = 'outcome'",
    "DELETE FROM delivery WHERE position = 2",
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project and its ERP."""
    async with plain_world(tmp_path) as made:
        yield made


def change(world: World, sql: str) -> None:
    """Change the journal behind the hub's back."""
    db = apsw.Connection(str(world.folder / ".state" / "journal.db"))
    db.set_busy_timeout(5000)
    db.execute(sql)
    assert db.changes() > 0
    db.close()


@pytest.mark.parametrize("sql", BREAKS)
async def test_a_broken_book_fails_the_test_whose_hub_left_it(world: World, sql: str) -> None:
    """Positive control of both equations, in count and in money, for a hub that ended well."""
    async with world.running() as running:
        for number in range(1, SALES + 1):
            await running.sell(quayside(number))
        await running.settled()
    change(world, sql)
    with pytest.raises(AssertionError, match="balanced"):
        await check_books(world.folder)


async def test_a_broken_book_fails_the_test_whose_hub_was_killed(world: World) -> None:
    """Positive control of the same check after a trial."""

    async def trial() -> None:
        async with on_trial(world) as hub:
            assert await hub.sell(quayside(1)) == 202
            change(world, BREAKS[0])

    with pytest.raises(AssertionError, match="balanced"):
        await trial()

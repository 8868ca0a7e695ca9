"""The hub dies in the middle of looking after its own file: checkpoint, new tables, a restore."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from crash.hub_lives import PAGES_BEFORE_A_CHECKPOINT
from crash.sellers import (
    as_class_b,
    booked,
    plain_world,
    repeats,
    sell_until_it_dies,
    sold_to_the_end,
)
from crash.trial import on_trial
from flows.tills import quayside
from flows.world import Running, World, until_async
from tillway.assembly.backup import back_up
from tillway.assembly.restore import Order, restore
from tillway.clock import SystemClock
from tillway.journal import crash_points
from unit.journal.test_journal_version import TO_VERSION_1

JOURNAL = Path(".state/journal.db")
TIMES = (1, 2, 4, 8)
SALES = 6
ORDER = Order("ann", "the disk died", replace=True)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project and its ERP."""
    async with plain_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("times", [1, 7, 20])
async def test_a_death_during_a_checkpoint_loses_and_doubles_nothing(
    world: World, times: int
) -> None:
    """In this mode of SQLite nothing but a checkpoint writes to the file of the journal."""
    trial = {"write_to": JOURNAL.name, "times": times}
    async with on_trial(world, checkpoint_pages=PAGES_BEFORE_A_CHECKPOINT, **trial) as hub:
        hub.arm()
        answered = await sell_until_it_dies(hub, last=None)
        assert await hub.ended() == -signal.SIGKILL
    await sold_to_the_end(world, answered, max(answered.values()) + 1)


async def test_a_death_while_the_tables_are_changed_lets_the_next_hub_change_them(
    world: World,
) -> None:
    """Each hub dies at a later write of the same migration; the last one finds all sales there."""
    async with world.running() as running:
        await sell(running, range(1, SALES + 1))
        await running.settled()
    older = apsw.Connection(str(world.folder / JOURNAL))
    older.execute(TO_VERSION_1)
    older.close()
    deaths = 0
    for times in TIMES:
        trial = {"write_to": f"{JOURNAL.name}-wal", "times": times}
        async with on_trial(world, at_start=True, **trial) as hub:
            deaths += not hub.address
    assert deaths > 1, "the tables were not changed"
    async with world.running() as running:
        await running.settled()
        assert await running.fates() == {"delivered": SALES}
        assert (await running.sell(quayside(1))).status == 200
    assert booked(world) == {"01": list(range(1, SALES + 1))}


@pytest.mark.parametrize("place", [crash_points.BEFORE_COMMIT, crash_points.BEFORE_ANSWER])
async def test_a_death_after_a_restore_doubles_nothing(
    world: World, place: str, tmp_path: Path
) -> None:
    """A restored hub asks before it sends, and does so again after each death in between.

    The backup holds sales that were delivered since; the ERP could not tell a second call.
    """
    as_class_b(world)
    await delivered_since_the_backup(world, tmp_path / "backup")
    await restore(world.folder, tmp_path / "backup", ORDER, SystemClock(), untold)
    deaths = 0
    for times in TIMES:
        async with on_trial(world, crash_point=place, times=times, at_start=True) as hub:
            await until_over(hub.process)
            deaths += hub.process.returncode is not None
    assert deaths > 1, "the restored hub committed nothing"
    async with world.running() as running:
        await until_async(lambda: all_delivered(running), "the sales were not settled")
        await running.settled()
        assert (await running.sell(quayside(SALES + 1))).status == 202
        await running.settled()
    assert (booked(world), repeats(world)) == ({"01": list(range(1, SALES + 2))}, 0)


async def delivered_since_the_backup(world: World, backup: Path) -> None:
    """Sell while the ERP is gone, back up, and deliver after that."""
    await world.erp_mode("gone")
    async with world.running() as running:
        await sell(running, range(1, SALES + 1))
        await back_up(world.folder, backup, SystemClock(), untold)
        await world.erp_mode("up")
        await until_async(lambda: all_delivered(running), "the sales were not delivered")
    assert booked(world) == {"01": list(range(1, SALES + 1))}


async def sell(running: Running, numbers: range) -> None:
    """Sell these at one till."""
    for number in numbers:
        assert (await running.sell(quayside(number))).status == 202


async def all_delivered(running: Running) -> bool:
    """Say whether each of the sales has its row in the ledger."""
    return await running.fates() == {"delivered": SALES}


async def until_over(process: asyncio.subprocess.Process) -> None:
    """Wait a moment for the death of a hub that may have nothing left to do."""
    try:
        await asyncio.wait_for(process.wait(), 1.0)
    except TimeoutError:
        return


def untold(_done: int, _total: int) -> None:
    """Nobody watches the bar."""

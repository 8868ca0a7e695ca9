"""A running hub whose disk fails: it leaves with exit code 74, or refuses and takes again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crash.sellers import TILLS, booked, plain_world, sell_until_it_dies, sold_to_the_end
from crash.trial import Trial, on_trial
from flows.tills import quayside
from flows.world import World, until, until_async
from tillway.assembly import open_queries
from tillway.cli.exit_codes import JOURNAL

LEAVES_WITHIN_SECONDS = 10.0
STAYS_UP_SECONDS = 2.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project and its ERP."""
    async with plain_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize("flush", [1, 6, 17])
async def test_a_hub_whose_flush_fails_acknowledges_nothing_more_and_leaves(
    world: World, flush: int
) -> None:
    """The sender is told to keep its sale, the process ends with 74, and the next one goes on."""
    async with on_trial(world, fail_flush=flush) as hub:
        hub.arm()
        answered = await sell_until_it_dies(hub)
        assert await hub.ended(LEAVES_WITHIN_SECONDS) == JOURNAL
    assert sum(answered.values()) <= len(TILLS) * (flush - 1)
    await sold_to_the_end(world, answered)


async def page_status(hub: Trial) -> int:
    """Return how the console's first page answers."""
    async with hub.world.session.get(f"{hub.address}/") as answer:
        return answer.status


async def delivered(world: World) -> None:
    """Return when the first sale has its row in the ledger."""
    queries = open_queries(world.folder)

    async def settled() -> bool:
        return len(await queries.deliveries(["delivered"])) == 1

    await until_async(settled, "the sale was not delivered")
    await queries.close()


async def test_a_hub_that_has_no_room_for_its_ledger_stays_up(world: World) -> None:
    """What the ERP has booked waits for its row until there is room; nobody restarts the hub."""
    await world.erp_mode("gone")
    async with on_trial(world, full=True) as hub:
        assert await hub.sell(quayside(1)) == 202
        hub.arm()
        await world.erp_mode("up")
        await until(
            lambda: booked(world) == {"01": [1]} or hub.process.returncode is not None,
            "the sale was not sent",
        )
        with pytest.raises(TimeoutError):
            await hub.ended(STAYS_UP_SECONDS)
        hub.disarm()
        assert await hub.sell(quayside(2)) == 202


async def test_a_hub_without_room_refuses_stays_up_and_takes_again(world: World) -> None:
    """507 while the disk is full, pages all the while, and 202 without a restart afterwards."""
    async with on_trial(world, full=True) as hub:
        assert await hub.sell(quayside(1)) == 202
        await delivered(world)
        hub.arm()
        assert [await hub.sell(quayside(2)) for _ in range(3)] == [507] * 3
        assert await page_status(hub) == 200
        hub.disarm()
        assert [await hub.sell(quayside(n)) for n in (1, 2, 3)] == [200, 202, 202]
        assert hub.process.returncode is None
    async with world.running() as running:
        await running.settled()
        assert await running.fates() == {"delivered": 3}
    assert booked(world) == {"01": [1, 2, 3]}

"""The hub is killed with SIGKILL again and again while it books into a real Tryton."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from flows.books_world import books_world, fates, receipt_keys
from flows.poslog_days import NCR, TRAPS, Day
from flows.world import World, until_async
from peers.tryton.fixtures import tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer, wrongly_booked
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import HubProcess

LONGEST_LIFE_SECONDS = 0.15


async def moved_on(peer: TrytonPeer, before: int) -> int:
    """Return how many moves Tryton holds, drafts too, as soon as there are more than before."""

    async def grown() -> bool:
        return await asyncio.to_thread(peer.count) > before

    await until_async(grown, "the hub books nothing more")
    return peer.count()


async def killed_again_and_again(hub: HubProcess, peer: TrytonPeer, kills: int) -> int:
    """Kill the hub so often, each time a moment after it booked; return how much was booked."""
    rng, booked = Random(20261121), 0
    for killed in range(1, kills + 1):
        booked = await moved_on(peer, booked)
        await asyncio.sleep(rng.uniform(0.0, LONGEST_LIFE_SECONDS))
        hub.kill()

        async def restarted(times: int = killed) -> bool:
            return hub.restarts >= times

        await until_async(restarted, "the hub was not started again")
        await hub.ready()
    return booked


async def all_delivered(world: World, day: Day) -> None:
    """Wait until every receipt is delivered."""
    queries = open_queries(world.folder)
    wanted = {"delivered": day.receipts, "filtered": day.controls}
    try:

        async def done() -> bool:
            return await fates(queries) == wanted

        await until_async(done, "not every receipt was delivered")
    finally:
        await queries.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("day", "kills"), [(TRAPS, 4), (NCR, 20)], ids=["own", "ncr"])
async def test_a_hub_that_dies_in_the_middle_books_each_receipt_once(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
    day: Day,
    kills: int,
) -> None:
    """After so many kills every receipt is one posted move, and no draft is left behind."""
    content = day.content()
    async with books_world(tmp_path, tryton, (day.store,)) as world:
        # Slow enough that every life of the hub ends in the middle of the work.
        world.replace("systems/tryton.toml", "rate_per_second = 0 ", "rate_per_second = 4 ")
        world.replace("systems/tryton.toml", "bulk_size = 50", "bulk_size = 2")
        hub = HubProcess(world.folder)
        try:
            await hub.start()
            await world.drop("northgate", "day.xml", content)
            booked_at_last_kill = await killed_again_and_again(hub, tryton, kills)
            await all_delivered(world, day)
        finally:
            await hub.stop()
        assert hub.restarts == kills
        assert booked_at_last_kill < day.receipts
        async with world.running() as running:
            await running.settled()
            keys = await receipt_keys(running.hub.journal)
    moves = tryton.moves()
    assert wrongly_booked(moves, keys) == {}
    assert (len(moves), sum(move.total for move in moves)) == (day.receipts, Decimal(day.grand))
    assert tryton.drafts() == 0

"""A hub is backed up under load, killed, put back and drained: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from crash.kill_demo import close_shops
from tillway.assembly import open_queries
from tillway.assembly.backup import back_up
from tillway.assembly.restore import Order, acknowledge, restore
from tillway.cli.demo.folder import fresh_folder
from tillway.cli.demo.hub_process import HubProcess
from tillway.cli.demo.stage import ERP_FOLDER, Scene, Stage
from tillway.cli.demo.summary import is_drained
from tillway.clock import SystemClock
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.message import Envelope
from tillway.observe import verify
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.pacing import live_pace
from tillway.simulator.plan import ChainPlan

ROUTE = "pos-to-erp"
DEADLINE_SECONDS = 90
CLOCK = SystemClock()


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """Give a demo that sells 40 times a second."""
    folder = tmp_path / "demo"
    fresh_folder(folder, hub_port=0, erp_port=0)
    return Stage(folder, Scene(ChainPlan(seed=11, stores=5, sales=20_000), live_pace(40.0)), CLOCK)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds; what it waits for happens in another process."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - no event reaches over from another process
            await asyncio.sleep(0.05)


async def kill_for_good(hub: HubProcess) -> None:
    """Kill the hub as a dying machine does; nobody starts it again."""
    hub._keeper.cancel()
    hub.kill()
    await hub._process.wait()


async def keys_on_route(queries: SqliteQueries, stage: Stage) -> list[str]:
    """Return the receipts in the journal that the ERP should have."""
    carried = stage.release.routes[ROUTE].messages
    found: list[Envelope] = [one.envelope for one in await queries.read(0, 100_000)]
    return [one.natural_key for one in found if one.message_type in carried]


def untold(_done: int, _total: int) -> None:
    """Nobody watches the bar."""


@pytest.mark.timeout(240)
async def test_backed_up_under_load_killed_and_restored(stage: Stage, tmp_path: Path) -> None:
    """What the backup held reaches the ERP once, though much of it was delivered since."""
    try:
        await stage.open()
        running = open_queries(stage.folder)
        await until(lambda: more_than(running, 60))
        await stage.break_erp()
        await until(lambda: more_than(running, 150))
        backup = tmp_path / "nightly"
        made = await back_up(stage.folder, backup, CLOCK, untold)
        await stage.heal_erp()
        await until(lambda: more_than(running, made.position + 60))
        await close_shops(stage)
        await until(lambda: is_drained(stage, running))
        await running.close()
        await kill_for_good(stage.hub)
        delivered_before = documents(stage)
        await restore(stage.folder, backup, Order("ann", "disk died", replace=True), CLOCK, untold)
        queries = open_queries(stage.folder)
        lost = made.position - made.routes[ROUTE]
        held = await queries.deliveries(["sending"])
        expected = await keys_on_route(queries, stage)
        stage.hub = HubProcess(stage.folder)
        await stage.hub.start()
        await until(lambda: is_drained(stage, queries))
        books = await verify(queries)
        assert not await acknowledge(stage.folder, Order("ann", "all there"), CLOCK)
        await until(lambda: is_acknowledged(queries))
        await queries.close()
    finally:
        await stage.close()
    assert made.balanced
    assert books.balanced
    # Positive control: the backup did not know of deliveries that had happened.
    assert lost + len(held) > 20
    assert documents(stage) == delivered_before
    assert len(set(delivered_before)) == len(delivered_before)
    assert set(expected) <= set(delivered_before)
    assert len(expected) > 100


async def more_than(queries: SqliteQueries, count: int) -> bool:
    """Say whether the hub accepted more than so many messages."""
    return await queries.last_position() > count


async def is_acknowledged(queries: SqliteQueries) -> bool:
    """Say whether the hub took over that a person looked at the restored journal."""
    restored = await queries.restored()
    return restored is not None and restored.acknowledged_by == "ann"


def documents(stage: Stage) -> list[str]:
    """Return the receipts that the ERP booked."""
    return [one.receipt_key for one in ErpFile(stage.folder / ERP_FOLDER).documents()]

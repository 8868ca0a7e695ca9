"""The hub is killed with SIGKILL at random while stores sell; nothing acknowledged may be lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tillway.assembly import open_queries
from tillway.cli.demo.folder import fresh_folder
from tillway.cli.demo.stage import ERP_FOLDER, Scene, Stage
from tillway.cli.demo.summary import graded, is_drained, summary
from tillway.clock import SystemClock
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import verify
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.pacing import live_pace
from tillway.simulator.plan import ChainPlan

KILLS = 50
SALES_PER_SECOND = 40.0
LONGEST_LIFE_SECONDS = 0.8
DRAIN_SECONDS = 120


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    """Give a demo whose stores sell faster than one person could watch."""
    folder = tmp_path / "demo"
    fresh_folder(folder, hub_port=0, erp_port=0)
    plan = ChainPlan(seed=7, stores=5, sales=20_000)
    faults = FaultPlan(rates={"duplicate": 0.03, "conflict": 0.01, "malformed": 0.01})
    return Stage(folder, Scene(plan, live_pace(SALES_PER_SECOND), faults), SystemClock())


def out_of_order(documents: list[ErpDocument]) -> list[str]:
    """Return the receipts that the ERP booked after a later one of the same till."""
    newest: dict[tuple[str, ...], int] = {}
    late = []
    for document in documents:
        *lane, number = document.receipt_key.split(":")
        if int(number) < newest.get(tuple(lane), 0):
            late.append(document.receipt_key)
        newest[tuple(lane)] = int(number)
    return late


async def kill_again_and_again(stage: Stage, kills: int, rng: random.Random) -> None:
    """Kill the hub so often, each time a moment after it began to answer."""
    for killed in range(1, kills + 1):
        await asyncio.sleep(rng.uniform(0.0, LONGEST_LIFE_SECONDS))
        stage.hub.kill()
        await until(partial(has_restarted, stage, killed))
        await stage.hub.ready()


def has_restarted(stage: Stage, times: int) -> bool:
    """Say whether the hub was started again so often."""
    return stage.hub.restarts >= times


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; what it waits for happens in another process."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while not condition():  # noqa: ASYNC110 - no event reaches over from another process
            await asyncio.sleep(0.01)


async def drained(stage: Stage, queries: SqliteQueries) -> None:
    """Return when nothing waits any more."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while not await is_drained(stage, queries):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)


@pytest.mark.timeout(400)
async def test_fifty_kills_lose_nothing_and_double_nothing(stage: Stage) -> None:
    """After 50 random kills every sale is in the ERP once, and the books balance."""
    try:
        await stage.open()
        await kill_again_and_again(stage, KILLS, random.Random(20261121))
        await stage.last_curtain()
        queries = open_queries(stage.folder)
        await drained(stage, queries)
        found = await summary(stage, queries, None)
        books = await verify(queries)
        await queries.close()
    finally:
        await stage.close()
    documents = list(ErpFile(stage.folder / ERP_FOLDER).documents())
    assert found["restarts"] >= KILLS
    assert found["findings"] == {}
    assert (found["lost"], found["doubled"], found["held"], found["dead"]) == (0, 0, 0, 0)
    assert books.balanced
    assert found["balanced"]
    assert found["delivered"] == len(documents) == len({one.receipt_key for one in documents})
    assert found["delivered"] > KILLS
    assert out_of_order(documents) == []


async def test_the_check_can_fail(stage: Stage) -> None:
    """Positive control: a sale taken out of the ERP's ledger is found as lost."""
    try:
        await stage.open()
        queries = open_queries(stage.folder)
        await until(lambda: stage.feed is not None and stage.feed.progress.sales_made > 60)
        await stage.last_curtain()
        await drained(stage, queries)
    finally:
        await stage.close()
    book = stage.folder / ERP_FOLDER / "erp.db"
    _forget_one_document(book)
    documents = list(ErpFile(stage.folder / ERP_FOLDER).documents())
    assert out_of_order(documents) == []
    assert out_of_order(documents[::-1]) != []
    verdict = await graded(stage, queries)
    await queries.close()
    assert verdict.lost.count == 1
    assert not verdict.balanced


def _forget_one_document(book: Path) -> None:
    import apsw

    ledger = apsw.Connection(str(book))
    ledger.execute("DELETE FROM document WHERE number = (SELECT max(number) FROM document)")
    ledger.close()

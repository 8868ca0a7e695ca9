"""A demo whose hub is killed at random while stores sell, and what it lost, doubled or reordered.

Surprising: the demo's own keeper starts the hub again, as a service manager does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from tillway.assembly import open_queries
from tillway.cli.demo import hub_process
from tillway.cli.demo.folder import fresh_folder
from tillway.cli.demo.stage import ERP_FOLDER, Scene, Stage
from tillway.cli.demo.summary import is_drained, summary
from tillway.clock import SystemClock
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import verify
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.pacing import live_pace
from tillway.simulator.plan import ChainPlan

CLOCK = SystemClock()
SALES_PER_SECOND = 40.0
LONGEST_LIFE_SECONDS = 0.8
DRAIN_SECONDS = 120
START_SECONDS = 60.0
"""A person would not wait for a demo so long; a proof on a busy machine does."""
FAULTS = FaultPlan(rates={"duplicate": 0.03, "conflict": 0.01, "malformed": 0.01})
NOTHING = {"lost": 0, "doubled": 0, "held": 0, "dead": 0, "findings": {}}


def new_stage(folder: Path, seed: int) -> Stage:
    """Return a demo whose stores sell faster than one person could watch."""
    demo = folder / "demo"
    fresh_folder(demo, hub_port=0, erp_port=0)
    plan = ChainPlan(seed=seed, stores=5, sales=20_000)
    return Stage(demo, Scene(plan, live_pace(SALES_PER_SECOND), FAULTS), CLOCK)


async def killed_demo(stage: Stage, kills: int, rng: Random) -> list[str]:
    """Kill the hub of a demo so often, let it deliver all, and return what does not hold."""
    hub_process.START_SECONDS = START_SECONDS
    try:
        await stage.open()
        await _kill_again_and_again(stage, kills, rng)
        await close_shops(stage)
        queries = open_queries(stage.folder)
        await drained(stage, queries)
        found = await summary(stage, queries, None)
        books = await verify(queries)
        await queries.close()
    finally:
        await stage.close()
    documents = list(ErpFile(stage.folder / ERP_FOLDER).documents())
    holds = {
        f"the hub was started again {found['restarts']} times": found["restarts"] >= kills,
        f"found {found}": all(found[name] == wanted for name, wanted in NOTHING.items()),
        "the books do not balance": books.balanced and found["balanced"],
        "what was delivered is not what the ERP holds": found["delivered"]
        == len(documents)
        == len({one.receipt_key for one in documents}),
        f"only {found['delivered']} were delivered": found["delivered"] > kills,
        f"out of order: {out_of_order(documents)}": not out_of_order(documents),
    }
    return [name for name, held in holds.items() if not held]


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


async def close_shops(stage: Stage) -> None:
    """Break off a day that is far too long to be played to its end, and hand over what was sold."""
    assert stage.feed is not None, "nobody sells yet"
    stage.feed.stop()
    await stage.last_curtain()


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


async def _kill_again_and_again(stage: Stage, kills: int, rng: Random) -> None:
    """Kill the hub so often, each time a moment after it began to answer."""
    for killed in range(1, kills + 1):
        await asyncio.sleep(rng.uniform(0.0, LONGEST_LIFE_SECONDS))
        stage.hub.kill()
        await until(partial(_has_restarted, stage, killed))
        await stage.hub.ready()


def _has_restarted(stage: Stage, times: int) -> bool:
    return stage.hub.restarts >= times

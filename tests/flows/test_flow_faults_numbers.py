"""Numbers of registers: a gap that closes, and a counter that starts again without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.tills import quayside
from flows.world import Running, World, until
from tillway.cli.demo.facts import journal_facts
from tillway.cli.demo.senders import project_senders
from tillway.clock import SystemClock
from tillway.observe import gaps
from tillway.project import load_release
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.feed import Feed
from tillway.simulator.grade import grade
from tillway.simulator.plan import ChainPlan
from tillway.simulator.truth import TruthWriter
from tillway.simulator.verdict import Grade

PLAN = ChainPlan(seed=20261122, stores=2, sales=120)
RESET = FaultPlan(exact={"counter_reset": frozenset({"0002:01"})})
QUAYSIDE_TABLES = ("retail", "voided", "control", "cash")


async def missing(running: Running) -> list[tuple[int, int]]:
    """Return the gaps the hub sees."""
    return [(gap.first, gap.last) for gap in await gaps(running.hub.journal)]


async def test_a_gap_closes_when_its_number_arrives(world: World) -> None:
    """A number that is overtaken is missing until it comes; it is booked after its successors."""
    async with world.running() as running:
        for number in (1, 2, 5):
            await running.sell(quayside(number))
        assert await missing(running) == [(3, 4)]
        await running.sell(quayside(4))
        assert await missing(running) == [(3, 3)]
        await running.sell(quayside(3))
        assert await missing(running) == []
        await running.settled()
    numbers = [int(key.rsplit(":", 1)[1]) for key in world.documents()]
    assert numbers == [1, 2, 5, 4, 3]


async def played(world: World, truth: Path) -> Grade:
    """Let two stores sell a day in which a counter starts again, and grade it."""
    release = load_release(world.folder, environ={})
    async with world.running() as running:
        clock, writer = SystemClock(), TruthWriter(truth, PLAN, RESET)
        senders = project_senders(release, PLAN, world.session, clock, running.address)
        await Feed(PLAN, senders, clock, faults=RESET, truth=writer).run()
        writer.close()
        inbox = world.folder / "inbox/northgate"
        await until(lambda: not any(one.is_file() for one in inbox.iterdir()), "a file is left")
        await running.settled()
        return grade(truth, await journal_facts(running.hub.journal), ErpFile(world.erp_data))


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
async def test_a_new_count_is_new_sales_only_where_it_is_told(
    world: World, tmp_path: Path, told: bool
) -> None:
    """With its epoch every sale is booked; without, the grade names each one that was not."""
    if not told:
        for table in QUAYSIDE_TABLES:
            world.replace(
                f"mappings/quayside-{table}.toml", "register_epoch   = 'counterRun'\n", ""
            )
    verdict = await played(world, tmp_path / "truth.jsonl")
    assert verdict.balanced is told, verdict.as_json()
    if not told:
        assert "0002:01:2026-11-20:1:e1: not in the hub" in str(verdict.lost.examples)
        assert any("conflict" in one for one in verdict.unexplained.examples)

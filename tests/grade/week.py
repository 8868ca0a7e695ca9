"""Plays a simulated chain through the real hub, day by day on a turned clock, until it is settled.

Surprising: a week takes seconds. The hub shows the moment of each batch on its clock, so that
cut-offs, payouts and due dates come as in life.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random

from msgspec.structs import replace

from flows.turned_clock import TurnedClock
from flows.world import World, new_world
from tillway.assembly import Hub, open_hub
from tillway.connect import Submission
from tillway.project import load_release
from tillway.reconcile import Bookkeeper
from tillway.simulator.batches import Batch, batches
from tillway.simulator.brands import MONEY_BRANDS
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.plan import ChainPlan, stores_csv
from tillway.simulator.truth import TruthWriter

ZONE = "+01:00"
"""Shop time is read as the hub's own; a shop further west has not got to a later date by then."""
DUE_DAYS = 12
"""So long after the last day the last sale that was late has come, and all money is due."""
ROUNDS = 20
DEADLINE_SECONDS = 60.0
FILE_TARGET = """\
vendor = "stand-in"

[target]
connector = "files"
delivery_class = "A"

[target.settings]
folder = "outbox/erp"
name = "{message_id}.ndjson"
style = "ndjson"
"""


@dataclass(slots=True)
class Week:
    """A hub that is up, with the chain that is played into it."""

    hub: Hub
    clock: TurnedClock
    plan: ChainPlan
    faults: FaultPlan
    truth: Path

    @property
    def books(self) -> Bookkeeper:
        """Return what keeps the store-days."""
        assert self.hub.bookkeeper is not None, "the template reconciles"
        return self.hub.bookkeeper

    async def play(self) -> None:
        """Hand everything over in order of time, and let each evening and each morning settle."""
        truth = TruthWriter(self.truth, self.plan, self.faults)
        shown, stretch = datetime.min, None  # noqa: DTZ901 - shop time, as the batches have it
        for batch in batches(self.plan, self.faults, told=truth.write):
            now = (batch.moment.date(), batch.system in MONEY_BRANDS)
            if stretch not in (None, now):
                await self.settle()
            stretch = now
            if batch.moment > shown:
                shown = batch.moment
                self.clock.turn_to(f"{shown.isoformat()}{ZONE}")
            await self._submit(batch)
        truth.close()
        await self.settle()
        self.clock.turn_to(f"{_end(self.plan).isoformat()}{ZONE}")
        await self.settle()

    async def settle(self) -> None:
        """Return when the books are kept, every posting is confirmed, and the ERP told of it."""
        for _ in range(ROUNDS):
            await self.books.catch_up()
            await asyncio.wait_for(self.hub.delivery.idle(), DEADLINE_SECONDS)
            if not await self._count("recon_posting WHERE state <> 'confirmed'"):
                break
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await self._count("recon_posting") > await self._count("recon_reported"):
                await asyncio.sleep(0.02)
                await self.books.catch_up()

    async def _submit(self, batch: Batch) -> None:
        http = batch.carrier == "http"
        submission = Submission(
            batch.content,
            store=batch.sender if http else "",
            name=batch.name,
            format="ndjson" if http and batch.content_type.endswith("ndjson") else "",
        )
        await self.hub.intakes[batch.system].submit(submission, keep_items=False)

    async def _count(self, table: str) -> int:
        [(count,)] = await self.books.ask(f"SELECT count(*) FROM {table}")
        return int(count)


@asynccontextmanager
async def started_week(
    folder: Path, plan: ChainPlan, faults: FaultPlan, settings: str = ""
) -> AsyncIterator[Week]:
    """Make a project for the chain, start its ERP and its hub; everything is stopped afterwards.

    settings: more tables for the project's store-day settings.
    """
    async with new_world(folder) as world:
        _prepare(world, plan)
        world.add_line("recon/store-day.toml", settings)
        release = load_release(world.folder, environ=os.environ)
        clock = TurnedClock(f"{datetime.combine(plan.first_day, time(7)).isoformat()}{ZONE}")
        hub = await open_hub(release, clock=clock, rng=Random(plan.seed))
        await hub.start()
        try:
            yield Week(hub, clock, plan, faults, folder / "truth.jsonl")
        finally:
            await hub.stop()


def without_windows(asked: str, plan: ChainPlan) -> FaultPlan:
    """Return the faults asked for; outages of an hour make no difference to a day's books."""
    return replace(fault_plan(asked, plan), offline=(), erp_down=())


def _prepare(world: World, plan: ChainPlan) -> None:
    """List the shops; receipts go to files, and after the last day the shops stay closed."""
    (world.folder / "stores.csv").write_text(stores_csv(plan))
    (world.folder / "systems" / "erp.toml").write_text(FILE_TARGET)
    world.replace("systems/ledger.toml", "poll_seconds = 30.0", "poll_seconds = 0.1")
    last = plan.dates()[-1]
    closed = [last + timedelta(days=1 + ahead) for ahead in range(DUE_DAYS + 1)]
    dates = ", ".join(f'"{day.isoformat()}"' for day in closed)
    world.add_line("recon/store-day.toml", f"\n[closed.all]\ndates = [{dates}]")


def _end(plan: ChainPlan) -> datetime:
    return datetime.combine(plan.dates()[-1] + timedelta(days=DUE_DAYS), time(12))

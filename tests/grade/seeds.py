"""Seeds to be played and graded, several at once in processes of their own."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from grade.verdict import Verdict, judged
from grade.week import started_week, without_windows
from tillway.errors import TillwayError
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.plan import ChainPlan, daily_plan


@dataclass(frozen=True, slots=True)
class Order:
    """One seed to be played. faults: as `tillway simulate --faults` takes them."""

    seed: int
    stores: int
    days: int
    sales: int
    faults: str


def graded(orders: Sequence[Order], workers: int) -> Iterator[Verdict]:
    """Yield the verdict of each seed in their order."""
    if workers < 2 or len(orders) < 2:
        yield from map(graded_seed, orders)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet) as pool:
        yield from pool.map(graded_seed, orders)


def graded_seed(order: Order) -> Verdict:
    """Play one seed in a folder of its own and grade it."""
    plan = daily_plan(order.seed, order.stores, order.days, order.sales)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tillway-grade-") as folder:
        try:
            verdict = asyncio.run(play(Path(folder), plan, without_windows(order.faults, plan)))
        except TillwayError as error:
            # An error of ours does not travel from one process to another as it is.
            raise RuntimeError(f"seed {order.seed}: {error}") from None
    verdict.seconds = time.monotonic() - began
    return verdict


async def play(folder: Path, plan: ChainPlan, faults: FaultPlan) -> Verdict:
    """Play one chain and grade it."""
    async with started_week(folder, plan, faults) as week:
        await week.play()
        return await judged(week)


def _quiet() -> None:
    logging.disable(logging.ERROR)

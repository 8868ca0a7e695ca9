"""A hub whose ERP is behind a line that breaks calls, and what of its sales did not arrive once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from crash.fault_proxy import Fault, FaultProxy, fault_proxy
from crash.sellers import as_class_b, booked, repeats
from flows.tills import quayside
from flows.world import Running, World, new_world, until_async
from tillway.clock import MICROSECONDS

FAULTS: tuple[Fault, ...] = ("late", "cut before", "cut after", "half open", "drip")
FAULTY_SHARE = 0.15
DEADLINE_SECONDS = 0.5
BULK_SIZE = 3
MANY_TILLS = tuple(f"{number:02}" for number in range(1, 21))


@dataclass(frozen=True, slots=True)
class Line:
    """How a line behaves: every so many calls are broken, in these ways."""

    seed: int
    faulty_share: float = FAULTY_SHARE
    faults: tuple[Fault, ...] = FAULTS

    def chooser(self) -> Callable[[], Fault]:
        """Return what says how each call goes."""
        rng = Random(self.seed)
        return lambda: rng.choice(self.faults) if rng.random() < self.faulty_share else "none"


@dataclass(frozen=True, slots=True)
class Found:
    """What a run showed: what does not hold, how many calls were made, the longest of them."""

    faults: list[str]
    calls: int
    longest_seconds: float


@asynccontextmanager
async def behind_proxy(folder: Path) -> AsyncIterator[tuple[World, FaultProxy]]:
    """Give a project whose ERP is behind a proxy that breaks nothing yet; calls end early."""
    async with new_world(folder) as world:
        port = int(world.erp.rpartition(":")[2])
        async with fault_proxy(port, lambda: "none") as proxy:
            world.replace("systems/erp.toml", f":{port}", f":{proxy.port}")
            world.replace(
                "systems/erp.toml",
                "timeout_seconds = 10.0",
                f"timeout_seconds = {DEADLINE_SECONDS}",
            )
            world.replace("systems/erp.toml", "bulk_size = 50", f"bulk_size = {BULK_SIZE}")
            yield world, proxy


async def broken_calls(folder: Path, line: Line, calls: int, *, class_b: bool = False) -> Found:
    """Sell at many tills what takes at least so many calls over such a line; deliver all of it.

    class_b: the ERP cannot tell a second call, so there must be none.
    """
    async with behind_proxy(folder) as (world, proxy):
        if class_b:
            as_class_b(world)
        proxy.choose = line.chooser()
        async with world.running() as running:
            enough = -(-calls * BULK_SIZE // len(MANY_TILLS))
            sold = await sell_everything(running, MANY_TILLS, lambda number: number <= enough)
            count = sum(sold.values())
            await all_delivered(running, count)
            longest = await longest_call_seconds(running, count)
        at_erp, again = booked(world), repeats(world)
    holds = {
        "the ERP does not hold each sale once, in order": at_erp
        == {till: list(range(1, last + 1)) for till, last in sold.items()},
        f"the ERP got {again} sales twice": not class_b or not again,
        "a kind of fault never came": set(proxy.calls) == {"none", *line.faults},
    }
    faults = [name for name, held in holds.items() if not held]
    return Found(faults, proxy.calls.total(), longest)


async def sell_everything(
    running: Running, tills: Sequence[str], goes_on: Callable[[int], bool]
) -> dict[str, int]:
    """Sell at every till, each its own queue; return the last number of each.

    goes_on: whether a till sells the sale of this number.
    """
    sold = dict.fromkeys(tills, 0)

    async def till(name: str) -> None:
        for number in itertools.takewhile(goes_on, itertools.count(1)):
            assert (await running.sell(quayside(number, tillNo=name))).status == 202
            sold[name] = number

    await asyncio.gather(*map(till, tills))
    return sold


async def all_delivered(running: Running, count: int) -> None:
    """Wait until the ledger has every sale delivered, then check the books."""

    async def done() -> bool:
        return await running.fates() == {"delivered": count}

    await until_async(done, "not everything was delivered")
    await running.settled()


async def longest_call_seconds(running: Running, count: int) -> float:
    """Return how long the longest attempt took of those for so many messages."""
    attempts = [
        attempt
        for position in range(1, count + 1)
        for attempt in await running.hub.journal.attempts_of(position)
    ]
    return max(one.ended_at - one.started_at for one in attempts) / MICROSECONDS

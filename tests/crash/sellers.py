"""Tills that sell to a hub on trial, and what its ERP must hold in the end."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from crash.trial import Trial
from flows.tills import quayside
from flows.world import World, new_world
from tillway.simulator.erp_facts import ErpFile

TILLS = ("01", "02", "03")
SALES = 20
EVERYTHING = 1_000_000
STORED = (200, 202)


@asynccontextmanager
async def plain_world(folder: Path) -> AsyncIterator[World]:
    """Give a project of the template, whose batches need no workers, and its ERP."""
    async with new_world(folder) as made:
        with (made.folder / "tillway.toml").open("a") as settings:
            settings.write("\n[intake]\nworkers = 0\n")
        yield made


async def sell_until_it_dies(
    hub: Trial, answered: dict[str, int] | None = None, *, last: int | None = SALES
) -> dict[str, int]:
    """Sell at every till, each its own queue; return the last number that was acknowledged.

    answered: where each till goes on, and is kept up to date. last: where they stop, None for
    never.
    """
    answered = dict.fromkeys(TILLS, 0) if answered is None else answered

    async def till(name: str) -> None:
        for number in itertools.count(answered[name] + 1):
            if last is not None and number > last:
                return
            if await hub.sell(quayside(number, tillNo=name)) not in STORED:
                return
            answered[name] = number

    await asyncio.gather(*map(till, TILLS))
    return answered


def booked(world: World) -> dict[str, list[int]]:
    """Return the numbers of each till in the order in which the ERP booked them."""
    found: dict[str, list[int]] = defaultdict(list)
    for key in world.documents():
        _, till, _, number = key.split(":")
        found[till].append(int(number))
    return dict(found)


async def sold_to_the_end(world: World, answered: dict[str, int], last: int = SALES) -> None:
    """Start the hub again, let the tills go on, and check that every sale is booked once."""
    async with world.running() as running:
        there = [one.envelope for one in await running.hub.journal.read(0, EVERYTHING)]
        for till in TILLS:
            numbers = {one.sequence_number for one in there if one.workstation == till}
            assert set(range(1, answered[till] + 1)) <= numbers, "an acknowledged sale is gone"
        for till in TILLS:
            for number in range(answered[till] + 1, last + 1):
                answer = await running.sell(quayside(number, tillNo=till))
                assert answer.status in STORED, answer.text
        await running.settled()
        assert await running.fates() == {"delivered": len(TILLS) * last}
    assert booked(world) == {till: list(range(1, last + 1)) for till in TILLS}


def as_class_b(world: World) -> None:
    """Let the project call its ERP as one that can be asked, and cannot tell a second call."""
    world.replace(
        "systems/erp.toml",
        'delivery_class = "A"',
        'delivery_class = "B"\nsettle_seconds = 0.1',
    )


def as_class_d(world: World) -> None:
    """Let the project call its ERP as one that can neither be asked nor tell a second call."""
    world.replace("systems/erp.toml", 'delivery_class = "A"', 'delivery_class = "D"')


def repeats(world: World) -> int:
    """Return how often the ERP got a sale that it had booked before."""
    return sum(one.repeats for one in ErpFile(world.erp_data).documents())

"""The hub dies at each named place in its code: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crash.trial import Trial, on_trial
from flows.tills import quayside
from flows.world import World, new_world
from tillway.journal import crash_points

TILLS = ("01", "02", "03")
SALES = 30
STORED = (200, 202)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project of the template, whose batches need no workers, and its ERP."""
    async with new_world(tmp_path) as made:
        with (made.folder / "tillway.toml").open("a") as settings:
            settings.write("\n[intake]\nworkers = 0\n")
        yield made


async def sell_until_it_dies(hub: Trial) -> dict[str, int]:
    """Sell at every till, each its own queue; return the last number that was acknowledged."""
    answered = dict.fromkeys(TILLS, 0)

    async def till(name: str) -> None:
        for number in range(1, SALES + 1):
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


async def sold_to_the_end(world: World, answered: dict[str, int]) -> None:
    """Start the hub again, let the tills go on, and check that every sale is booked once."""
    async with world.running() as running:
        stored = [f"0002:{till}:" for till in TILLS for _ in range(answered[till])]
        there = [message.envelope for message in await running.hub.journal.read(0, 10_000)]
        for till in TILLS:
            numbers = {one.sequence_number for one in there if one.workstation == till}
            assert set(range(1, answered[till] + 1)) <= numbers, "an acknowledged sale is gone"
        assert len(there) >= len(stored)
        for till in TILLS:
            for number in range(answered[till] + 1, SALES + 1):
                answer = await running.sell(quayside(number, tillNo=till))
                assert answer.status in STORED, answer.text
        await running.settled()
        assert await running.fates() == {"delivered": len(TILLS) * SALES}
    assert booked(world) == {till: list(range(1, SALES + 1)) for till in TILLS}


@pytest.mark.parametrize("times", [2, 9])
@pytest.mark.parametrize(
    "place",
    [
        crash_points.BEFORE_COMMIT,
        crash_points.BEFORE_ANSWER,
        crash_points.BEFORE_DISPATCH,
        crash_points.BEFORE_SEND,
        crash_points.BEFORE_LEDGER,
    ],
)
async def test_a_death_at_a_named_place_loses_and_doubles_nothing(
    world: World, place: str, times: int
) -> None:
    """What was answered is stored; the ERP, of class A, books each sale once and in order."""
    async with on_trial(world, crash_point=place, times=times) as hub:
        hub.arm()
        answered = await sell_until_it_dies(hub)
        assert await hub.ended() == -signal.SIGKILL
    await sold_to_the_end(world, answered)


@pytest.mark.parametrize(
    ("place", "again"), [(crash_points.BEFORE_COMMIT, 202), (crash_points.BEFORE_ANSWER, 200)]
)
async def test_the_commit_is_what_divides_stored_from_not_stored(
    world: World, place: str, again: int
) -> None:
    """Control of the places: before the commit a repeat is new, after it a duplicate."""
    async with on_trial(world, crash_point=place, times=1) as hub:
        hub.arm()
        assert await hub.sell(quayside(1)) == 0
        assert await hub.ended() == -signal.SIGKILL
    async with world.running() as running:
        assert (await running.sell(quayside(1))).status == again
        await running.settled()
    assert booked(world) == {"01": [1]}


@pytest.mark.parametrize(
    ("place", "in_the_erp"),
    [
        (crash_points.BEFORE_DISPATCH, []),
        (crash_points.BEFORE_SEND, []),
        (crash_points.BEFORE_LEDGER, [1]),
    ],
)
async def test_the_call_is_what_divides_booked_from_not_booked(
    world: World, place: str, in_the_erp: list[int]
) -> None:
    """Control of the places: before the call the ERP knows nothing, after it the hub does not."""
    async with on_trial(world, crash_point=place, times=1) as hub:
        hub.arm()
        await hub.sell(quayside(1))
        assert await hub.ended() == -signal.SIGKILL
    assert booked(world).get("01", []) == in_the_erp
    async with world.running() as running:
        await running.sell(quayside(1))
        await running.settled()
        assert await running.fates() == {"delivered": 1}
    assert booked(world) == {"01": [1]}


@pytest.mark.parametrize("times", [1, 3, 8])
async def test_a_death_while_the_journal_is_made_leaves_one_that_opens(
    world: World, times: int
) -> None:
    """The first writes of a new journal, and of its log, may be the last ones of a process."""
    async with on_trial(world, write_to="journal.db-wal", times=times) as hub:
        assert await hub.ended() == -signal.SIGKILL
    async with world.running() as running:
        assert (await running.sell(quayside(1))).status == 202
        await running.settled()
    assert booked(world) == {"01": [1]}

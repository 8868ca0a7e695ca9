"""The hub dies at each named place in its code: nothing acknowledged is lost, nothing doubled."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crash.sellers import (
    as_class_b,
    as_class_d,
    booked,
    plain_world,
    repeats,
    sell_until_it_dies,
    sold_to_the_end,
)
from crash.trial import on_trial
from flows.tills import quayside
from flows.world import World, until_async
from tillway.journal import crash_points


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project and its ERP."""
    async with plain_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("place", "times"),
    [
        (crash_points.BEFORE_COMMIT, 12),
        (crash_points.BEFORE_ANSWER, 9),
        (crash_points.BEFORE_DISPATCH, 7),
        (crash_points.BEFORE_SEND, 8),
        (crash_points.BEFORE_LEDGER, 9),
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
    async with on_trial(world, crash_point=place, times=1, of_messages=True) as hub:
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


@pytest.mark.parametrize(
    ("place", "in_the_erp", "settled_by"),
    [(crash_points.BEFORE_SEND, [], "retry"), (crash_points.BEFORE_LEDGER, [1], "look_up")],
)
async def test_after_a_death_a_target_of_class_b_is_asked_first(
    world: World, place: str, in_the_erp: list[int], settled_by: str
) -> None:
    """The intent outlives the hub, which looks the sale up and sends it only where it is absent."""
    as_class_b(world)
    async with on_trial(world, crash_point=place, times=1) as hub:
        hub.arm()
        await hub.sell(quayside(1))
        assert await hub.ended() == -signal.SIGKILL
    assert booked(world).get("01", []) == in_the_erp
    async with world.running() as running:

        async def delivered() -> bool:
            return await running.fates() == {"delivered": 1}

        await until_async(delivered, "the sale in doubt was not delivered")
        [position] = await running.positions("delivered")
        attempts = await running.hub.journal.attempts_of(position)
        await running.settled()
    assert attempts[-1].kind == settled_by
    assert (booked(world), repeats(world)) == ({"01": [1]}, 0)


@pytest.mark.parametrize(
    ("place", "in_the_erp"),
    [(crash_points.BEFORE_SEND, []), (crash_points.BEFORE_LEDGER, [1])],
)
async def test_after_a_death_a_target_of_class_d_is_left_to_a_person(
    world: World, place: str, in_the_erp: list[int]
) -> None:
    """What may have arrived stays in doubt and is never sent by itself; the other tills go on."""
    as_class_d(world)
    async with on_trial(world, crash_point=place, times=1) as hub:
        hub.arm()
        await hub.sell(quayside(1))
        assert await hub.ended() == -signal.SIGKILL
    async with world.running() as running:
        assert (await running.sell(quayside(1, tillNo="02"))).status == 202
        await running.settled()
        assert await running.fates() == {"in_doubt": 1, "delivered": 1}
        assert len(await running.positions("in_doubt")) == 1
    found = booked(world)
    assert (found.get("01", []), found["02"], repeats(world)) == (in_the_erp, [1], 0)


@pytest.mark.parametrize("times", [1, 8])
async def test_a_death_while_the_journal_is_made_leaves_one_that_opens(
    world: World, times: int
) -> None:
    """The first writes of a new journal, and of its log, may be the last ones of a process."""
    async with on_trial(world, write_to="journal.db-wal", times=times, at_start=True) as hub:
        assert await hub.ended() == -signal.SIGKILL
    async with world.running() as running:
        assert (await running.sell(quayside(1))).status == 202
        await running.settled()
    assert booked(world) == {"01": [1]}

"""Large replays: a plan that waits for a second person, one run at a time, progress and a stop."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tillway.delivery import ReplaySelection, ReplaySummary, plan_replay
from tillway.errors import ConfigurationError
from tillway.testing.delivery import ROUTE, Bench

EVERYTHING = ReplaySelection(ROUTE)


async def sold(count: int, alone: int) -> Bench:
    """Return a bench with so many delivered sales, where one person may replay so many alone."""
    bench = Bench()
    bench.retry = replace(bench.retry, replay_alone=alone)
    await bench.accept(*["1:1"] * count)
    await bench.start()
    assert await bench.books() == {"delivered": count}
    return bench


async def ask(
    bench: Bench, who: str, selection: ReplaySelection = EVERYTHING, seconds: float = 60.0
) -> ReplaySummary:
    """Plan and order a replay, and let time pass until it has ended."""
    plan = await plan_replay(bench.journal, selection)
    assert bench.delivery is not None
    stop = asyncio.Event()
    order = bench.delivery.replay(plan, who, f"{who} wants it", stop, lambda _: None)
    run = asyncio.create_task(order)
    for _ in range(int(seconds * 10)):
        await bench.turn(0.1)
        if run.done():
            break
    return await run


async def refused(
    bench: Bench, who: str, code: str, selection: ReplaySelection = EVERYTHING
) -> str:
    """Order a replay that is refused; return the sentence."""
    calls = len(bench.target.calls)
    with pytest.raises(ConfigurationError) as caught:
        await ask(bench, who, selection)
    assert caught.value.code == code
    assert len(bench.target.calls) == calls
    return caught.value.detail


async def verbs(bench: Bench) -> list[tuple[str, str]]:
    """Return who did what, oldest first."""
    return [(one.who, one.verb) for one in reversed(await bench.journal.actions(20))]


async def test_a_large_replay_runs_when_a_second_person_gives_the_same_order() -> None:
    """One asks, nothing is sent; the same one again changes nothing; another one lets it run."""
    bench = await sold(5, alone=3)
    assert "asked for by ann" in await refused(bench, "ann", "TW-4016")
    await refused(bench, "ann", "TW-4016")
    done = await ask(bench, "bob")
    assert done.delivered == 5
    assert await verbs(bench) == [
        ("ann", "replay_asked"),
        ("bob", "replay_approved"),
        ("bob", "replay"),
    ]
    approved = (await bench.journal.actions(2))[1]
    assert "asked for by ann: ann wants it" in approved.reason


async def test_one_approval_is_for_one_run() -> None:
    """Whoever wants it a second time asks anew."""
    bench = await sold(5, alone=3)
    await refused(bench, "ann", "TW-4016")
    await ask(bench, "bob")
    await refused(bench, "bob", "TW-4016")


async def test_a_small_replay_needs_nobody_else() -> None:
    """At the limit one person is enough, and so it is where no limit is set."""
    assert (await ask(await sold(3, alone=3), "ann")).delivered == 3
    assert (await ask(await sold(9, alone=0), "ann")).delivered == 9


async def test_another_selection_or_a_grown_plan_is_another_request() -> None:
    """Nobody approves more than was asked for."""
    bench = await sold(5, alone=3)
    await refused(bench, "ann", "TW-4016", ReplaySelection(ROUTE, store="1"))
    await refused(bench, "bob", "TW-4016")
    await bench.accept("1:1")
    await bench.turn()
    assert "asked for by ann" in await refused(bench, "ann", "TW-4016")
    assert (await ask(bench, "bob")).delivered == 6


async def test_a_request_survives_a_restart_and_is_forgotten_after_a_day() -> None:
    """It is in the journal, and old consent is no consent."""
    bench = await sold(5, alone=3)
    await refused(bench, "ann", "TW-4016")
    await bench.restart()
    assert (await ask(bench, "bob")).delivered == 5
    await refused(bench, "ann", "TW-4016")
    await bench.turn(24 * 3600)
    assert "asked for by bob" in await refused(bench, "bob", "TW-4016")


async def test_a_replay_shows_how_far_it_is_and_can_be_stopped() -> None:
    """At 50 a second, one at a time, until a person ends it; what was sent stays sent."""
    bench = await sold(200, alone=0)
    delivery = bench.delivery
    assert delivery is not None
    plan = await plan_replay(bench.journal, EVERYTHING)
    order = delivery.replay(plan, "ann", "again", asyncio.Event(), lambda _: None)
    run = asyncio.create_task(order)
    for _ in range(10):
        await bench.turn(0.1)
    [found] = delivery.snapshot().replays
    assert (found.route, found.planned, found.failed, found.stopping) == (ROUTE, 200, 0, False)
    assert 20 <= found.delivered <= 60
    with pytest.raises(ConfigurationError, match="is being replayed"):
        await ask(bench, "bob")
    assert await delivery.stop_replay(ROUTE, "bob", "enough")
    while not run.done():
        await bench.turn(0.1)
    summary = await run
    assert summary.stopped
    assert summary.delivered < 70
    assert delivery.snapshot().replays == ()
    assert not await delivery.stop_replay(ROUTE, "bob", "again")
    assert ("bob", "replay_stopped") in await verbs(bench)
    assert await bench.books() == {"delivered": 200}

"""The recorder: what it counts, once each, over restarts and clocks that are set back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tillway.clock import MICROSECONDS, ManualClock
from tillway.testing.journal import ROUTE
from tillway.watch.buckets import BOUNDS_SECONDS, STEPS, quantile, step_of, within
from tillway.watch.flows import FIVE_MINUTES, HOUR, KEPT_SECONDS, MINUTE, start_of
from tillway.watch.windows import Window, money, sums
from unit.watch.watched import TEN, Kit, watched

FLOW = f"route/{ROUTE}"


async def window(kit: Kit, span: int = FIVE_MINUTES, at: int | None = None) -> Window:
    """Return the window of the route at a moment, now unless told."""
    first = start_of(kit.clock.now() if at is None else at, span)
    return (await sums(kit.journal, span, first, first + span * MICROSECONDS))[FLOW]


async def test_each_delivery_counts_once_with_its_age_and_money(tmp_path: Path) -> None:
    """Delivered at once: counted in every span, with p50 and p95 within a step of the truth."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(19), 0.4)
        await kit.deliver(await kit.accept(1), 9.0)
        for _ in range(3):
            await kit.watch.recorder.look()
        for span in (MINUTE, FIVE_MINUTES, HOUR):
            found = await window(kit, span)
            assert (found.ok, found.failed, found.ended) == (20, 0, 20)
        assert 0.3 <= (found.age(0.5) or 0) <= 0.5
        assert 7.5 <= (found.age(0.99) or 0) <= 10.0
        paid = await money(kit.journal, HOUR, 0, 2 * TEN)
        assert paid[FLOW] == {"EUR": 20 * 1250}


async def test_only_the_latest_attempt_of_a_delivery_counts_in_a_window(tmp_path: Path) -> None:
    """Two failures and a success in one window are one success; in two windows one of each."""
    async with watched(tmp_path) as kit:
        positions = await kit.accept(2)
        await kit.fail(positions)
        await kit.watch.recorder.look()
        assert ((await window(kit)).ok, (await window(kit)).failed) == (0, 2)
        await kit.fail(positions, number=2)
        await kit.mend(positions[:1], 3)
        await kit.watch.recorder.look()
        assert ((await window(kit)).ok, (await window(kit)).failed) == (1, 1)
        await kit.clock.advance(300)
        await kit.mend(positions[1:], 3)
        await kit.watch.recorder.look()
        assert ((await window(kit)).ok, (await window(kit)).failed) == (1, 0)
        assert (await window(kit, at=TEN)).failed == 1, "what a window said stays said"


async def test_a_dead_letter_counts_once(tmp_path: Path) -> None:
    """It is told beside the failures, and a person's retry that works is timed."""
    async with watched(tmp_path) as kit:
        positions = await kit.accept(1)
        await kit.fail(positions)
        await kit.fail(positions, "dead", number=2)
        await kit.watch.recorder.look()
        assert (await window(kit)).dead == 1
        await kit.clock.advance(1200)
        await kit.mend(positions, 3, "operator")
        await kit.watch.recorder.look()
        solved = (await sums(kit.journal, HOUR, 0, 2 * TEN))[f"solved/{ROUTE}"]
        assert 600 < (solved.age(0.95) or 0) <= 1800


async def test_a_restart_counts_nothing_twice_and_misses_nothing(tmp_path: Path) -> None:
    """What was settled while nobody watched is counted by the next start, in its own window."""
    clock = ManualClock(TEN)
    async with watched(tmp_path, clock=clock) as kit:
        await kit.deliver(await kit.accept(3))
        await kit.watch.recorder.look()
        await kit.deliver(await kit.accept(2))
    await clock.advance(3600)
    async with watched(tmp_path, clock=clock) as kit:
        await kit.deliver(await kit.accept(1))
        await kit.watch.recorder.look()
        await kit.watch.recorder.look()
        assert (await window(kit, HOUR, TEN)).ok == 5
        assert (await window(kit, HOUR)).ok == 1


async def test_a_journal_watched_for_the_first_time_is_read_from_now_on(tmp_path: Path) -> None:
    """History is not scanned: only what comes after counts."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(4))
        await kit.journal.ask("SELECT 1")
    (tmp_path / "again").mkdir()

    async def traded(journal: object) -> None:
        old = Kit(tmp_path, journal, ManualClock(TEN), None, None, {})  # type: ignore[arg-type]
        await old.deliver(await old.accept(4))

    async with watched(tmp_path / "again", prepare=traded) as kit:
        await kit.deliver(await kit.accept(1))
        await kit.watch.recorder.look()
        assert (await window(kit, HOUR)).ok == 1


async def test_a_clock_set_back_loses_nothing(tmp_path: Path) -> None:
    """Deliveries before and after count once each, an hour apart, and ages are never below zero."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(3))
        await kit.watch.look()
        kit.clock._start -= 3600 * MICROSECONDS  # the hand that sets the clock back
        positions = await kit.accept(2)
        await kit.deliver(positions, -5.0)
        await kit.watch.look()
        assert (await window(kit, HOUR, TEN)).ok == 3
        total = (await sums(kit.journal, HOUR, 0, 2 * TEN))[FLOW]
        assert (total.ok, total.ended, total.steps[0]) == (5, 5, 2)
        assert "ClockSetBack" in kit.names()


async def test_old_windows_go(tmp_path: Path) -> None:
    """Minutes go after hours, five minutes after days; hours stay."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(1))
        await kit.watch.look()
        await kit.clock.advance(KEPT_SECONDS[FIVE_MINUTES] + 7200)
        await kit.watch.look()
        left = {
            span: len(await sums(kit.journal, span, 0, 2 * TEN))
            for span in (MINUTE, FIVE_MINUTES, HOUR)
        }
        assert left[MINUTE] == left[FIVE_MINUTES] == 0
        assert left[HOUR] == 2, "the route and its source"


async def test_a_hub_that_was_away_was_not_up(tmp_path: Path) -> None:
    """The time between the last sign and the next start is an outage; a quick restart is none."""
    clock = ManualClock(TEN)
    for pause in (0.0, 30.0, 1800.0):
        await clock.advance(pause)
        async with watched(tmp_path, clock=clock) as kit:
            await kit.watch.look()
            rows = await kit.journal.ask("SELECT (ended - began) / 1000000 FROM watch_outage")
    assert rows == [(1800,)]


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.04, 0.05, 0.26, 3.0, 59.0, 10**7])
def test_every_age_has_its_step(seconds: float) -> None:
    """An age falls into the first step whose bound it does not exceed."""
    step = step_of(seconds)
    assert step == STEPS - 1 or seconds <= BOUNDS_SECONDS[step]
    assert step == 0 or seconds > BOUNDS_SECONDS[step - 1]


def test_a_percentile_is_read_inside_its_step() -> None:
    """Nothing counted says nothing; all in one step gives a point inside it."""
    counts = [0] * STEPS
    assert quantile(counts, 0.95) is None
    counts[step_of(0.8)] = 100
    assert 0.75 < (quantile(counts, 0.95) or 0) <= 1.0
    assert within(counts, 1.0) == 100
    counts[STEPS - 1] = 900
    assert quantile(counts, 0.95) == BOUNDS_SECONDS[-1]

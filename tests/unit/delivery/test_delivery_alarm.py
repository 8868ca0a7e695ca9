"""An alarm rings once, at its time, however late its task starts."""

import asyncio

from tillway.clock import ManualClock, settle
from tillway.delivery.alarm import SHORTEST_SECONDS, Alarm


async def test_an_alarm_whose_task_starts_late_still_rings_at_its_time() -> None:
    """Time that passes before the task has its first turn is not waited for again."""
    clock, rung = ManualClock(), asyncio.Event()
    Alarm(clock, rung.set).set(10.0)
    await clock.advance(10.0)
    assert rung.is_set()


async def test_a_wait_too_short_to_be_seen_is_made_longer() -> None:
    """A ring right away would find that nothing is due yet, again and again."""
    clock, rung = ManualClock(), asyncio.Event()
    Alarm(clock, rung.set).set(SHORTEST_SECONDS / 1_000)
    await clock.advance(SHORTEST_SECONDS / 2)
    assert not rung.is_set()
    await clock.advance(SHORTEST_SECONDS)
    assert rung.is_set()


async def test_no_wait_at_all_rings_at_once() -> None:
    """What is due now waits for no clock."""
    clock, rung = ManualClock(), asyncio.Event()
    Alarm(clock, rung.set).set(0.0)
    await settle()
    assert rung.is_set()

"""Rate and width of a target: never above what was declared, and a slow way back."""

import pytest

from tillway.clock import ManualClock
from tillway.delivery.limits import RateLimit, Width


async def greedy(rate: float, seconds: int, take: int = 1000) -> list[int]:
    """Take all that is allowed every hundredth of a second; returns messages per second."""
    clock = ManualClock()
    limit = RateLimit(rate, clock)
    await clock.advance(3600)
    taken: list[int] = []
    for _ in range(seconds):
        count = 0
        for _ in range(100):
            allowed = int(min(take, limit.available()))
            limit.take(allowed)
            count += allowed
            await clock.advance(0.01)
        taken.append(count)
    return taken


@pytest.mark.parametrize("rate", [20.0, 50.0, 333.0, 5000.0])
async def test_no_second_carries_more_than_a_tenth_above_the_rate(rate: float):
    """An hour of idleness saves up no burst beyond 1.1 times the rate."""
    taken = await greedy(rate, 5)
    assert max(taken) <= rate * 1.1
    assert sum(taken) >= rate * 5 * 0.97


async def test_a_slow_rate_still_lets_messages_through():
    """One message every two seconds is a rate too."""
    assert sum(await greedy(0.5, 20)) in (10, 11)


async def test_rate_zero_is_unlimited():
    """Nothing waits where no rate is declared."""
    limit = RateLimit(0.0, ManualClock())
    limit.take(10**6)
    assert limit.available() == float("inf")
    assert limit.wait_seconds() == 0.0


async def test_the_wait_is_until_one_message_may_go():
    """A person or an alarm can rely on the time that is told."""
    clock = ManualClock()
    limit = RateLimit(2.0, clock)
    limit.take(1)
    assert limit.wait_seconds() == pytest.approx(0.5)
    await clock.advance(0.5)
    assert limit.available() == 1


def test_width_halves_on_the_second_failure_and_recovers_a_call_per_round():
    """One failure alone changes nothing; then 8, 4, 2, 1, and back by about one per round."""
    width = Width(8)
    width.failed()
    assert width.allowed == 8
    for _ in range(5):
        width.failed()
    assert width.allowed == 1
    rounds = 0
    while width.allowed < 8:
        width.succeeded()
        rounds += 1
    assert 20 <= rounds <= 60


def test_width_never_passes_its_limit():
    """However good the answers, no more calls are made than declared."""
    width = Width(3)
    for _ in range(100):
        width.succeeded()
    assert width.allowed == 3

"""Rate and width of a target: never above what was declared, and a slow way back."""

from random import Random

import pytest

from tillway.clock import ManualClock
from tillway.delivery.limits import Ramp, RateLimit, Width


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
async def test_no_second_carries_more_than_a_twentieth_above_the_rate(rate: float):
    """An hour of idleness saves up no burst beyond 1.05 times the rate."""
    taken = await greedy(rate, 5)
    assert max(taken) <= rate * 1.05
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


async def ramped(rate: float) -> tuple[Ramp, RateLimit, ManualClock]:
    """Return a ramp that begins anew, with its rate."""
    clock = ManualClock()
    limit = RateLimit(rate, clock)
    ramp = Ramp(limit, clock)
    ramp.restart()
    return ramp, limit, clock


async def test_after_an_outage_the_rate_grows_from_a_tenth_by_a_fifth_a_second():
    """A target that comes back gets its whole rate after five seconds of good answers."""
    ramp, limit, clock = await ramped(100.0)
    rates = [limit.rate_per_second]
    for _ in range(6):
        for _ in range(10):
            await clock.advance(0.1)
            ramp.succeeded()
        rates.append(limit.rate_per_second)
    assert rates == pytest.approx([10, 30, 50, 70, 90, 100, 100])


async def test_one_good_answer_after_a_quiet_hour_is_one_second_of_growth():
    """Time without answers proves nothing of the target."""
    ramp, limit, clock = await ramped(100.0)
    await clock.advance(3600)
    ramp.succeeded()
    assert limit.rate_per_second == pytest.approx(30)


async def test_failures_halve_the_rate_once_a_second_and_no_lower_than_a_tenth():
    """A burst of failures is one event; a message alone says nothing."""
    clock = ManualClock()
    limit = RateLimit(100.0, clock)
    ramp = Ramp(limit, clock)
    ramp.failed()
    assert limit.rate_per_second == 100
    rates = []
    for _ in range(5):
        for _ in range(20):
            ramp.failed()
        rates.append(limit.rate_per_second)
        await clock.advance(1)
    assert rates == [50, 25, 12.5, 10, 10]
    ramp.succeeded()
    ramp.failed()
    assert limit.rate_per_second >= 10


async def test_no_second_of_a_ramp_carries_more_than_a_tenth_above_the_declared_rate():
    """Growing and cutting in any order never lets a second pass 1.1 times the declared rate."""
    ramp, limit, clock = await ramped(50.0)
    chosen = Random(7)
    sent: list[float] = []
    for step in range(3000):
        count = int(limit.available())
        limit.take(count)
        sent += [clock.monotonic()] * count
        for _ in range(count):
            ramp.failed() if chosen.random() < 0.1 else ramp.succeeded()
        if step % 700 == 699:
            ramp.restart()
        await clock.advance(0.01)
    assert busiest_second(sent) <= 55
    assert len(sent) > 600


async def test_without_a_declared_rate_a_ramp_limits_nothing():
    """Unlimited stays unlimited, whatever happened."""
    ramp, limit, _ = await ramped(0.0)
    ramp.failed()
    ramp.failed()
    assert limit.available() == float("inf")


def busiest_second(times: list[float]) -> int:
    """Return the most of these times that lie in one second, wherever it begins."""
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 1.0 - 1e-9:
            first += 1
        most = max(most, last - first + 1)
    return most

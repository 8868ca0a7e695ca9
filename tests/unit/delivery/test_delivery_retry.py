"""Retry policies: the waits they give, and when a target's own wish wins."""

from random import Random

import pytest

from tillway.delivery.bounds import LONGEST_RETRY_AFTER_SECONDS
from tillway.delivery.retry import retry_delay_seconds
from tillway.project.records import RetryPolicy


def policy(kind: str) -> RetryPolicy:
    """Return a policy of 2 s that is capped at 60 s."""
    return RetryPolicy("standard", kind, base_seconds=2.0, cap_seconds=60.0)


def delays(kind: str, seed: int = 1) -> list[float]:
    """Return the first ten waits of a policy."""
    random = Random(seed)
    return [retry_delay_seconds(policy(kind), attempts, random) for attempts in range(1, 11)]


def test_fixed_waits_the_same_every_time():
    """A fixed policy does not grow."""
    assert delays("fixed") == [2.0] * 10


def test_exponential_doubles_up_to_its_cap():
    """2, 4, 8, 16, 32 and then 60 seconds."""
    assert delays("exponential") == [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


def test_full_jitter_spreads_below_the_exponential_wait():
    """Every wait is between nothing and the exponential one, and a seed repeats it."""
    jittered = delays("exponential_full_jitter")
    assert all(0 <= got <= most for got, most in zip(jittered, delays("exponential"), strict=True))
    assert len(set(jittered)) == 10
    assert jittered == delays("exponential_full_jitter")
    assert jittered != delays("exponential_full_jitter", seed=2)


@pytest.mark.parametrize("kind", ["fixed", "exponential", "exponential_full_jitter"])
def test_retry_after_wins_when_it_is_later(kind: str):
    """A target that asks for 90 seconds gets them from every policy."""
    assert retry_delay_seconds(policy(kind), 3, Random(1), 90.0) == 90.0


def test_the_policy_wins_over_an_earlier_retry_after():
    """A target cannot make us hurry."""
    assert retry_delay_seconds(policy("fixed"), 1, Random(1), 0.5) == 2.0


def test_an_absurd_retry_after_is_cut():
    """No header can park a lane for a year."""
    got = retry_delay_seconds(policy("fixed"), 1, Random(1), 1e9)
    assert got == LONGEST_RETRY_AFTER_SECONDS


def test_many_attempts_do_not_overflow():
    """The thousandth attempt still has a wait."""
    assert retry_delay_seconds(policy("exponential"), 100_000, Random(1)) == 60.0

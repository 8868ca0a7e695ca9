"""When a failed call is tried again: fixed, exponential, or exponential with full jitter.

A target's Retry-After wins when it asks for a longer wait than the policy.
"""

from __future__ import annotations

from random import Random

from tillway.delivery.bounds import LONGEST_RETRY_AFTER_SECONDS
from tillway.project.records import RetryPolicy

MOST_DOUBLINGS = 60


def retry_delay_seconds(
    policy: RetryPolicy, attempts: int, random: Random, retry_after_seconds: float | None = None
) -> float:
    """Return the wait before the next call; attempts counts the calls made so far, from 1."""
    delay = _policy_delay_seconds(policy, attempts, random)
    if retry_after_seconds is None:
        return delay
    return max(delay, min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))


def _policy_delay_seconds(policy: RetryPolicy, attempts: int, random: Random) -> float:
    if policy.kind == "fixed":
        return policy.base_seconds
    doublings = min(max(attempts, 1) - 1, MOST_DOUBLINGS)
    ceiling = min(policy.cap_seconds, policy.base_seconds * 2.0**doublings)
    if policy.kind == "exponential":
        return ceiling
    return random.uniform(0.0, ceiling)

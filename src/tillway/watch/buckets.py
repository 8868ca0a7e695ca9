"""The fixed steps in which ages and durations are counted, and what a count of them says.

A histogram of fixed steps can be added up over windows and days, which a percentile cannot. Between
two steps a percentile is read off the straight line, so it is right to within a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from tillway.clock import MICROSECONDS

BOUNDS_SECONDS = (
    *(0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0),
    *(120.0, 300.0, 600.0, 1800.0, 7200.0, 86400.0),
)
"""Upper ends of the steps; what is older falls into one more. Part of the tables' version."""
STEPS = len(BOUNDS_SECONDS) + 1
COLUMNS = tuple(f"b{step}" for step in range(STEPS))
Counts = list[int]


def step_of(seconds: float) -> int:
    """Return the step an age falls into; one below 0 (a clock set back) is the first."""
    return next((step for step, bound in enumerate(BOUNDS_SECONDS) if seconds <= bound), STEPS - 1)


def step_sql(age: str) -> str:
    """Return the SQL expression of the step of an age in microseconds."""
    tests = " ".join(
        f"WHEN {age} <= {round(bound * MICROSECONDS)} THEN {step}"
        for step, bound in enumerate(BOUNDS_SECONDS)
    )
    return f"CASE {tests} ELSE {STEPS - 1} END"


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the age in seconds that a share of what was counted does not exceed.

    None when nothing was counted. What is beyond the last bound is told as that bound.
    """
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    for step, reached in enumerate(accumulate(counts)):
        if reached >= wanted and counts[step]:
            if step == STEPS - 1:
                return BOUNDS_SECONDS[-1]
            low = BOUNDS_SECONDS[step - 1] if step else 0.0
            part = (wanted - (reached - counts[step])) / counts[step]
            return low + part * (BOUNDS_SECONDS[step] - low)
    return BOUNDS_SECONDS[-1]


def added(first: Sequence[int], second: Sequence[int]) -> Counts:
    """Return two counts added step by step."""
    return [one + other for one, other in zip(first, second, strict=True)]


def within(counts: Sequence[int], seconds: float) -> float:
    """Return how many are counted up to an age, read off the straight line inside its step."""
    found, low = 0.0, 0.0
    for step, bound in enumerate(BOUNDS_SECONDS):
        if bound <= seconds:
            found += counts[step]
        else:
            return found + counts[step] * max(0.0, seconds - low) / (bound - low)
        low = bound
    return found

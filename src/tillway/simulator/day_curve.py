"""When customers come: two peaks a day, drawn from a seed, in seconds since midnight."""

from __future__ import annotations

from array import array
from itertools import accumulate
from random import Random

from tillway.simulator.plan import CLOSING_HOUR, OPENING_HOUR

SECONDS_PER_HOUR = 3600
# Weight of each opening hour from 8 to 20: lunch and after work.
_WEIGHTS = (3, 4, 5, 7, 9, 8, 5, 5, 7, 10, 9, 6, 3)
_CUMULATIVE = tuple(accumulate(_WEIGHTS))

OPENING_SECOND = OPENING_HOUR * SECONDS_PER_HOUR
CLOSING_SECOND = CLOSING_HOUR * SECONDS_PER_HOUR


def arrival_seconds(rng: Random, customers: int) -> array[int]:
    """Return the arrival of each customer, in order, in seconds since midnight."""
    hours = rng.choices(range(len(_WEIGHTS)), cum_weights=_CUMULATIVE, k=customers)
    return array(
        "l",
        sorted(
            OPENING_SECOND + hour * SECONDS_PER_HOUR + rng.randrange(SECONDS_PER_HOUR)
            for hour in hours
        ),
    )

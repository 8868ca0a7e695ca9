"""How long to wait after trouble: at random, longer each time, never shorter than Square asks."""

from __future__ import annotations

import random

import msgspec

from tillway.errors import TillwayError, Transient

FIRST_BOUND_SECONDS = 1.0
LONGEST_BOUND_SECONDS = 60.0
_DOUBLINGS = 10


class Pauses(msgspec.Struct, frozen=True):
    """Makes the waits. rng: where chance comes from, so that many hubs do not call at once."""

    rng: random.Random

    def after(self, failures: int, trouble: TillwayError) -> float:
        """Return the seconds to wait after so many failures in a row, at least one.

        A time that Square named is kept, and stretched by a quarter at most.
        """
        asked = trouble.retry_after_seconds if isinstance(trouble, Transient) else None
        if asked is not None:
            return asked * self.rng.uniform(1.0, 1.25)
        bound = min(FIRST_BOUND_SECONDS * 2 ** min(failures, _DOUBLINGS), LONGEST_BOUND_SECONDS)
        return self.rng.uniform(bound / 4, bound)

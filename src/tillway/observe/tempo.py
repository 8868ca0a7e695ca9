"""How many messages a minute there were, minute by minute, from totals noted now and then.

Totals only grow, so a minute in which nobody looked is not lost: what came since the last look is
spread evenly over the minutes between.
"""

from __future__ import annotations

from collections import deque

import msgspec

from tillway.clock import MICROSECONDS, utc_text

KEPT_MINUTES = 24 * 60
MINUTE = 60 * MICROSECONDS


class Minute(msgspec.Struct, frozen=True):
    """One minute. at: its beginning, RFC 3339 in UTC; figures are messages in that minute."""

    at: str
    accepted: float
    delivered: float


class _Noted(msgspec.Struct, frozen=True):
    minute: int
    accepted: int
    delivered: int


class Tempo:
    """Keeps the totals as they were at the end of each minute that somebody looked at."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque(maxlen=KEPT_MINUTES)

    def note(self, at: int, accepted: int, delivered: int) -> None:
        """Note the totals; at is microseconds UTC."""
        minute = at // MINUTE
        if len(self._noted) > 1 and self._noted[-1].minute == minute:
            self._noted.pop()
        if not self._noted or self._noted[-1].minute <= minute:
            self._noted.append(_Noted(minute, accepted, delivered))

    def minutes(self, now: int, count: int = 60) -> list[Minute]:
        """Return the last minutes that are known, oldest first; the running one is not among them.

        now is microseconds UTC.
        """
        first = now // MINUTE - count
        found: dict[int, Minute] = {}
        for before, after in zip(self._noted, list(self._noted)[1:], strict=False):
            span = max(1, after.minute - before.minute)
            for minute in range(max(first, before.minute + 1), after.minute + 1):
                found[minute] = Minute(
                    utc_text(minute * MINUTE),
                    (after.accepted - before.accepted) / span,
                    (after.delivered - before.delivered) / span,
                )
        return [found[minute] for minute in sorted(found) if minute < now // MINUTE]

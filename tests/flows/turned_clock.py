"""A clock that runs on as usual but shows another day, so that old files meet their own evening."""

from __future__ import annotations

from datetime import datetime

from tillway.clock import MICROSECONDS, SystemClock


class TurnedClock(SystemClock):
    """The machine's clock, turned to a moment (RFC 3339 text with offset)."""

    def __init__(self, moment: str) -> None:
        self._turn = 0
        self.turn_to(moment)

    def turn_to(self, moment: str) -> None:
        """Show this moment now, and go on from there."""
        wanted = round(datetime.fromisoformat(moment).timestamp() * MICROSECONDS)
        self._turn = wanted - super().now()

    def now(self) -> int:
        """Return the wall time as turned."""
        return super().now() + self._turn

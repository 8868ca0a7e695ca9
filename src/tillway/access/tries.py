"""Slows down who guesses passwords: after a few failures each one more doubles the wait.

Counted by name and by address, kept in memory and in the journal, so that a restart forgives
nobody. Surprising: a wait can be put on a name by a stranger; who is logged in stays logged in.
"""

from __future__ import annotations

from typing import Literal

from tillway.access.tables import rows, write
from tillway.clock import MICROSECONDS
from tillway.errors import Refused
from tillway.journal.projection import Asking, Change

Kind = Literal["name", "address"]
FREE: dict[Kind, int] = {"name": 5, "address": 20}
"""Failures without a wait; behind one address there may be a whole office."""
LONGEST_WAIT_SECONDS = 900
FORGOTTEN_SECONDS = 24 * 3600
MOST_KEPT = 10_000


class Tries:
    """Failed logins by (kind, subject): how many, and when the last was."""

    def __init__(self) -> None:
        self._failed: dict[tuple[Kind, str], tuple[int, int]] = {}

    async def load(self, journal: Asking) -> None:
        """Read what the journal keeps."""
        for kind, subject, failures, last_at in await rows(journal, "tries"):
            self._failed[kind, subject] = (failures, last_at)

    def check(self, name: str, address: str, now: int) -> None:
        """Raise Refused TW-8007 (429) while one of the two has to wait."""
        wait = max(self._wait("name", name, now), self._wait("address", address, now))
        if wait > 0:
            raise Refused(
                "TW-8007",
                f"too many failed logins; try again in {wait} s",
                status=429,
                retry_after_seconds=wait,
            )

    def failed(self, name: str, address: str, now: int, change: Change) -> None:
        """Count a failure; the change keeps it."""
        for kind, subject in self._both(name, address):
            before, last_at = self._failed.get((kind, subject), (0, now))
            if now - last_at > FORGOTTEN_SECONDS * MICROSECONDS:
                before = 0
            self._make_room()
            self._failed[kind, subject] = (before + 1, now)
            change.run(write("try"), (kind, subject, before + 1, now))

    def succeeded(self, name: str, change: Change) -> None:
        """Forget the failures of a name; those of the address stay."""
        if self._failed.pop(("name", name), None):
            change.run(write("forget_try"), ("name", name))

    def _wait(self, kind: Kind, subject: str, now: int) -> int:
        failures, last_at = self._failed.get((kind, subject), (0, 0))
        over = failures - FREE[kind]
        if over < 0:
            return 0
        seconds = min(2 ** min(over, 20), LONGEST_WAIT_SECONDS)
        left = last_at + seconds * MICROSECONDS - now
        return -(-left // MICROSECONDS) if left > 0 else 0

    def _both(self, name: str, address: str) -> tuple[tuple[Kind, str], ...]:
        return (("name", name), ("address", address))

    def _make_room(self) -> None:
        """Let the oldest half go from memory when strangers try ever new names."""
        if len(self._failed) >= MOST_KEPT:
            oldest = sorted(self._failed, key=lambda one: self._failed[one][1])
            for one in oldest[: MOST_KEPT // 2]:
                del self._failed[one]

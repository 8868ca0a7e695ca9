"""Slows down who guesses passwords: after a few failures each one more doubles the wait.

Counted by name and by address, kept in memory and in the journal, so that a restart forgives
nobody. Surprising: a wait can be put on a name by a stranger; who is logged in stays logged in.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
IPV4, NETWORK_BITS = 4, 64


class Tries:
    """Failed logins by (kind, subject): how many, and when the last was."""

    def __init__(self) -> None:
        self._failed: dict[tuple[Kind, str], tuple[int, int]] = {}
        self._looked_at: Counter[tuple[Kind, str]] = Counter()

    async def load(self, journal: Asking) -> None:
        """Read what the journal keeps."""
        for kind, subject, failures, last_at in await rows(journal, "tries"):
            self._failed[kind, subject] = (failures, last_at)

    @contextmanager
    def looking(self, name: str, address: str, now: int) -> Iterator[None]:
        """Let a password be looked at. Raises Refused TW-8007 (429) while one has to wait.

        What is being looked at counts as failed until it is known, so that many at once are no way
        around the wait.
        """
        both = _both(name, address)
        wait = max(self._wait(kind, subject, now) for kind, subject in both)
        if wait > 0:
            raise Refused(
                "TW-8007",
                f"too many failed logins; try again in {wait} s",
                status=429,
                retry_after_seconds=wait,
            )
        self._looked_at.update(both)
        try:
            yield
        finally:
            self._looked_at -= Counter(both)

    def failed(self, name: str, address: str, now: int, change: Change) -> None:
        """Count a failure; the change keeps it."""
        for kind, subject in _both(name, address):
            before, last_at = self._failed.get((kind, subject), (0, now))
            if now - last_at > FORGOTTEN_SECONDS * MICROSECONDS:
                before = 0
            self._make_room(change)
            self._failed[kind, subject] = (before + 1, now)
            change.run(write("try"), (kind, subject, before + 1, now))

    def succeeded(self, name: str, change: Change) -> None:
        """Forget the failures of a name; those of the address stay."""
        if self._failed.pop(("name", name), None):
            change.run(write("forget_try"), ("name", name))

    def _wait(self, kind: Kind, subject: str, now: int) -> int:
        failures, last_at = self._failed.get((kind, subject), (0, 0))
        looked_at = self._looked_at[kind, subject]
        over = failures + looked_at - FREE[kind]
        if over < 0:
            return 0
        seconds = min(2 ** min(over, 20), LONGEST_WAIT_SECONDS)
        left = (now if looked_at else last_at) + seconds * MICROSECONDS - now
        return -(-left // MICROSECONDS) if left > 0 else 0

    def _make_room(self, change: Change) -> None:
        """Let the oldest half go, here and in the journal, when strangers try ever new names."""
        if len(self._failed) >= MOST_KEPT:
            oldest = sorted(self._failed, key=lambda one: self._failed[one][1])
            for one in oldest[: MOST_KEPT // 2]:
                del self._failed[one]
                change.run(write("forget_try"), one)


def _both(name: str, address: str) -> tuple[tuple[Kind, str], ...]:
    return (("name", name), ("address", _network(address)))


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 the whole network that one customer is given."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == IPV4:
        return str(found)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))

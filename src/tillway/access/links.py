"""Links that log in once: for the owner of this machine, and for whoever forgot a password.

Kept in memory only and by SHA-256; a restart of the hub ends them.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from tillway.clock import Clock
from tillway.errors import Refused

SECRET_BYTES = 32
GOOD_SECONDS = 600.0
MOST = 100


class Links:
    """The links that wait to be used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[bytes, tuple[str, float]] = {}

    def make(self, name: str) -> str:
        """Return the secret of a link that logs a person in; "" is the owner of this machine."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        while len(self._waiting) >= MOST:
            del self._waiting[next(iter(self._waiting))]
        until = self._clock.monotonic() + GOOD_SECONDS
        self._waiting[_digest(secret)] = (name, until)
        return secret

    def redeem(self, secret: str) -> str:
        """Return whom a link logs in; it works once. Raises Refused TW-8008 (403) otherwise."""
        name, until = self._waiting.pop(_digest(secret), ("", -1.0))
        if until < self._clock.monotonic():
            raise Refused("TW-8008", "this link was used already, or its time is over", status=403)
        return name


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()

"""Passwords: Argon2id, worked out in a thread so that the hub goes on, two at a time at most.

Surprising: a name that nobody has is checked as long as one that somebody has, so that the time an
answer takes tells nobody which names exist.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import TYPE_CHECKING

from tillway.errors import ConfigurationError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256
AT_ONCE = 2
"""Each takes 64 MiB of memory while it runs."""


class Passwords:
    """Makes and checks what is stored of a password; hasher: cost of Argon2id."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        # Loaded here, so that a command that only looks does not wait for it.
        from argon2 import PasswordHasher

        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = ""

    async def stored(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _form(password))

    async def fits(self, stored: str, password: str) -> bool:
        """Say whether a password is the right one; stored "" stands for nobody."""
        if not stored and not self._nobody:
            self._nobody = await self.stored("nobody has this one")
        async with self._turn:
            right = await asyncio.to_thread(
                self._verified, stored or self._nobody, _form(password)[:LONGEST]
            )
        return right and bool(stored)

    def is_old(self, stored: str) -> bool:
        """Say whether it was stored at another cost than is usual now."""
        return self._hasher.check_needs_rehash(stored)

    def _verified(self, stored: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def check_password(name: str, password: str) -> None:
    """Raise ConfigurationError TW-8012 for a password that is too short, too long or the name."""
    length = len(_form(password))
    if not SHORTEST <= length <= LONGEST:
        raise ConfigurationError(
            "TW-8012", f"a password has {SHORTEST} to {LONGEST} characters", path="password"
        )
    if name.casefold() in password.casefold() and length < len(name) + SHORTEST:
        raise ConfigurationError(
            "TW-8012", "the password is the name with little more", path="password"
        )


def _form(password: str) -> str:
    """Return a password in one form, whichever way a keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)

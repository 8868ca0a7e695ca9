"""How long things are kept, and where a journal came from: the upkeep half of the journal seam.

Retention never touches a message's header, key, money or fate: only its payload, the rows of its
duplicates and the record of its calls, and only when nothing about it is left to do.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

RESTORED = "restored"
"""Reason of a ledger row that was held when a backup was taken, and may be delivered since."""


class Cutoffs(msgspec.Struct, frozen=True):
    """What is older than these moments may go (microseconds UTC); 0 keeps it for ever.

    raw also stands for the bytes of quarantined and conflicting copies that are closed.
    """

    raw: int = 0
    canonical: int = 0
    duplicates: int = 0
    attempts: int = 0


class Retired(msgspec.Struct, frozen=True):
    """How many of each kind went. copies: closed copies whose bytes went."""

    raw: int = 0
    canonical: int = 0
    duplicates: int = 0
    attempts: int = 0
    copies: int = 0

    @property
    def total(self) -> int:
        """Return how much went in all."""
        return self.raw + self.canonical + self.duplicates + self.attempts + self.copies

    def plus(self, other: Retired) -> Retired:
        """Return both together."""
        return Retired(
            self.raw + other.raw,
            self.canonical + other.canonical,
            self.duplicates + other.duplicates,
            self.attempts + other.attempts,
            self.copies + other.copies,
        )


class Storage(msgspec.Struct, frozen=True):
    """The room a journal takes, in bytes.

    free_bytes is inside size_bytes and is filled again before the file grows. retirable and
    retirable_bytes are the payloads that retention would let go now, and their size as stored.
    gives_back: whether free room can go back to the disk while the hub runs.
    """

    size_bytes: int
    free_bytes: int
    log_bytes: int
    retirable: int
    retirable_bytes: int
    gives_back: bool


class Restored(msgspec.Struct, frozen=True):
    """That a journal was put back from a backup. Times are microseconds UTC.

    position: the newest message the backup held; taken_at: when the backup was taken; origin: where
    it lay. acknowledged_at is 0 until a person said that everything was looked at.
    """

    position: int
    restored_at: int
    taken_at: int
    origin: str
    who: str
    reason: str = ""
    acknowledged_at: int = 0
    acknowledged_by: str = ""
    acknowledged_because: str = ""


class Keeping(Protocol):
    """Upkeep of a journal; every method is a coroutine."""

    async def retire(self, cutoffs: Cutoffs, limit: int) -> Retired:
        """Let go of up to `limit` of each kind, in one commit; nothing when all is done.

        What is unresolved stays: pending, held, in doubt or dead on any route, an open quarantine,
        an open conflict. The books balance as before.
        """
        ...

    async def reclaim(self, size_bytes: int) -> int:
        """Give up to so many bytes of free room back to the disk; return how many went back."""
        ...

    async def mark_restored(self, restored: Restored) -> None:
        """Note that this journal comes from a backup; what it held becomes `sending`.

        The outcome of such a delivery is unknown, and the class of the target says what to do.
        """
        ...

    async def restored(self) -> Restored | None:
        """Return the last time this journal was put back from a backup, None if it never was."""
        ...

    async def acknowledge_restore(self, at: int, who: str, reason: str) -> bool:
        """Note that a person looked at a restored journal; False when nothing was waiting."""
        ...

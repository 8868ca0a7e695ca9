"""What else is kept beside the store-days: each side book sees its messages once, in order.

Payments and bank lines are matched in one, postings are followed in another; all of them write into
the same change as the store-days, so that one cursor stands for all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import msgspec

from tillway.journal.base import StoredMessage
from tillway.journal.projection import Change
from tillway.reconcile.facts import Breach, Fact


class Entered(msgspec.Struct, frozen=True, gc=False):
    """A message as a side book sees it: stored, decoded, and its fact if it has one.

    history: a newer revision of the same object is stored already, so it counts nowhere. breaches:
    what intake found inside the message.
    """

    stored: StoredMessage
    message: Any
    fact: Fact | None
    history: bool = False
    breaches: tuple[Breach, ...] = ()


class SideBook(Protocol):
    """A book beside the store-days."""

    @property
    def reads(self) -> Collection[str]:
        """The message types that it wants to see."""
        ...

    async def open(self) -> None:
        """Read what it needs from the tables; called once, before anything else."""
        ...

    async def take(self, entered: Entered, change: Change) -> None:
        """Take one message; what it keeps joins the change."""
        ...

    async def look(self, now: int, change: Change) -> None:
        """Judge what became due at this moment (microseconds UTC); called every few seconds."""
        ...

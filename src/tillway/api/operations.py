"""What a person may do to a hub: the seam that the API, the console and the command line share.

The assembly implements it twice: inside a running hub, and on a journal it took the lock of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Literal, Protocol

import msgspec

from tillway.connect import SubmissionResult
from tillway.observe.amounts import Money
from tillway.reconcile import Desk


class Selection(msgspec.Struct, frozen=True):
    """Which delivered messages a replay sends again on one route.

    from_at (included) and to_at (excluded) are times of acceptance in microseconds UTC; 0 leaves a
    side open. store, message_type and natural_key narrow it; "" means any.
    """

    route: str
    from_at: int = 0
    to_at: int = 0
    store: str = ""
    message_type: str = ""
    natural_key: str = ""


class LeftOut(msgspec.Struct, frozen=True):
    """A message a replay does not send: superseded_by is the newest revision of its object."""

    natural_key: str
    revision: int
    superseded_by: int


class PlannedReplay(msgspec.Struct, frozen=True):
    """What a replay would do. money is signed and per message type, since types never add up.

    superseded counts selected messages that are left out of all of this, because a newer revision
    of their object is stored; left_out names the first of them.
    """

    count: int
    money: dict[str, Money] = msgspec.field(default_factory=dict)
    lanes: int = 0
    expected_seconds: float = 0.0
    superseded: int = 0
    left_out: tuple[LeftOut, ...] = ()


class Replayed(msgspec.Struct, frozen=True):
    """What a replay did. failures are the first few, as `natural key: code and sentence`.

    superseded counts what was left out, because a newer revision came after the plan was made.
    """

    sent: int
    delivered: int
    failed: int
    stopped: bool = False
    failures: tuple[str, ...] = ()
    superseded: int = 0


Keeping = Literal["hold", "release", "skip"]
"""Orders about messages that wait: keep them, let them go, take them out of their lane."""


class RunningReplay(msgspec.Struct, frozen=True):
    """How far a replay is: planned messages, and what became of those that were tried."""

    route: str
    planned: int
    delivered: int
    failed: int
    superseded: int
    stopping: bool


class CodeRow(msgspec.Struct, frozen=True):
    """One row of a code table: what a source calls a thing, and what it is called here."""

    table: str
    source: str
    canonical: str
    label: str = ""


class Operations(Protocol):
    """Every method is a coroutine; who and reason go to the audit log with the change itself."""

    async def retry(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Make dead or held messages due now, under the same idempotency key; return how many."""
        ...

    async def abandon(self, route: str, positions: Sequence[int], who: str, reason: str) -> int:
        """Give messages up by name; return how many."""
        ...

    async def keep(
        self, verb: Keeping, route: str, positions: Sequence[int], who: str, reason: str
    ) -> int:
        """Hold messages with their lanes, release what is held, or skip it; return how many."""
        ...

    async def stop_replay(self, route: str, who: str, reason: str) -> bool:
        """End the replay of a route after the calls under way; False when there is none."""
        ...

    async def replays(self) -> list[RunningReplay]:
        """Return how far the replays are that run now."""
        ...

    async def reprocess(self, invalid_ids: Sequence[int], who: str, reason: str) -> dict[str, int]:
        """Take kept copies in again with the current mapping; return outcome -> count."""
        ...

    async def plan_replay(self, selection: Selection) -> PlannedReplay:
        """Count what a replay would send; nothing is sent."""
        ...

    async def replay(self, selection: Selection, who: str, reason: str) -> Replayed:
        """Send it again at a capped rate, under the same keys; returns when it is finished."""
        ...

    async def add_code(self, row: CodeRow, who: str, reason: str) -> None:
        """Add a row to a code table: in its file, and at once in what runs.

        Raises ConfigurationError TW-7061 for a table or code that cannot take it, TW-7007 without a
        reason.
        """
        ...

    @property
    def desk(self) -> Desk:
        """Return where people decide about store-days.

        Raises ConfigurationError TW-6901 for a project that reconciles nothing.
        """
        ...

    async def ingest(self, source: str, stream: BinaryIO, name: str) -> SubmissionResult:
        """Take one file through the intake of a source; name is the file's name, for people."""
        ...

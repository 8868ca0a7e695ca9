"""What people and checks ask the journal: totals, stuck work, the life of one message.

The same seam as `base.py`, split so that the path of a message reads without it. Readers never
write; on SQLite they are separate read-only connections and work beside a running hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from tillway.journal.base import (
    Action,
    AttemptRow,
    DeliveryRow,
    ObjectRevision,
    StoredMessage,
    TargetState,
)
from tillway.journal.chain import AuditEntry
from tillway.journal.keeping import Restored


class Total(msgspec.Struct):
    """Count and money of a group; unknown counts those whose amount is not known."""

    group: str
    message_type: str
    currency: str
    count: int
    amount_minor: int
    unknown: int = 0


class InvalidRow(msgspec.Struct):
    """A quarantined or conflicting copy. repeats: how often the same bytes came again."""

    invalid_id: int
    outcome: str
    door: str
    system: str
    message_type: str
    natural_key: str
    store: str
    currency: str
    amount_minor: int | None
    received_at: int
    code: str
    violations: bytes
    raw: bytes
    first_position: int
    repeats: int
    closed_by: int
    release: str


class MessageRecord(msgspec.Struct):
    """One accepted message with everything stored of it."""

    message: StoredMessage
    raw: bytes
    raw_rewritten: bool
    content_hash: bytes
    record_hash: bytes
    findings: bytes
    duplicates: list[int]
    """received_at of every duplicate, oldest first."""


class Waiting(msgspec.Struct):
    """Work of one store on one route that has not reached its target."""

    route: str
    store: str
    state: str
    currency: str
    count: int
    amount_minor: int
    oldest_at: int


class SequenceRange(msgspec.Struct):
    """Numbers seen of one workstation on one business date: first, last, how many differ.

    register_epoch: the run of its counter; each run has numbers of its own.
    """

    system: str
    store: str
    workstation: str
    business_date: str
    first: int
    last: int
    count: int
    register_epoch: int = 0


class RegisterDay(msgspec.Struct):
    """First and last number seen of one workstation on one date, in one run of its counter."""

    workstation: str
    business_date: str
    register_epoch: int
    first: int
    last: int


class StoreSeen(msgspec.Struct):
    """When a store was last heard of, and how many of its messages were accepted."""

    system: str
    store: str
    last_at: int
    accepted: int


class RouteTotals(msgspec.Struct):
    """The second equation of one route, group = state.

    accepted covers the messages after the route's start; rows the ledger; filtered and pending are
    derived from positions; filtered_kept and settled_kept are the books kept while settling.
    """

    route: str
    cursor: int
    accepted: list[Total]
    rows: list[Total]
    filtered: list[Total]
    pending: list[Total]
    filtered_kept: list[Total]
    settled_kept: list[Total]


class RouteStanding(msgspec.Struct):
    """Where a route stands, from the kept books: its cost does not grow with what is stored.

    settled: the ledger by state; filtered: what was passed over; pending: what has no row behind
    the cursor; waiting: its unsent work, as `waiting` tells it. A route that is not in the project
    any more (`former`) has neither pending nor waiting: nobody can say what it would carry.
    """

    route: str
    cursor: int
    former: bool
    settled: list[Total]
    filtered: list[Total]
    pending: list[Total]
    waiting: list[Waiting]


class IntakeTotals(msgspec.Struct):
    """The first equation. received is counted at the doors before any outcome (group = door).

    outcomes are kept while storing, stored comes from the rows themselves (refused has none); the
    group of both is the outcome. blocks compares the kept totals of whole blocks with the messages:
    group told and group kept are equal exactly when no block is wrong.
    """

    received: list[Total]
    outcomes: list[Total]
    stored: list[Total]
    blocks: list[Total]


class JournalQueries(Protocol):
    """Reading for people; every method is a coroutine."""

    async def outcome_totals(self) -> list[Total]:
        """Return the kept totals by outcome, group = outcome; cheap enough to poll."""
        ...

    async def intake_totals(self) -> IntakeTotals:
        """Return everything the first equation compares, read at one moment."""
        ...

    async def routes(self) -> list[str]:
        """Return every route that was ever registered."""
        ...

    async def route_totals(self, route: str) -> RouteTotals:
        """Return both sides of the second equation; counts every row."""
        ...

    async def standing(
        self, carried: Mapping[str, frozenset[str]] | None = None
    ) -> list[RouteStanding]:
        """Return every route that was ever registered, cheap enough to poll, read at one moment.

        carried: the message types of each route of the project; None when that is not known.
        """
        ...

    async def waiting(self, carried: Mapping[str, frozenset[str]] | None = None) -> list[Waiting]:
        """Return unsent work by route, store, state and currency.

        States are pending, held (sending counts here), in_doubt and dead. carried names the message
        types of each route, so that what a route will pass over does not count as pending; a route
        that is not in it is left out.
        """
        ...

    async def stores_seen(self) -> list[StoreSeen]:
        """Return the last sign of life of every store."""
        ...

    async def target_states(self) -> list[TargetState]:
        """Return the breaker of every target."""
        ...

    async def find(self, text: str, limit: int) -> list[StoredMessage]:
        """Return messages by natural key, receipt number, store-till-number, object or message id.

        A natural key finds exactly that key: one run of a counter does not stand for another.
        """
        ...

    async def find_invalid(self, texts: Sequence[str], limit: int) -> list[InvalidRow]:
        """Return quarantined and conflicting copies by natural keys or ids (`#7`), oldest first."""
        ...

    async def record(self, position: int) -> MessageRecord | None:
        """Return everything stored of one message."""
        ...

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision, with the newest of their objects."""
        ...

    async def deliveries_of(self, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the fate of these messages on every route, by position and route."""
        ...

    async def attempts_of(self, position: int) -> list[AttemptRow]:
        """Return the recorded calls for one message, oldest first."""
        ...

    async def deliveries(
        self, states: Sequence[str], *, route: str = "", limit: int = 1000, after: int = 0
    ) -> list[tuple[DeliveryRow, StoredMessage]]:
        """Return ledger rows in these states with their messages (no payload), by position."""
        ...

    async def invalid(
        self,
        *,
        outcome: str = "",
        open_only: bool = True,
        limit: int = 1000,
        after: int = 0,
        with_raw: bool = True,
    ) -> list[InvalidRow]:
        """Return quarantined and conflicting copies, oldest first.

        Without raw (b"") a list costs no reading of what was sent.
        """
        ...

    async def newest_of_store(self, store: str, limit: int, among: int) -> list[StoredMessage]:
        """Return up to limit messages of a shop, newest first, without payload.

        They are looked for among so many newest messages of all shops.
        """
        ...

    async def register_days(self, store: str) -> list[RegisterDay]:
        """Return what the tills of one shop sent, by date, till and run of the counter.

        Cheap however many receipts there are: it costs what the days of the tills cost.
        """
        ...

    async def sequences(self) -> list[SequenceRange]:
        """Return the numbers seen per system, workstation, run of its counter and business date.

        Reads every message that has a number.
        """
        ...

    async def numbers(
        self, system: str, store: str, workstation: str, business_date: str, register_epoch: int = 0
    ) -> list[int]:
        """Return every number seen of one workstation on one date, in one run of its counter.

        Quarantined ones are included.
        """
        ...

    async def actions(self, limit: int) -> list[Action]:
        """Return the newest audited actions."""
        ...

    async def audit_head(self) -> tuple[int, bytes]:
        """Return number and link of the newest entry of the audit log, 0 and zeros without one."""
        ...

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Return up to so many entries of the audit log after a number, in order."""
        ...

    async def restored(self) -> Restored | None:
        """Return the last time this journal was put back from a backup, None if it never was."""
        ...

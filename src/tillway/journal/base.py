"""The journal seam: what every backend does, and one conformance suite proves.

Intake appends, consumers (delivery routes, projections) read after their cursor and settle; people
ask through `queries.py`. Every method is a coroutine; `append` and `settle` return only when their
transaction is flushed to stable storage. Nothing here blocks the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from tillway.journal.keeping import Keeping
from tillway.message import Envelope

Outcome = Literal["accepted", "duplicate", "conflict", "quarantined", "refused"]
DeliveryState = Literal["sending", "held", "in_doubt", "delivered", "dead", "abandoned"]


class Features(msgspec.Struct, frozen=True):
    """What a backend promises; a test outside the promise is skipped with the reason."""

    name: str
    durability: Literal["fsync", "quorum-fsync", "memory"]
    survives_restart: bool


# --- intake -------------------------------------------------------------------------------------


class Candidate(msgspec.Struct, tag="candidate", array_like=True, gc=False):
    """A message that met its contract; the journal decides: accepted, duplicate or conflict.

    raw are the sender's bytes (masked if raw_rewritten); canonical is `MessageType.encode`.
    findings is a JSON array or b"" when clean.
    """

    envelope: Envelope
    key_digest: bytes
    record_hash: bytes
    content_hash: bytes
    raw: bytes
    canonical: bytes
    findings: bytes = b""
    raw_rewritten: bool = False

    @property
    def door_name(self) -> str:
        """Return the door that took it."""
        return self.envelope.door


class Invalid(msgspec.Struct, tag="invalid", array_like=True, gc=False):
    """A message that broke its contract: raw bytes and every violation are kept (quarantine).

    What could be read is stated (message_type, natural_key, store, currency, amount_minor); the
    rest is "" or None and counts as amount unknown. record_hash recognises the same bytes again.
    """

    door: str
    system: str
    record_hash: bytes
    raw: bytes
    violations: bytes
    code: str
    received_at: int
    release: str = ""
    message_type: str = ""
    natural_key: str = ""
    key_digest: bytes = b""
    store: str = ""
    currency: str = ""
    amount_minor: int | None = None

    @property
    def door_name(self) -> str:
        """Return the door that took it."""
        return self.door


class RefusedItem(msgspec.Struct, tag="refused", array_like=True, gc=False):
    """An input that was not stored: only counted. The sender still holds it."""

    door: str
    code: str

    @property
    def door_name(self) -> str:
        """Return the door that refused it."""
        return self.door


AppendItem = Candidate | Invalid | RefusedItem


class Receipt(msgspec.Struct):
    """The journal's answer for one item, given after the commit.

    position: place in the journal of the accepted message (of the first one for duplicate and
    conflict), 0 when there is none. invalid_id: row of the quarantined or conflicting copy, or 0.
    """

    outcome: Outcome
    position: int = 0
    invalid_id: int = 0
    natural_key: str = ""
    content_hash: bytes = b""
    durability: str = "fsync"
    message_id: str = ""
    code: str = ""


# --- consumers ----------------------------------------------------------------------------------


class StoredMessage(msgspec.Struct):
    """An accepted message as consumers see it; canonical is b"" when read without payload.

    superseded_by: the higher revision of the same object that was stored before this one came, None
    for what was current when it came. A superseded message is history: no route carries it.
    """

    position: int
    envelope: Envelope
    canonical: bytes = b""
    clean: bool = True
    superseded_by: int | None = None


class ObjectRevision(msgspec.Struct, frozen=True):
    """A stored message that is one revision of an object, and the newest one stored of that object.

    Unlike `StoredMessage.superseded_by` it says how things stand now, not when the message came.
    """

    position: int
    natural_key: str
    object_digest: bytes
    revision: int
    newest: int

    @property
    def superseded_by(self) -> int | None:
        """Return the newest revision where this one is older, else None."""
        return self.newest if self.newest > self.revision else None


class DeliveryRow(msgspec.Struct):
    """The fate of one message on one route. Times are microseconds UTC.

    lane is the full lane name; reason says why it is held (`retry`, `behind_head`, `findings`,
    `operator`, `in_doubt`); code and detail are those of the last error; release is the project
    release of the first attempt.
    """

    route: str
    position: int
    state: DeliveryState
    lane: str
    attempts: int
    updated_at: int
    reason: str = ""
    next_at: int = 0
    first_at: int = 0
    target_reference: str = ""
    code: str = ""
    detail: str = ""
    release: str = ""
    replayed: bool = False


class AttemptRow(msgspec.Struct):
    """One call that did not simply succeed at once, or that a person asked for."""

    route: str
    position: int
    number: int
    started_at: int
    ended_at: int
    outcome: Literal["delivered", "transient", "permanent", "in_doubt", "not_connected", "bug"]
    code: str = ""
    detail: str = ""
    kind: Literal["first", "retry", "operator", "replay", "look_up"] = "first"


class Action(msgspec.Struct):
    """What a person did, and why (audit)."""

    at: int
    who: str
    verb: str
    subject: str
    reason: str


class Settlement(msgspec.Struct):
    """Everything one consumer wants committed together.

    cursor: new contiguous settled position, or None to leave it. filtered: positions passed over,
    kept as totals (message_type, currency) -> (count, amount_minor). rows replace earlier rows.
    """

    route: str
    rows: list[DeliveryRow] = msgspec.field(default_factory=list)
    attempts: list[AttemptRow] = msgspec.field(default_factory=list)
    cursor: int | None = None
    filtered: dict[tuple[str, str], tuple[int, int]] = msgspec.field(default_factory=dict)
    actions: list[Action] = msgspec.field(default_factory=list)


class RouteProgress(msgspec.Struct):
    """Where a route stands. settled: positions after the cursor that already have a row."""

    position: int
    settled: set[int]


class TargetState(msgspec.Struct):
    """The breaker of one target, kept so that it is visible outside the process."""

    target: str
    state: Literal["closed", "half_open", "open"]
    since: int
    failures: int = 0
    next_probe_at: int = 0
    code: str = ""
    detail: str = ""


Listener = Callable[[Sequence[StoredMessage]], None]


class Journal(Keeping, Protocol):
    """The durable log and its ledger."""

    @property
    def features(self) -> Features:
        """Say what this backend promises."""
        ...

    async def close(self) -> None:
        """Finish what was asked, then let go of the storage."""
        ...

    async def append(self, items: Sequence[AppendItem]) -> list[Receipt]:
        """Store, decide the outcome of each item, flush, and answer in order.

        Raises JournalFault (TW-5nnn) when the write or flush failed: nothing was acknowledged.
        """
        ...

    async def close_invalid(self, invalid_id: int, position: int) -> None:
        """Note that a kept copy was taken in again as the message at this position."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call listener on the event loop with what each commit accepted; returns the cancel."""
        ...

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit accepted messages after a position, in order, with payload.

        canonical is b"" where retention let it go.
        """
        ...

    async def load(self, positions: Sequence[int]) -> list[StoredMessage]:
        """Return these messages with payload, in position order; those without one are left out."""
        ...

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision, with the newest of their objects.

        In position order, without payload; the cost depends on how many are asked for.
        """
        ...

    async def read_hints(self, system: str, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit `source.hint` messages of a system after a position, with payload.

        The cost depends on how many there are to return, not on what else is stored.
        """
        ...

    async def last_position(self) -> int:
        """Return the position of the newest accepted message, 0 when there is none."""
        ...

    async def register_route(self, route: str, start: int) -> RouteProgress:
        """Return where a route stands; a route seen for the first time starts after `start`."""
        ...

    async def open_deliveries(self, route: str) -> list[DeliveryRow]:
        """Return the route's rows in state sending, held or in_doubt, in position order.

        A dead row whose reason is `holds_lane` belongs to them: its lane waits behind it.
        """
        ...

    async def delivery_rows(self, route: str, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the rows of these positions on a route."""
        ...

    async def settle(self, settlement: Settlement) -> None:
        """Commit rows, attempts, totals and cursor in one transaction and flush it."""
        ...

    async def save_target_state(self, state: TargetState) -> None:
        """Keep the breaker state of a target."""
        ...

    async def save_source_state(self, source: str, name: str, value: str) -> None:
        """Remember one thing for a source (a cursor, a finished file); "" forgets it."""
        ...

    async def source_state(self, source: str) -> dict[str, str]:
        """Return everything remembered for a source."""
        ...

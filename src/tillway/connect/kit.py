"""The connector kit: the one public seam for connector authors.

A connector is one `Registration`: a name, declared settings and two constructors. Sources verify
and split what comes in and hand it to `Intake`; targets take a batch and answer for each message.
A connector never sees the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol

import msgspec

from tillway.clock import Clock
from tillway.errors import TillwayError

DeliveryClass = Literal["A", "B", "C", "D"]

# --- sources ------------------------------------------------------------------------------------


class Submission(msgspec.Struct):
    """What a sender hands over at once: one document or a whole file.

    body: bytes or a binary stream. store: the business unit the sender proved to be, "" when the
    door serves many stores. name: file name or "" (for people). trace_id: the W3C trace context as
    `message.tracing` keeps it, "" for none. format: overrides
    the format the source declares (an NDJSON batch at a door that takes single documents).
    """

    body: bytes | BinaryIO
    store: str = ""
    name: str = ""
    trace_id: str = ""
    format: str = ""


class ItemOutcome(msgspec.Struct):
    """What became of one item. line and offset point into the submission.

    error is `TillwayError.as_json()` for quarantined, conflict and refused, else None;
    status is the HTTP status our own API would answer (202, 200, 409, 422 or the refusal's).
    """

    outcome: Literal["accepted", "duplicate", "conflict", "quarantined", "refused"]
    status: int
    line: int
    offset: int
    natural_key: str = ""
    position: int = 0
    content_hash: str = ""
    message_id: str = ""
    error: dict[str, Any] | None = None


class SubmissionResult(msgspec.Struct):
    """counts: outcome -> how many. complete is False when the input was cut off or unreadable.

    items holds every outcome when asked for, otherwise only the first few that went wrong.
    """

    counts: dict[str, int]
    complete: bool
    items: list[ItemOutcome]


class Intake(Protocol):
    """The only thing a source sees of the hub."""

    async def submit(self, submission: Submission, *, keep_items: bool = True) -> SubmissionResult:
        """Decode, mask, map, check and store; returns only after everything is durable.

        Raises Refused when the hub takes nothing now (disk floor, stopping).
        """
        ...


class Request(msgspec.Struct):
    """An HTTP request as the gateway read it; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""


class Answer(msgspec.Struct):
    """An HTTP answer; body is sent as it is."""

    status: int
    body: bytes
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class PushSource(Protocol):
    """A source that others call: the gateway mounts it at `path`."""

    @property
    def path(self) -> str:
        """Path under which the gateway mounts this door, for example `/in/quayside`."""
        ...

    @property
    def max_body_bytes(self) -> int:
        """Return the largest body the gateway should read for this door."""
        ...

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Authenticate, hand over, and answer in the sender's own manner."""
        ...

    async def ping(self) -> None:
        """Raise a TillwayError when the door cannot work."""
        ...


class PullSource(Protocol):
    """A source that fetches by itself: a folder, a mailbox, an API with a cursor."""

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Fetch and hand over until stop is set."""
        ...

    async def ping(self) -> None:
        """Raise a TillwayError when what it reads cannot be reached."""
        ...


class SourceState(Protocol):
    """What a source may remember across restarts."""

    async def get(self, name: str) -> str:
        """Return the remembered value, "" when there is none."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Remember durably; "" forgets."""
        ...


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's word that an object changed; the object itself must be fetched (rulings 10).

    event_id: the vendor's id of this notification, by which a repeated one is known. object_type
    and object_id: what changed. revision: its version, None when the vendor does not say.
    occurred_at: RFC 3339 or "". store: the vendor's id of the location, "" when it does not say.
    """

    event_id: str
    object_type: str
    object_id: str
    revision: int | None = None
    occurred_at: str = ""
    store: str = ""


class Hints(Protocol):
    """The hints of one source: durable from `put` until `done`, in the order they came."""

    async def put(self, hint: Hint) -> bool:
        """Store a hint durably; True when it is new, False when its event_id was stored before."""
        ...

    async def waiting(self, limit: int) -> Sequence[tuple[int, Hint]]:
        """Return the oldest hints not yet done, as (position, hint)."""
        ...

    async def done(self, position: int) -> None:
        """Forget every hint up to this position; what they spoke of is stored."""
        ...


@dataclass(slots=True)
class SourceContext:
    """What the hub gives a source. store_keys: SHA-256 hex of an API key -> business unit.

    hints is where a door leaves what its own poller shall fetch. durability is what a receipt may
    promise: `fsync`, `quorum-fsync` or `memory`; the hub must say more than `memory`, or nothing
    more is promised.
    """

    name: str
    clock: Clock
    state: SourceState
    folder: str
    store_keys: Mapping[str, str] = field(default_factory=dict)
    durability: str = "memory"
    hints: Hints = field(kw_only=True)


# --- targets ------------------------------------------------------------------------------------


class Outbound(msgspec.Struct):
    """One message on its way out. key is the idempotency key, the same on every attempt.

    revision is the version of the object at its source, None where it has none. The key is the same
    for all versions: a target that cannot write over a document makes a reversal and a new one.
    """

    key: str
    message_type: str
    lane: str
    body: Mapping[str, Any]
    message_id: str = ""
    trace_id: str = ""
    attempt: int = 1
    revision: int | None = None


class Delivered(msgspec.Struct):
    """The target took it. reference is the number it gave, "" when it gives none."""

    reference: str = ""
    repeated: bool = False


SendResult = Delivered | TillwayError


class Target(Protocol):
    """An outside system that takes messages.

    delivery_class: see guarantees section 3. max_bulk: messages a call may carry. stops_per_lane:
    True when a failing message stops its own lane inside one call, so a call may carry several of
    one lane.
    """

    delivery_class: DeliveryClass
    max_bulk: int
    stops_per_lane: bool

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Send and answer for each message in order; never raises for a refusal by the target.

        A result is Delivered, or Transient, Permanent, InDoubt or NotConnected. Every call has a
        deadline of its own.
        """
        ...

    async def look_up(self, key: str) -> str | None:
        """Return the target's reference for a key, None when it holds nothing (class B)."""
        ...

    async def ping(self) -> None:
        """Raise a TillwayError when the target cannot be reached."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class TargetContext(msgspec.Struct):
    """What the hub gives a target. folder: the project folder; relative paths start there."""

    name: str
    clock: Clock
    folder: str


# --- registration -------------------------------------------------------------------------------

Source = PushSource | PullSource
"""A source may be both: a door (`receive`) and a poller (`run`) that fetches what it missed."""
Settings = msgspec.Struct


class Registration(msgspec.Struct, frozen=True):
    """One connector: a name, declared settings (msgspec Structs) and constructors.

    A settings field is declared with `Annotated[type, Meta(description=..., examples=[...],
    extra={"secret": True})]`; the reference pages are generated from it. Unknown settings are
    refused with the nearest known name. masking names the lists of `security/masking.toml` that
    hold for what its source takes in, beside the list that always holds.
    """

    name: str
    summary: str
    masking: tuple[str, ...] = ()
    source_settings: type[Settings] | None = None
    make_source: Callable[[Any, SourceContext], Source] | None = None
    target_settings: type[Settings] | None = None
    make_target: Callable[[Any, TargetContext], Target] | None = None

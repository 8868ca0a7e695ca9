"""What happened outside the hub, as those outside saw it: answers, calls, effects, orders, faults.

The checkers compare this with the journal file; nothing of it comes from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

DeliveryClass = Literal["A", "B", "C", "D"]
Told = Literal["delivered", "refused", "nothing", "unknown"]
"""What a call told the hub: it took effect; never; not this time; nobody knows."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A till was told an outcome for a document; document tells contents of one key apart."""

    at: float
    key: str
    document: str
    outcome: str
    position: int
    amount_minor: int | None = None


@dataclass(slots=True)
class Call:
    """One message of one call to a target. told is `unknown` until an answer reached the hub."""

    at: float
    message_id: str
    key: str
    told: Told = "unknown"


@dataclass(frozen=True, slots=True)
class Effect:
    """A document that a target booked."""

    at: float
    message_id: str
    key: str
    body: str


@dataclass(slots=True)
class Ordered:
    """An order of a person; done: the hub said that it is carried out."""

    at: float
    verb: str
    route: str
    position: int
    done: bool = False


@dataclass(slots=True)
class TargetBooks:
    """What one target saw: every message of every call, and every effect."""

    delivery_class: DeliveryClass
    calls: list[Call] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What a route promises: from whom to whom, what it carries, what holds it."""

    target: str
    needs_clean: bool
    dead_head_holds: bool
    least_minor: int
    """Sales below this amount are filtered out."""


@dataclass(slots=True)
class Record:
    """Everything seen from outside; wrong: what must not be and was noticed on the way."""

    answered: list[Answered] = field(default_factory=list)
    targets: dict[str, TargetBooks] = field(default_factory=dict)
    routes: dict[str, RouteFacts] = field(default_factory=dict)
    orders: list[Ordered] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    def note(self, at: float, text: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{at:12.6f} {text}")

    def digest(self) -> str:
        """Return a hash of the whole trace."""
        return blake2b("\n".join(self.trace).encode(), digest_size=16).hexdigest()

"""What delivery knows of a message on its way: one job per call, and the trouble it had before."""

from __future__ import annotations

from math import inf
from typing import Literal

import msgspec

from tillway.connect import Delivered, SendResult
from tillway.delivery.lanes import Lane
from tillway.errors import InDoubt, NotConnected, Transient

Outcome = Literal["delivered", "transient", "permanent", "in_doubt", "not_connected", "bug"]
AttemptKind = Literal["first", "retry", "operator", "replay", "look_up"]


class Trouble(msgspec.Struct):
    """A message whose first call did not simply succeed, or that a person sent again.

    attempts counts calls made; first_at is wall time in microseconds. due, deadline and sale_by are
    monotonic seconds, so that a stepped clock neither hurries nor buries a message. doubtful: its
    last outcome is unknown and must be looked up before it is sent. asked: a person asked for the
    next attempt, which therefore has low priority. deaths: workers it killed; look_ups: look-ups
    that gave no answer; hurried: it was already sent early once, after an outage. on_hold: a person
    keeps it. sale_by: until when a return waits for its sale, 0.0 when it never had to; flag: code
    that its ledger row keeps although it was delivered.
    """

    attempts: int = 0
    first_at: int = 0
    release: str = ""
    due: float = 0.0
    deadline: float = inf
    deaths: int = 0
    look_ups: int = 0
    hurried: bool = False
    doubtful: bool = False
    asked: bool = False
    replayed: bool = False
    on_hold: bool = False
    sale_by: float = 0.0
    flag: str = ""


class Job(msgspec.Struct):
    """One message of one call."""

    position: int
    lane: Lane
    trouble: Trouble | None = None

    @property
    def kind(self) -> AttemptKind:
        """Why this call is made."""
        if self.trouble is None:
            return "first"
        if self.trouble.asked:
            return "operator"
        return "retry" if self.trouble.attempts else "first"

    @property
    def goes_alone(self) -> bool:
        """Whether it may not share a call: a look-up, or a message that killed a worker."""
        return self.trouble is not None and (self.trouble.doubtful or self.trouble.deaths > 0)


class WorkerDeath(msgspec.Struct):
    """A worker died on this message: an error that no connector may raise.

    sent is False when it died before anything could leave.
    """

    cause: BaseException
    sent: bool


class SaleMissing(msgspec.Struct):
    """A return was not sent, since these sales that it takes back are not at the target yet."""

    keys: list[str]


class Answer(msgspec.Struct):
    """What became of one job; times are wall time in microseconds."""

    job: Job
    result: SendResult | WorkerDeath | SaleMissing
    kind: AttemptKind
    started_at: int
    ended_at: int


def outcome_of(result: SendResult) -> Outcome:
    """Return the word by which the ledger records an answer."""
    if isinstance(result, Delivered):
        return "delivered"
    if isinstance(result, Transient):
        return "transient"
    if isinstance(result, NotConnected):
        return "not_connected"
    return "in_doubt" if isinstance(result, InDoubt) else "permanent"

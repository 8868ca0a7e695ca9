"""The store-day as an object: its states, and which one follows from how things stand.

The state is derived from the book, the findings, the clock and what people decided, never pushed
around by events: whatever order messages come in, the same facts give the same state. What is kept
is what cannot be derived: the revision, the approval, and which postings were asked for.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from tillway.clock import MICROSECONDS

State = Literal[
    "open",
    "receiving",
    "complete",
    "exceptions",
    "balanced",
    "approved",
    "posted",
    "reopened",
]
MEANINGS: dict[State, str] = {
    "open": "created ahead from the calendar; nothing has arrived",
    "receiving": "messages arrive; the close record or some numbers are still to come",
    "complete": "closed, and every number is there; under audit",
    "exceptions": "something is missing or does not agree, and somebody has to look",
    "balanced": "every number is accounted for and all totals agree",
    "approved": "released for the ERP",
    "posted": "confirmed by the ERP",
    "reopened": "changed after it was posted; a reversal and a new revision follow",
}


class StoreDay(msgspec.Struct, kw_only=True, gc=False):
    """One shop on one business date. Times are microseconds UTC, 0 for never.

    revision rises each time a posted day is opened again. changed_at: when a message last changed
    it; audited_at: when the rules were last asked. approved_by is "policy" or a person, and
    approved_position up to which message it holds. reopen_asked: a person wants a posted day
    opened again. asked,
    confirmed: postings of this revision. posting_position: up to which message they cover the day.
    posted_revision: the highest confirmed one, -1 for none. money: grand totals by currency as
    text; difference: the largest open one by currency. findings: open errors, those about other
    systems too, which show on a posted day and do not open it again; gaps:
    missing numbers nobody accounted for. look_at: when a gap that
    is too young to show is shown, 0 for none. stale: it was kept before it was judged again.
    """

    day_id: int
    store: str
    business_date: str
    state: State = "open"
    revision: int = 0
    since: int = 0
    changed_at: int = 0
    audited_at: int = 0
    approved_at: int = 0
    approved_by: str = ""
    approved_reason: str = ""
    approved_position: int = 0
    reopen_asked: bool = False
    asked: int = 0
    confirmed: int = 0
    posting_position: int = 0
    posted_revision: int = -1
    messages: int = 0
    findings: int = 0
    gaps: int = 0
    look_at: int = 0
    stale: bool = False
    money: dict[str, str] = {}
    difference: dict[str, str] = {}


class ShownDay(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """What a matrix shows of a `StoreDay`: the same record, the rest of it not even read."""

    store: str
    business_date: str
    state: State = "open"
    messages: int = 0
    findings: int = 0
    gaps: int = 0
    money: dict[str, str] = {}
    difference: dict[str, str] = {}


class Standing(msgspec.Struct, frozen=True):
    """How things stand with a day, as far as its state depends on it.

    complete: closed, counts and last numbers agree, no number missing. blocking: open error-level
    findings. expected: the shop trades on that day. approved: by policy or by a person. asked:
    postings of this revision are on their way; posted: the ERP confirmed them all.
    changed_since_posting: something arrived that they do not cover.
    """

    has_messages: bool
    complete: bool
    blocking: int
    past_cut_off: bool
    expected: bool
    approved: bool
    asked: bool = False
    posted: bool = False
    changed_since_posting: bool = False


def state_of(standing: Standing) -> State:
    """Return the state a day is in. See the life cycle in the retail model, section 6."""
    if standing.posted:
        return "reopened" if standing.changed_since_posting else "posted"
    if standing.asked:
        return "approved"
    if not standing.has_messages:
        return "exceptions" if standing.past_cut_off and standing.expected else "open"
    if not standing.complete:
        return "exceptions" if standing.past_cut_off else "receiving"
    if standing.blocking:
        return "exceptions"
    return "approved" if standing.approved else "balanced"


def path_between(old: State, new: State) -> tuple[State, ...]:
    """Return the states a day passes on its way, the new one last; () when nothing changed.

    A day that turns out whole at once was complete first, and one that is approved was balanced.
    """
    if old == new:
        return ()
    steps: list[State] = []
    if old == "reopened":
        steps.append("receiving")
    if new in ("balanced", "approved") and old not in ("complete", "balanced", "approved"):
        steps.append("complete")
    if new == "approved" and old != "balanced":
        steps.append("balanced")
    return (*steps, new) if steps[-1:] != [new] else tuple(steps)


def cut_off_moment(business_date: str, cut_off: time, zone: str) -> int:
    """Return when a day that is not complete becomes an exception: microseconds UTC."""
    local = datetime.combine(
        date.fromisoformat(business_date) + timedelta(days=1), cut_off, ZoneInfo(zone)
    )
    return round(local.timestamp() * MICROSECONDS)


def local_date(now: int, zone: str) -> date:
    """Return the calendar date in a shop at a moment (microseconds UTC)."""
    return datetime.fromtimestamp(now / MICROSECONDS, ZoneInfo(zone)).date()

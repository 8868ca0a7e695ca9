"""What one look at the hub saw, and what a rule says about it: a sighting per cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.projection import ProjectingJournal
from tillway.journal.queries import RouteStanding
from tillway.project.alert_records import Priority
from tillway.project.records import Release
from tillway.watch.flows import Recorder
from tillway.watch.rules import RuleBook

Minor = Mapping[str, int]
"""Currency -> minor units, without signs."""
SHOWN_STORES = 50


class HubFacts(msgspec.Struct, frozen=True):
    """What only the running hub knows; the assembly tells it.

    intake_closed, fault, audit_broken: why, "" when all is well. Bytes are of the disk and the
    files of the journal; backup_at microseconds UTC, 0 for never. guarded: it listens beyond this
    machine, so that it is no trial. certificates: connection -> microseconds UTC of its end.
    held_lanes: by route. timings: seconds and accepted messages of each commit since the last look.
    """

    intake_closed: str = ""
    fault: str = ""
    audit_broken: str = ""
    disk_free: int = 0
    disk_total: int = 0
    journal_bytes: int = 0
    wal_bytes: int = 0
    backup_at: int = 0
    guarded: bool = False
    certificates: Mapping[str, int] = msgspec.field(default_factory=dict)
    held_lanes: Mapping[str, int] = msgspec.field(default_factory=dict)
    timings: Sequence[tuple[float, int]] = ()


class Sighting(msgspec.Struct, frozen=True):
    """One cause that a rule found. since: microseconds UTC, 0 when unknown.

    lingering: not bad enough to begin, and not yet good enough to end.
    """

    rule: str
    subject: str
    headline: str
    priority: Priority | None = None
    count: int = 0
    stores: tuple[str, ...] = ()
    money: Minor = msgspec.field(default_factory=dict)
    since: int = 0
    first: str = ""
    code: str = ""
    detail: str = ""
    lingering: bool = False


class Scene(msgspec.Struct, frozen=True):
    """One look: the moment, and everything the judges may ask. now is microseconds UTC."""

    now: int
    release: Release
    book: RuleBook
    journal: ProjectingJournal
    recorder: Recorder
    facts: HubFacts
    standings: tuple[RouteStanding, ...] = ()
    set_back_seconds: float = 0.0

    def ago(self, seconds: float) -> int:
        """Return the moment so many seconds before now."""
        return self.now - round(seconds * MICROSECONDS)

    def seconds_since(self, moment: int) -> float:
        """Return how long ago a moment was, never below 0."""
        return max(0, self.now - moment) / MICROSECONDS

    def target_of(self, route: str) -> str:
        """Return the target a route leads to, "" for one that is gone."""
        found = self.release.routes.get(route)
        return found.target if found else ""


def minor_of(currency: str, minor: int) -> dict[str, int]:
    """Return one amount; nothing without a currency."""
    return {currency: minor} if currency and minor else {}


def added(first: Minor, second: Minor) -> dict[str, int]:
    """Return two sets of amounts added per currency."""
    names = sorted({*first, *second})
    return {name: first.get(name, 0) + second.get(name, 0) for name in names}

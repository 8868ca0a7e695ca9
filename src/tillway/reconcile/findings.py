"""Findings of a store-day: what the rules say now, against what is on record.

A finding has an identity (rule, store, business date, subject) and is one row for ever: it is
opened, it goes when what it says no longer holds, a person may override it, and it opens again when
it comes back or when an overridden one changes its figures. Nothing is raised twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from tillway.journal.projection import Row

FindingState = Literal["open", "gone", "overridden"]
COLUMNS = (
    "rule",
    "store",
    "business_date",
    "subject",
    "severity",
    "state",
    "owner",
    "currency",
    "expected",
    "found",
    "difference",
    "detail",
    "position",
    "first_seen",
    "changed_at",
    "decided_by",
    "decided_at",
    "reason",
)


class Finding(msgspec.Struct, frozen=True):
    """One thing a rule found. Times are microseconds UTC.

    subject: what within the store-day it is about (a register's number, a till, a natural key, ""
    for the day). expected, found, difference: as text, in currency where they are money. detail: a
    sentence for people. position: the message it is about, 0 for none.
    """

    rule: str
    store: str
    business_date: str
    subject: str = ""
    severity: str = "error"
    state: FindingState = "open"
    owner: str = ""
    currency: str = ""
    expected: str = ""
    found: str = ""
    difference: str = ""
    detail: str = ""
    position: int = 0
    first_seen: int = 0
    changed_at: int = 0
    decided_by: str = ""
    decided_at: int = 0
    reason: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what makes it this finding and no other."""
        return self.rule, self.store, self.business_date, self.subject

    @property
    def blocks(self) -> bool:
        """Whether the day may not be posted because of it."""
        return self.state == "open" and self.severity == "error"


def finding_from(row: Row) -> Finding:
    """Return the finding of a row with `COLUMNS`."""
    return Finding(*row)


def finding_row(finding: Finding) -> Row:
    """Return the row of a finding."""
    return tuple(getattr(finding, name) for name in COLUMNS)


def compared(
    known: Mapping[tuple[str, str], Finding], now: Iterable[Finding], at: int
) -> list[Finding]:
    """Return the findings that changed: new, come back, with other figures, or gone.

    known: (rule, subject) -> what is on record, of the rules that were asked; now: what they say.
    """
    changed: list[Finding] = []
    said = {(one.rule, one.subject): one for one in now}
    for key, one in said.items():
        before = known.get(key)
        if before is None:
            changed.append(msgspec.structs.replace(one, first_seen=at, changed_at=at))
        elif before.state == "gone" or _figures(before) != _figures(one):
            changed.append(
                msgspec.structs.replace(one, first_seen=before.first_seen, changed_at=at)
            )
    for key, before in known.items():
        if key not in said and before.state != "gone":
            changed.append(msgspec.structs.replace(before, state="gone", changed_at=at))
    return changed


def _figures(finding: Finding) -> tuple[str, ...]:
    return finding.severity, finding.currency, finding.expected, finding.found, finding.difference

"""Findings about numbers of a register: how their subject is written, and many told as one.

Each missing number is a finding of its own, since each may still arrive; people want to read, and
to account for, `03:1043-1046`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tillway.reconcile.findings import Finding

NUMBER_RULES = frozenset(("SEQ_GAP", "SEQ_DUPLICATE"))
_SUBJECT = re.compile(
    r"(.+):([0-9]{1,40})(?:-([0-9]{1,40}))?(?::e([0-9]{1,40}))?", re.ASCII | re.DOTALL
)


class NumberRun(NamedTuple):
    """Numbers of one register, first and last included; epoch: which run of its counter."""

    workstation: str
    epoch: int
    first: int
    last: int

    @property
    def subject(self) -> str:
        """Return the run as a finding names it: `03:1043`, `03:1043-1046`, `03:7:e2`."""
        last = f"-{self.last}" if self.last > self.first else ""
        epoch = f":e{self.epoch}" if self.epoch else ""
        return f"{self.workstation}:{self.first}{last}{epoch}"

    def holds(self, other: NumberRun) -> bool:
        """Tell whether every number of another run is one of this."""
        same = self[:2] == other[:2]
        return same and self.first <= other.first and other.last <= self.last


def run_of(subject: str) -> NumberRun | None:
    """Return the numbers a subject names, None for a text that names none."""
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        return None
    workstation, first, last, epoch = found.groups()
    return NumberRun(workstation, int(epoch or 0), int(first), int(last or first))


class FindingRun(msgspec.Struct, frozen=True):
    """Findings that differ in nothing but their number, as one; count of them."""

    finding: Finding
    count: int = 1


def in_runs(findings: Iterable[Finding]) -> list[FindingRun]:
    """Return findings in their order, with numbers that follow one another told as one.

    The subject of such a finding is the run, and first_seen that of the oldest.
    """
    told: dict[tuple[object, ...], list[tuple[NumberRun, FindingRun]]] = {}
    for place, one in enumerate(findings):
        run = run_of(one.subject) if one.rule in NUMBER_RULES else None
        if run is None:
            told[place,] = [(NumberRun("", 0, 0, 0), FindingRun(one))]
        else:
            alike = msgspec.structs.replace(
                one, subject="", first_seen=0, changed_at=0, decided_at=0
            )
            told.setdefault((alike, run.workstation, run.epoch), []).append((run, FindingRun(one)))
    return [one for group in told.values() for one in _joined(sorted(group, key=_first))]


def _first(one: tuple[NumberRun, FindingRun]) -> int:
    return one[0].first


def _joined(group: list[tuple[NumberRun, FindingRun]]) -> list[FindingRun]:
    joined = group[:1]
    for run, told in group[1:]:
        before, so_far = joined[-1]
        if run.first != before.last + 1:
            joined.append((run, told))
            continue
        whole = before._replace(last=run.last)
        first_seen = min(so_far.finding.first_seen, told.finding.first_seen)
        finding = msgspec.structs.replace(
            so_far.finding, subject=whole.subject, first_seen=first_seen
        )
        joined[-1] = (whole, FindingRun(finding, so_far.count + told.count))
    return [told for _, told in joined]


def meant(known: Mapping[tuple[str, str], Finding], rule: str, subject: str) -> list[Finding]:
    """Return the findings of a day that somebody means: the one, or the open ones of a run."""
    one = known.get((rule, subject))
    if one is not None:
        return [one]
    asked = run_of(subject) if rule in NUMBER_RULES else None
    if asked is None:
        return []
    return [
        finding
        for (of_rule, name), finding in known.items()
        if of_rule == rule
        and finding.state == "open"
        and (run := run_of(name)) is not None
        and asked.holds(run)
    ]

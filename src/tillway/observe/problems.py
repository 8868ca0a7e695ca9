"""What needs a person, by cause: dead, held, in doubt, quarantined and conflicting messages.

What merely waits behind a failing head is counted with that head, not as a failure of its own. What
a newer revision superseded is a problem apart: it cannot be sent any more, only given up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec

from tillway.clock import utc_text
from tillway.errors import ConfigurationError, code_record
from tillway.journal.base import DeliveryRow, ObjectRevision, StoredMessage
from tillway.journal.queries import InvalidRow, JournalQueries
from tillway.message import Envelope
from tillway.observe.amounts import Money, amount_of, money_of, states_money
from tillway.observe.fingerprint import cause_text, group_name, violations_text
from tillway.observe.latest import superseded_text
from tillway.observe.ledger import invalid_rows, ledger_rows
from tillway.spelling import nearest

Kind = Literal["dead", "held", "in_doubt", "quarantined", "conflict"]
SAMPLE_MEMBERS = 20
REMEMBERED_CAUSES = 4096
"""A screen asks for the same problems again and again; a cause is named once."""
RETRYABLE: frozenset[str] = frozenset({"dead", "held"})
SUPERSEDED_CODE = "TW-4013"
_STATES = ("held", "in_doubt", "dead")
_REASONS = {
    "findings": "held until its findings are looked at",
    "operator": "held by a person",
    "behind_head": "waits behind a message that is no longer listed",
}


class Member(msgspec.Struct, frozen=True):
    """One message of a problem. position is 0 for a copy that was never accepted.

    superseded_by: the newest revision stored of its object, None where it is that itself.
    """

    natural_key: str
    store: str
    message_type: str
    state: str
    at: str
    detail: str
    route: str = ""
    position: int = 0
    invalid_id: int = 0
    currency: str = ""
    amount_minor: int | None = None
    attempts: int = 0
    superseded_by: int | None = None

    @property
    def amount(self) -> Decimal | None:
        """Return its money, None when it is not known or there is none."""
        if self.amount_minor is None or not self.currency:
            return None
        return amount_of(self.amount_minor, self.currency)


class Problem(msgspec.Struct):
    """One cause. money is absolute; behind counts what waits in the lanes of its messages.

    positions (in the journal) or invalid_ids name every member, sample shows the first few.
    first_at and last_at are RFC 3339 in UTC. unknown counts members whose amount is not known;
    stores_counted says how many come from each store.
    """

    group: str
    kind: Kind
    stage: Literal["intake", "delivery"]
    route: str
    target: str
    code: str
    title: str
    text: str
    advice: str
    count: int = 0
    behind: int = 0
    unknown: int = 0
    money: Money = msgspec.field(default_factory=dict)
    stores_counted: dict[str, int] = msgspec.field(default_factory=dict)
    first_at: str = ""
    last_at: str = ""
    positions: list[int] = msgspec.field(default_factory=list)
    invalid_ids: list[int] = msgspec.field(default_factory=list)
    sample: list[Member] = msgspec.field(default_factory=list)

    @property
    def stores(self) -> list[str]:
        """Return the stores its messages come from."""
        return sorted(self.stores_counted)

    @property
    def retryable(self) -> bool:
        """Say whether its messages can be sent again by a person."""
        return self.kind in RETRYABLE and self.code != SUPERSEDED_CODE

    @property
    def all_ids(self) -> list[int]:
        """Return the journal positions or, for copies never accepted, their own numbers."""
        return self.positions or self.invalid_ids


async def problems(
    queries: JournalQueries, targets: Mapping[str, str] | None = None
) -> list[Problem]:
    """Return every open problem, the one with most messages first.

    targets: route -> name of its target; without it the route's own name stands for the target.
    """
    found = _Groups(targets or {})
    async for row, message, version in ledger_rows(queries, _STATES):
        found.add_delivery(row, message, version)
    async for copy in invalid_rows(queries):
        found.add_copy(copy)
    return found.finished()


async def problem_named(
    queries: JournalQueries, group: str, targets: Mapping[str, str] | None = None
) -> Problem:
    """Return one problem by the name of its group; the first digits are enough when unambiguous.

    Raises ConfigurationError TW-7004.
    """
    listed = await problems(queries, targets)
    matching = [problem for problem in listed if group and problem.group.startswith(group)]
    if len(matching) == 1:
        return matching[0]
    known = [problem.group for problem in listed]
    advice = f"{nearest(group, known)}Open now: {', '.join(known) or 'none'}."
    reason = "names several open problems" if matching else "is no open problem"
    raise ConfigurationError("TW-7004", f'"{group}" {reason}', value=group, advice=advice)


def problem_as_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain values, without the numbers of its members (there may be many)."""
    left_out = ("positions", "invalid_ids")
    told = msgspec.structs.asdict(problem)
    fields = {name: value for name, value in told.items() if name not in left_out}
    return {**fields, "retryable": problem.retryable}


class _Groups:
    """Problems while they are collected; rows of one route come in position order."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self._groups: dict[str, Problem] = {}
        self._lanes: dict[tuple[str, str], Problem] = {}
        self._sums: dict[str, dict[str, int]] = {}
        self._span: dict[str, tuple[int, int]] = {}

    def add_delivery(
        self, row: DeliveryRow, message: StoredMessage, version: ObjectRevision | None
    ) -> None:
        """Add a ledger row: to the group of its lane's head, or of its own cause.

        version is given for what a newer revision superseded.
        """
        lane = (row.route, row.lane)
        head = self._lanes.get(lane)
        if row.reason == "behind_head" and row.state == "held" and head is not None:
            head.behind += 1
            return
        told = superseded_text(version.newest) if version else ""
        problem = self._delivery_group(row, told)
        self._lanes[lane] = problem
        problem.positions.append(row.position)
        if len(problem.sample) < SAMPLE_MEMBERS:
            problem.sample.append(_member(row, message.envelope, version, told))
        self._count(problem, message.envelope, row.first_at or row.updated_at, row.updated_at)

    def add_copy(self, copy: InvalidRow) -> None:
        """Add a quarantined or conflicting copy."""
        kind: Kind = "conflict" if copy.outcome == "conflict" else "quarantined"
        text = violations_text(copy.violations)
        problem = self._group(kind, "intake", "", copy.system, copy.code, text)
        problem.invalid_ids.append(copy.invalid_id)
        if len(problem.sample) < SAMPLE_MEMBERS:
            problem.sample.append(_copied_member(copy, text))
        self._count(problem, copy, copy.received_at, copy.received_at)

    def finished(self) -> list[Problem]:
        """Return the groups with their sums."""
        for problem in self._groups.values():
            problem.money = money_of(self._sums[problem.group].items())
            first, last = self._span[problem.group]
            problem.first_at, problem.last_at = utc_text(first), utc_text(last)
        return sorted(self._groups.values(), key=lambda one: (-one.count - one.behind, one.group))

    def _delivery_group(self, row: DeliveryRow, superseded: str) -> Problem:
        kind: Kind = row.state if row.state in ("dead", "in_doubt") else "held"
        target = self._targets.get(row.route, row.route)
        text = row.detail or _REASONS.get(row.reason, "")
        # What is tried again by itself goes before its newer revision, in the order of its lane.
        if superseded and (kind == "dead" or row.reason == "findings"):
            return self._group(kind, "delivery", row.route, target, SUPERSEDED_CODE, superseded)
        return self._group(kind, "delivery", row.route, target, row.code, text, row.reason)

    def _group(
        self,
        kind: Kind,
        stage: Literal["intake", "delivery"],
        route: str,
        target: str,
        code: str,
        text: str,
        reason: str = "",
    ) -> Problem:
        apart = reason if reason in ("findings", "operator") else ""
        group = _group_name(target, route, stage, kind, code, text, apart)
        if group not in self._groups:
            record = code_record(code)
            self._groups[group] = Problem(
                group=group,
                kind=kind,
                stage=stage,
                route=route,
                target=target,
                code=code,
                title=record.title if record else "",
                text=text,
                advice=record.advice if record else "",
            )
            self._sums[group] = {}
        return self._groups[group]

    def _count(self, problem: Problem, one: Envelope | InvalidRow, first: int, last: int) -> None:
        problem.count += 1
        if one.amount_minor is None and states_money(one.message_type):
            problem.unknown += 1
        sums = self._sums[problem.group]
        if one.amount_minor is not None:
            sums[one.currency] = sums.get(one.currency, 0) + abs(one.amount_minor)
        if one.store:
            counted = problem.stores_counted
            counted[one.store] = counted.get(one.store, 0) + 1
        earliest, latest = self._span.get(problem.group, (first, last))
        self._span[problem.group] = (min(earliest, first), max(latest, last))


@lru_cache(REMEMBERED_CAUSES)
def _group_name(
    target: str, route: str, stage: str, kind: str, code: str, text: str, apart: str
) -> str:
    return group_name(target, route, stage, kind, code, cause_text(text), apart)


def _member(
    row: DeliveryRow, envelope: Envelope, version: ObjectRevision | None, told: str
) -> Member:
    return Member(
        natural_key=envelope.natural_key,
        store=envelope.store,
        message_type=envelope.message_type,
        state=row.state,
        at=utc_text(row.updated_at),
        detail="; ".join(filter(None, [told, row.detail])),
        route=row.route,
        position=row.position,
        currency=envelope.currency,
        amount_minor=envelope.amount_minor,
        attempts=row.attempts,
        superseded_by=version.newest if version else None,
    )


def _copied_member(copy: InvalidRow, text: str) -> Member:
    return Member(
        natural_key=copy.natural_key,
        store=copy.store,
        message_type=copy.message_type,
        state=copy.outcome,
        at=utc_text(copy.received_at),
        detail=text,
        position=copy.first_position,
        invalid_id=copy.invalid_id,
        currency=copy.currency,
        amount_minor=copy.amount_minor,
    )

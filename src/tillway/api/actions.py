"""The actions of a person, checked and planned the same way from the API, the console and the CLI.

A plan names count, stores and money before anything is changed; an action that finds another count
than the person agreed to stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tillway.api.operations import Keeping, Operations, PlannedReplay, Selection
from tillway.errors import ConfigurationError
from tillway.journal.queries import JournalQueries
from tillway.observe import Problem, problem_named, targets_by_route
from tillway.observe.amounts import Money, money_of
from tillway.observe.problems import SAMPLE_MEMBERS, SUPERSEDED_CODE
from tillway.project.records import Release
from tillway.spelling import nearest

ACTIONS: Mapping[str, frozenset[str]] = {
    "retry": frozenset({"dead", "held", "quarantined"}),
    "abandon": frozenset({"dead", "held", "in_doubt"}),
    "hold": frozenset({"held"}),
    "release": frozenset({"held"}),
    "skip": frozenset({"dead", "held", "in_doubt"}),
}
"""action -> kinds of problems it fits: what is in doubt is never sent again from a list."""
KEPT: Mapping[Keeping, str] = {"hold": "kept", "release": "released", "skip": "skipped"}
"""order -> field that says how many were done."""


class LetterPlan(msgspec.Struct, frozen=True):
    """Which messages of a problem an action touches, oldest first.

    ids are journal positions, or numbers of kept copies when kind is quarantined. money is absolute
    and covers the whole problem when all of it is chosen, else the chosen ones. code is that of the
    problem, TW-4013 when newer revisions of its messages are stored.
    """

    group: str
    kind: str
    route: str
    target: str
    count: int
    of: int
    stores: list[str] = msgspec.field(default_factory=list)
    money: Money = msgspec.field(default_factory=dict)
    ids: Sequence[int] = ()
    code: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the plan without the list of its messages."""
        return {name: told for name, told in msgspec.structs.asdict(self).items() if name != "ids"}


async def plan_letters(
    queries: JournalQueries, release: Release | None, group: str, *, sample: int = 0
) -> LetterPlan:
    """Plan a retry or an abandonment: the oldest `sample` messages of a problem, 0 for all.

    Raises ConfigurationError TW-7004 for an unknown problem, TW-7010 for a sample above 20.
    """
    if not 0 <= sample <= SAMPLE_MEMBERS:
        raise ConfigurationError(
            "TW-7010",
            f"a sample has 1 to {SAMPLE_MEMBERS} messages",
            value=sample,
            advice=f"Try 1, then 10, then all; at most {SAMPLE_MEMBERS} count as a sample.",
        )
    problem = await problem_named(queries, group, targets_by_route(release))
    ids = sorted(problem.all_ids)
    chosen = ids[:sample] if sample else ids
    return LetterPlan(
        group=problem.group,
        kind=problem.kind,
        route=problem.route,
        target=problem.target,
        count=len(chosen),
        of=problem.count,
        stores=problem.stores,
        money=problem.money if len(chosen) == len(ids) else _sample_money(problem, len(chosen)),
        ids=chosen,
        code=problem.code,
    )


async def retry_letters(
    operations: Operations, plan: LetterPlan, *, who: str, reason: str
) -> dict[str, Any]:
    """Send the messages of a plan again, or take quarantined copies in again.

    Raises ConfigurationError TW-7005 or TW-4013 for what cannot be retried, TW-7007 without a
    reason.
    """
    _need(reason)
    check_retryable(plan, "retry")
    if plan.kind == "quarantined":
        outcomes = await operations.reprocess(plan.ids, who, reason)
        return {**plan.as_json(), "outcomes": outcomes}
    retried = await operations.retry(plan.route, plan.ids, who, reason)
    return {**plan.as_json(), "retried": retried}


async def abandon_letters(
    operations: Operations, plan: LetterPlan, *, who: str, reason: str
) -> dict[str, Any]:
    """Give the messages of a plan up. Raises ConfigurationError TW-7005 or TW-7007."""
    _need(reason)
    check_retryable(plan, "abandon")
    abandoned = await operations.abandon(plan.route, plan.ids, who, reason)
    return {**plan.as_json(), "abandoned": abandoned}


async def keep_letters(
    operations: Operations, plan: LetterPlan, verb: Keeping, *, who: str, reason: str
) -> dict[str, Any]:
    """Hold, release or skip the messages of a plan. Raises as `retry_letters` does."""
    _need(reason)
    check_retryable(plan, verb)
    done = await operations.keep(verb, plan.route, plan.ids, who, reason)
    return {**plan.as_json(), KEPT[verb]: done}


def check_retryable(plan: LetterPlan, verb: str) -> None:
    """Raise ConfigurationError when this problem does not take this action.

    TW-7005: its kind does not. TW-4013: a retry would send what newer revisions superseded.
    """
    if plan.kind not in ACTIONS[verb]:
        raise ConfigurationError(
            "TW-7005", f"{verb} does not fit a message that is {plan.kind.replace('_', ' ')}"
        )
    if verb in ("retry", "release") and plan.code == SUPERSEDED_CODE:
        message = "message is" if plan.of == 1 else f"{plan.of:,} messages are"
        raise ConfigurationError(
            SUPERSEDED_CODE,
            f"nothing was sent: the {message} superseded by a newer revision",
        )


async def plan_replay(
    operations: Operations, release: Release | None, selection: Selection
) -> PlannedReplay:
    """Plan a replay. Raises ConfigurationError TW-7009 for an unknown route."""
    if release is not None:
        known_name("route", selection.route, release.routes)
    return await operations.plan_replay(selection)


def known_name(kind: str, name: str, known: Mapping[str, object]) -> None:
    """Raise ConfigurationError TW-7009 when the project has no route or source of this name."""
    if name not in known:
        raise ConfigurationError(
            "TW-7009",
            f'there is no {kind} "{name}"',
            value=name,
            advice=f"{nearest(name, known)}Known: {', '.join(sorted(known)) or 'none'}.",
        )


def check_count(planned: int, agreed: int | None) -> None:
    """Raise ConfigurationError TW-7006 when a plan is no longer what the person agreed to."""
    if agreed is not None and agreed != planned:
        raise ConfigurationError(
            "TW-7006", f"{agreed} messages were agreed to, now it is {planned}"
        )


def replay_plan_as_json(plan: PlannedReplay) -> dict[str, Any]:
    """Return a replay's plan as plain values."""
    left_out = [msgspec.structs.asdict(one) for one in plan.left_out]
    return {**msgspec.structs.asdict(plan), "left_out": left_out}


def _sample_money(problem: Problem, count: int) -> Money:
    return money_of(
        (one.currency, None if one.amount_minor is None else abs(one.amount_minor))
        for one in problem.sample[:count]
    )


def _need(reason: str) -> None:
    if not reason.strip():
        raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")

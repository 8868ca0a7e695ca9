"""Carries out the orders of `dlq`, such as `retry`: plan, show, ask, act; says what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from tillway.api.actions import (
    LetterPlan,
    abandon_letters,
    check_retryable,
    keep_letters,
    plan_letters,
    retry_letters,
)
from tillway.api.client import HubClient
from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.confirm import agreed
from tillway.cli.counting import counted
from tillway.cli.options import HERE, ConfirmCount, DryRun, Json, Project, Reason, Yes
from tillway.cli.output import emit, money_text, note
from tillway.cli.reading import opened
from tillway.errors import ConfigurationError

_SENTENCES = {
    "retried": "sent on their way again; what fails anew shows in `tillway dlq list` under its new "
    "cause",
    "abandoned": "given up",
    "kept": "held, with what waits behind them, until `tillway dlq release`",
    "released": "let go",
    "skipped": "taken out of their lanes, which go on; they are dead letters now",
}


Verb = Literal["retry", "abandon", "hold", "release", "skip"]
Sample = Annotated[
    int | None, Parameter(name="--sample", help="Only the oldest N: 1 first, then 10.")
]
All = Annotated[bool, Parameter(name="--all", negative=(), help="Every message of the problem.")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The options that every order about the messages of a problem takes."""

    sample: Sample = None
    all_: All = False
    reason: Reason = ""
    dry_run: DryRun = False
    yes: Yes = False
    confirm_count: ConfirmCount = None
    project: Project = HERE
    json: Json = False

    @property
    def size(self) -> int:
        """Return how many messages were asked for, 0 for all; one when nothing was said.

        Raises ConfigurationError TW-7010 when both were said.
        """
        if self.all_ and self.sample is not None:
            raise ConfigurationError("TW-7010", "--sample and --all exclude each other")
        if self.sample is not None and self.sample < 1:
            raise ConfigurationError("TW-7010", "--sample takes 1 or more", value=self.sample)
        return 0 if self.all_ else (self.sample or 1)


NOTHING_SAID = Order()


def change_letters(verb: Verb, group: str, order: Order) -> int:
    """Plan the change, ask, carry it out through the hub or here, and print what was done."""
    size = order.size
    if not order.dry_run:
        need_reason(order.reason)
    plan = asyncio.run(_plan(order.project, group, size))
    check_retryable(plan, verb)
    data = {**plan.as_json(), "dry_run": order.dry_run}
    if order.dry_run:
        line = _plan_line(verb, plan)
        emit(f"dlq.{verb}", data, lambda console: console.print(line), order.json)
        return exit_codes.DONE
    note(_plan_line(verb, plan))
    # The oldest one alone needs no question: the ladder starts there.
    if plan.count > 1 and not agreed(plan.count, yes=order.yes, confirm_count=order.confirm_count):
        note("nothing was changed")
        return exit_codes.FAILED
    here, there = _here(verb, plan, order.reason), _there(verb, plan, size, order.reason)
    done = act(order.project, here, there)
    emit(f"dlq.{verb}", {**data, **_told(done)}, lambda console: _draw(console, done), order.json)
    return exit_codes.DONE


async def _plan(project: Path, group: str, sample: int) -> LetterPlan:
    async with opened(project) as journal:
        return await plan_letters(journal.reader, journal.release, group, sample=sample)


def _here(
    verb: Verb, plan: LetterPlan, reason: str
) -> Callable[[Operations], Awaitable[dict[str, Any]]]:
    async def changed(operations: Operations) -> dict[str, Any]:
        who = person()
        if verb == "retry":
            return await retry_letters(operations, plan, who=who, reason=reason)
        if verb == "abandon":
            return await abandon_letters(operations, plan, who=who, reason=reason)
        return await keep_letters(operations, plan, verb, who=who, reason=reason)

    return changed


def _there(
    verb: Verb, plan: LetterPlan, sample: int, reason: str
) -> Callable[[HubClient], dict[str, Any]]:
    request = {
        "group": plan.group,
        "sample": sample,
        "agreed": plan.count,
        "who": person(),
        "reason": reason,
    }
    return lambda client: client.post(f"/api/v1/dlq/{verb}", request)


def _plan_line(verb: Verb, plan: LetterPlan) -> str:
    what = "take in again" if plan.kind == "quarantined" else verb
    where = f" on {plan.route}" if plan.route else ""
    return (
        f"{what} {plan.count:,} of {counted(plan.of, 'message')} "
        f"({money_text(plan.money)}){where}, stores {', '.join(plan.stores) or '-'}"
    )


def _told(done: dict[str, Any]) -> dict[str, Any]:
    return {name: done[name] for name in (*_SENTENCES, "outcomes") if name in done}


def _draw(console: Console, done: dict[str, Any]) -> None:
    for name, sentence in _SENTENCES.items():
        if name in done:
            console.print(f"{done[name]:,} {sentence}")
    if "outcomes" in done:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(done["outcomes"].items()))
        console.print(f"taken in again: {told or 'nothing'}")

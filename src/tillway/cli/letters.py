"""Carries out the orders of `dlq`, such as `retry`: plan, show, ask, act; says what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person typed. sample 0 means every message of the problem."""

    verb: Literal["retry", "abandon", "hold", "release", "skip"]
    group: str
    sample: int
    reason: str
    dry_run: bool
    yes: bool
    confirm_count: int | None


def sample_size(sample: int | None, *, all_: bool) -> int:
    """Return how many messages were asked for, 0 for all; one when nothing was said.

    Raises ConfigurationError TW-7010 when both were said.
    """
    if all_ and sample is not None:
        raise ConfigurationError("TW-7010", "--sample and --all exclude each other")
    if sample is not None and sample < 1:
        raise ConfigurationError("TW-7010", "--sample takes 1 or more", value=sample)
    return 0 if all_ else (sample or 1)


def change_letters(project: Path, asked: Asked, *, json: bool) -> int:
    """Plan the change, ask, carry it out through the hub or here, and print what was done."""
    if not asked.dry_run:
        need_reason(asked.reason)
    plan = asyncio.run(_plan(project, asked))
    check_retryable(plan, asked.verb)
    data = {**plan.as_json(), "dry_run": asked.dry_run}
    verb = f"dlq.{asked.verb}"
    if asked.dry_run:
        emit(verb, data, lambda console: console.print(_plan_line(asked, plan)), json)
        return exit_codes.DONE
    note(_plan_line(asked, plan))
    # The oldest one alone needs no question: the ladder starts there.
    if plan.count > 1 and not agreed(plan.count, yes=asked.yes, confirm_count=asked.confirm_count):
        note("nothing was changed")
        return exit_codes.FAILED
    done = act(project, _here(asked, plan), _there(asked, plan))
    emit(verb, {**data, **_told(done)}, lambda console: _draw(console, done), json)
    return exit_codes.DONE


async def _plan(project: Path, asked: Asked) -> LetterPlan:
    async with opened(project) as journal:
        return await plan_letters(journal.reader, journal.release, asked.group, sample=asked.sample)


def _here(asked: Asked, plan: LetterPlan) -> Callable[[Operations], Awaitable[dict[str, Any]]]:
    async def changed(operations: Operations) -> dict[str, Any]:
        who, reason = person(), asked.reason
        if asked.verb == "retry":
            return await retry_letters(operations, plan, who=who, reason=reason)
        if asked.verb == "abandon":
            return await abandon_letters(operations, plan, who=who, reason=reason)
        return await keep_letters(operations, plan, asked.verb, who=who, reason=reason)

    return changed


def _there(asked: Asked, plan: LetterPlan) -> Callable[[HubClient], dict[str, Any]]:
    request = {
        "group": plan.group,
        "sample": asked.sample,
        "agreed": plan.count,
        "who": person(),
        "reason": asked.reason,
    }
    return lambda client: client.post(f"/api/dlq/{asked.verb}", request)


def _plan_line(asked: Asked, plan: LetterPlan) -> str:
    what = "take in again" if plan.kind == "quarantined" else asked.verb
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

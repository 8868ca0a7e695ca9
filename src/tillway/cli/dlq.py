"""`tillway dlq`: what could not be delivered or taken in, by cause; look, retry, give up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.dlq_money import draw_stuck
from tillway.cli.letters import NOTHING_SAID, Order, change_letters
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import opened
from tillway.clock import SystemClock
from tillway.observe import Problem, problem_as_json, problem_named, problems, targets_by_route
from tillway.observe.stuck import stuck_money

dlq = App(
    name="dlq",
    help="What could not be delivered or taken in, by cause: list, show, retry, hold, skip ...",
    result_action="return_value",
)
ByMoney = Annotated[
    bool, Parameter(name="--money", negative=(), help="Stuck money by target and age, with totals.")
]
Raw = Annotated[bool, Parameter(name="--raw", negative=(), help="Print the oldest kept copy.")]


@dlq.command(name="list")
def list_(*, money: ByMoney = False, project: Project = HERE, json: Json = False) -> int:
    """List the open problems with count, money, stores and age. Leaves with 2 when there are any.

    Example: tillway dlq list --money
    """
    found = asyncio.run(_problems(project))
    data: dict[str, Any] = {"problems": [problem_as_json(one) for one in found]}
    if money:
        stuck = stuck_money(found, SystemClock().now())
        emit(
            "dlq.list",
            {**data, **stuck.as_json()},
            lambda console: draw_stuck(console, stuck),
            json,
        )
    else:
        emit("dlq.list", data, lambda console: _draw_list(console, found), json)
    return exit_codes.ATTENTION if found else exit_codes.DONE


@dlq.command
def show(group: str, /, *, raw: Raw = False, project: Project = HERE, json: Json = False) -> int:
    """Show one problem and its messages; the first digits of its name are enough.

    Example: tillway dlq show 3fa0

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    found, text = asyncio.run(_one(project, group, raw=raw))
    members = {"positions": found.positions, "invalid_ids": found.invalid_ids}
    data = {**problem_as_json(found), **members, **({"raw": text} if raw else {})}
    emit("dlq.show", data, lambda console: _draw_one(console, found, text), json)
    return exit_codes.DONE


@dlq.command
def retry(group: str, /, *, order: Order = NOTHING_SAID) -> int:
    """Send the messages of a problem again: the oldest one, then --sample 10, then --all.

    Each keeps its key, so the target books nothing twice. Quarantined messages are taken in again
    with the current mapping.

    Example: tillway dlq retry 3fa0 --sample 1 --reason "account opened"

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    return change_letters("retry", group, order)


@dlq.command
def abandon(group: str, /, *, order: Order = NOTHING_SAID) -> int:
    """Give the messages of a problem up, by name and with a reason; their lanes go on.

    Example: tillway dlq abandon 3fa0 --sample 1 --reason "booked by hand"

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    return change_letters("abandon", group, order)


@dlq.command
def hold(group: str, /, *, order: Order = NOTHING_SAID) -> int:
    """Keep the messages of a problem, and their lanes, until they are released; nothing is tried.

    Example: tillway dlq hold 3fa0 --sample 1 --reason "account is being opened"

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    return change_letters("hold", group, order)


@dlq.command
def release(group: str, /, *, order: Order = NOTHING_SAID) -> int:
    """Let the messages of a problem go that are held; each keeps its key.

    Example: tillway dlq release 3fa0 --sample 1 --reason "account opened"

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    return change_letters("release", group, order)


@dlq.command
def skip(group: str, /, *, order: Order = NOTHING_SAID) -> int:
    """Take the messages of a problem out of their lanes, which go on; they become dead letters.

    Example: tillway dlq skip 3fa0 --sample 1 --reason "wrong till number"

    Parameters
    ----------
    group
        Name of the problem, as `tillway dlq list` shows it.
    """
    return change_letters("skip", group, order)


async def _problems(project: Path) -> list[Problem]:
    async with opened(project) as journal:
        return await problems(journal.reader, targets_by_route(journal.release))


async def _one(project: Path, group: str, *, raw: bool) -> tuple[Problem, str]:
    """Return a problem and, when asked, the bytes of its oldest message as text."""
    async with opened(project) as journal:
        found = await problem_named(journal.reader, group, targets_by_route(journal.release))
        if not raw:
            return found, ""
        if found.invalid_ids:
            [copy] = await journal.reader.find_invalid([f"#{found.invalid_ids[0]}"], 1)
            return found, copy.raw.decode("utf-8", "replace")
        record = await journal.reader.record(found.positions[0])
        return found, record.raw.decode("utf-8", "replace") if record else ""


def _draw_list(console: Console, found: list[Problem]) -> None:
    if not found:
        console.print("No open problems.")
        return
    numbers = ("count", "behind", "money")
    drawn = table("problem", "kind", *numbers, "stores", "where", "cause", "since", right=numbers)
    for one in found:
        unknown = f" + {one.unknown} unknown" if one.unknown else ""
        drawn.add_row(
            one.group,
            one.kind.replace("_", " "),
            f"{one.count:,}",
            f"{one.behind:,}",
            f"{money_text(one.money)}{unknown}",
            str(len(one.stores)),
            one.target,
            f"{one.code} {one.text or one.title}".strip(),
            one.first_at,
        )
    console.print(drawn)


def _draw_one(console: Console, found: Problem, raw: str) -> None:
    console.print(f"{found.group}  {found.kind.replace('_', ' ')}  {found.code}", style="bold")
    console.print(found.title or found.text)
    if found.title and found.text:
        console.print(found.text, soft_wrap=True)
    console.print(
        f"{counted(found.count, 'message')}, {found.behind:,} held behind, "
        f"{money_text(found.money)}, stores {', '.join(found.stores) or '-'}"
    )
    console.print(", ".join(_places(found)))
    if found.advice:
        console.print(f"do    {found.advice}", soft_wrap=True)
    drawn = table("message", "store", "money", "tries", "last", "said", right=("money", "tries"))
    for member in found.sample:
        money = {} if member.amount is None else {member.currency: member.amount}
        drawn.add_row(
            f"@{member.position}" if member.position else f"#{member.invalid_id}",
            member.store,
            money_text(money),
            str(member.attempts or "-"),
            member.at,
            f"{member.natural_key} {member.detail}".strip(),
        )
    console.print(drawn)
    if raw:
        console.print(raw, soft_wrap=True)


def _places(found: Problem) -> list[str]:
    """Return where a problem is and since when, as far as each is known."""
    named = (
        ("where", f"{found.target} {found.route}".strip()),
        ("since", found.first_at),
        ("last", found.last_at),
    )
    return [f"{name} {value}" for name, value in named if value]

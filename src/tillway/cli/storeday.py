"""`tillway storeday`: one shop on one business date: look, approve, open again, account for."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import opened
from tillway.cli.recon import From, Store, To, business_date, draw_findings
from tillway.clock import SystemClock, utc_text
from tillway.errors import ConfigurationError
from tillway.reconcile import (
    DayInFull,
    Decision,
    StoreDay,
    as_json,
    day_in_full,
    ready,
    store_days,
    symbol_of,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST
from tillway.reconcile.store_day import MEANINGS

storeday = App(
    name="storeday",
    help="Store-days: list, show, approve, reopen, and account for findings.",
    result_action="return_value",
)
SHOWN = 200


@storeday.command(name="list")
def list_(
    *,
    from_: From = "",
    to: To = "",
    store: Store = "",
    state: Annotated[str, Parameter(name="--state", help="Only days in this state.")] = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """List store-days with their state and money. Leaves with 2 when one is an exception.

    Example: tillway storeday list --from 2026-11-20 --state exceptions
    """
    found = asyncio.run(_days(project, from_, to, store))
    found = [day for day in found if state in ("", day.state)]
    data = {"days": [as_json(day) for day in found]}
    emit("storeday.list", data, lambda console: _draw_list(console, found), json)
    wrong = any(day.state == "exceptions" for day in found)
    return exit_codes.ATTENTION if wrong else exit_codes.DONE


@storeday.command
def show(store: str, date: str, /, *, project: Project = HERE, json: Json = False) -> int:
    """Show one store-day: figures as declared and received, findings, its life, its postings.

    Example: tillway storeday show 0145 2026-11-20

    Parameters
    ----------
    store
        The shop.
    date
        The business date, such as 2026-11-20.
    """
    found = asyncio.run(_one(project, store, business_date(date)))
    emit("storeday.show", as_json(found), lambda console: _draw(console, found), json)
    wrong = any(one.blocks for one in found.findings)
    return exit_codes.ATTENTION if wrong else exit_codes.DONE


@storeday.command
def approve(
    store: str, date: str, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Release a balanced day for the ERP.

    Example: tillway storeday approve 0145 2026-11-20 --reason "checked against the till roll"

    Parameters
    ----------
    store
        The shop.
    date
        The business date.
    """
    return _change("approve", store, date, reason, project, json=json)


@storeday.command
def reopen(
    store: str, date: str, /, *, reason: Reason = "", project: Project = HERE, json: Json = False
) -> int:
    """Open a posted day again: what was booked is reversed and a new revision is posted.

    Example: tillway storeday reopen 0145 2026-11-20 --reason "till 3 was recounted"

    Parameters
    ----------
    store
        The shop.
    date
        The business date.
    """
    return _change("reopen", store, date, reason, project, json=json)


@storeday.command
def override(
    store: str,
    date: str,
    rule: str,
    subject: str = "",
    /,
    *,
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Account for a finding: it stays on record with your reason and blocks no longer.

    Example: tillway storeday override 0145 2026-11-20 SEQ_GAP 03:1043 --reason "cancelled sale"

    Parameters
    ----------
    store
        The shop.
    date
        The business date.
    rule
        The audit rule, such as SEQ_GAP.
    subject
        What it is about, as `tillway storeday show` writes it; nothing for the day itself.
    """
    return _change("override", store, date, reason, project, json=json, findings=[[rule, subject]])


def _change(
    verb: str, store: str, date: str, reason: str, project: Path, *, json: bool, **more: Any
) -> int:
    need_reason(reason)
    asked = {
        "store": store,
        "business_date": business_date(date),
        "who": person(),
        "reason": reason,
        **more,
    }
    done = act(
        project,
        lambda operations: _decide_here(operations, verb, asked),
        lambda hub: hub.post(f"/api/storedays/{verb}", asked),
    )
    day = done["day"]
    told = f"{day['store']} {day['business_date']} is {day['state']}: {MEANINGS[day['state']]}"
    emit(f"storeday.{verb}", done, lambda console: console.print(told), json)
    return exit_codes.DONE


async def _decide_here(operations: Operations, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
    desk = operations.desk
    decision = Decision(asked["who"], asked["reason"], SystemClock().now())
    place = (asked["store"], asked["business_date"])
    if verb == "override":
        pairs = [(rule, subject) for rule, subject in asked["findings"]]
        day = await desk.override(*place, pairs, decision)
    else:
        day = await (desk.approve if verb == "approve" else desk.reopen)(*place, decision)
    return {"day": as_json(day)}


async def _days(project: Path, first: str, last: str, store: str) -> list[StoreDay]:
    async with opened(project) as journal:
        await ready(journal.reader)
        return await store_days(
            journal.reader,
            first=business_date(first, ANY_FIRST),
            last=business_date(last, ANY_LAST),
            store=store,
        )


async def _one(project: Path, store: str, date: str) -> DayInFull:
    async with opened(project) as journal:
        await ready(journal.reader)
        found = await day_in_full(journal.reader, store, date)
    if found is None:
        raise ConfigurationError(
            "TW-6910", f"there is no store-day {store} {date}", store=store, business_date=date
        )
    return found


def _draw_list(console: Console, days: list[StoreDay]) -> None:
    counts = Counter(day.state for day in days)
    told = ", ".join(f"{state} {count}" for state, count in sorted(counts.items()))
    console.print(f"{len(days)} store-days: {told or 'none'}", style="bold")
    drawn = table(
        *(
            "",
            "store",
            "date",
            "state",
            "rev",
            "messages",
            "money",
            "missing",
            "findings",
            "off by",
        ),
        right=("rev", "messages", "missing", "findings"),
    )
    for day in days[:SHOWN]:
        drawn.add_row(
            *(symbol_of(day), day.store, day.business_date, day.state, str(day.revision)),
            *(f"{day.messages:,}", money_text(day.money), str(day.gaps), str(day.findings)),
            money_text(day.difference) if day.difference else "",
        )
    if days:
        console.print(drawn)
    if len(days) > SHOWN:
        console.print(f"and {len(days) - SHOWN} more; narrow them with --store, --from or --state")


def _draw(console: Console, found: DayInFull) -> None:
    day = found.day
    head = f"{day.store} {day.business_date}: {day.state}, revision {day.revision}"
    console.print(head, style="bold")
    console.print(MEANINGS[day.state])
    figures = table("figure", "currency", "declared", "received", "difference",
                    right=("declared", "received", "difference"))  # fmt: skip
    for one in found.measures:
        apart = one.difference if one.difference not in (None, "0", "0.00") else ""
        figures.add_row(one.name, one.currency, one.declared or "", one.received, apart)
    console.print(figures)
    registers = table("register", "numbers", "messages", "declared", right=("messages",))
    for name, register in found.workstations.items():
        runs = ", ".join(
            f"{first}-{last} ({count})" for first, last, count in register["numbers"].values()
        )
        registers.add_row(name, runs, str(register["messages"]), _declared(register["declared"]))
    console.print(registers)
    shown = [one for one in found.findings if one.state != "gone"]
    if shown:
        draw_findings(console, shown)
    postings = table("posting", "amount", "state", "document")
    for posting in found.postings:
        amount = f"{posting.amount} {posting.currency}"
        postings.add_row(posting.posting_key, amount, posting.state, posting.document_number)
    if found.postings:
        console.print(postings)
    life = table("when (UTC)", "state", "rev", "who", "why")
    for move in found.moves:
        life.add_row(utc_text(move.at), move.state, str(move.revision), move.who, move.why)
    console.print(life)


def _declared(declared: list[int | None] | None) -> str:
    if declared is None:
        return ""
    first, last, count = declared
    return f"{first}-{last} ({count})"

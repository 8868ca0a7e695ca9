"""`tillway storeday`: one shop on one business date: look, approve, open again, account for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit
from tillway.cli.recon import From, Store, To, reconciled, today_of
from tillway.cli.recon_tables import draw_day, draw_days, draw_matrix
from tillway.clock import SystemClock
from tillway.errors import ConfigurationError
from tillway.reconcile import (
    LEGEND,
    DayInFull,
    Decision,
    StoreDay,
    as_json,
    business_date,
    day_in_full,
    last_days,
    matrix_of,
    store_days,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST
from tillway.reconcile.store_day import MEANINGS
from tillway.spelling import nearest

storeday = App(
    name="storeday",
    help="Store-days: list, show, approve, reopen, and account for findings.",
    result_action="return_value",
)
MATRIX_DAYS = 14
NONE = "-"
MaybeNone = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""A store or a date, or `-`, which a parser would else take for the beginning of an option."""
"""Written for the store or the date of a finding that belongs to none."""


@storeday.command(name="list")
def list_(
    *,
    from_: From = "",
    to: To = "",
    store: Store = "",
    state: Annotated[str, Parameter(name="--state", help="Only days in this state.")] = "",
    matrix: Annotated[
        bool,
        Parameter(
            name="--matrix",
            negative=(),
            help="Shops by days, a sign for each; the last 14 days without --from and --to.",
        ),
    ] = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """List store-days with their state and money. Leaves with 2 when one is an exception.

    Example: tillway storeday list --from 2026-11-20 --state exceptions

    Example: tillway storeday list --matrix
    """
    if state and state not in MEANINGS:
        raise ConfigurationError(
            "TW-6908", f"{state} is no state of a store-day", value=state,
            advice=f"{nearest(state, MEANINGS)}States: {', '.join(MEANINGS)}.",
        )  # fmt: skip
    recent = matrix and not (from_ or to)
    found = asyncio.run(_days(project, from_, to, store, state, recent=recent))
    if matrix:
        drawn = matrix_of(found)
        data = {"dates": drawn.dates, "rows": drawn.rows, "states": drawn.states}
        data["legend"] = LEGEND
        emit("recon.matrix", data, lambda console: draw_matrix(console, drawn), json)
    else:
        data = {"days": [as_json(day) for day in found]}
        emit("storeday.list", data, lambda console: draw_days(console, found), json)
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
    emit("storeday.show", as_json(found), lambda console: draw_day(console, found), json)
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
    store: MaybeNone,
    date: MaybeNone,
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

    Example: tillway storeday override 0145 2026-11-20 SEQ_GAP 03:1043-1046 --reason "till replaced"

    Parameters
    ----------
    store
        The shop; `-` for a finding that belongs to none.
    date
        The business date; `-` for none.
    rule
        The audit rule, such as SEQ_GAP.
    subject
        What it is about, as `tillway storeday show` writes it; nothing for the day itself. A run of
        numbers means those of them that are open.
    """
    return _change("override", store, date, reason, project, json=json, findings=[[rule, subject]])


@storeday.command
def assign(
    store: MaybeNone,
    date: MaybeNone,
    rule: str,
    subject: str = "",
    /,
    *,
    owner: Annotated[str, Parameter(name="--owner", help="Who looks after it from now on.")],
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Give a finding to somebody, who then stands beside it in every list.

    Example: tillway storeday assign 0145 2026-11-20 SEQ_GAP 03:1043 --owner mia

    Parameters
    ----------
    store
        The shop; `-` for a finding that belongs to none.
    date
        The business date; `-` for none.
    rule
        The audit rule, such as SEQ_GAP.
    subject
        What it is about, as `tillway storeday show` writes it; nothing for the day itself. A run of
        numbers means those of them that are open.
    """
    asked = {
        "store": "" if store == NONE else store,
        "business_date": "" if date == NONE else business_date(date),
        "rule": rule,
        "subject": subject,
        "owner": owner,
        "who": person(),
    }
    done = act(
        project,
        lambda operations: _assign_here(operations, asked),
        lambda hub: hub.post("/api/v1/recon/assign", asked),
    )
    told = f"{rule} {subject}".strip()
    emit("recon.assign", done, lambda console: console.print(f"{told} is {owner}'s now"), json)
    return exit_codes.DONE


def _change(
    verb: str, store: str, date: str, reason: str, project: Path, *, json: bool, **more: Any
) -> int:
    need_reason(reason)
    asked = {
        "store": "" if store == NONE else store,
        "business_date": "" if date == NONE else business_date(date),
        "who": person(),
        "reason": reason,
        **more,
    }
    done = act(
        project,
        lambda operations: _decide_here(operations, verb, asked),
        lambda hub: hub.post(f"/api/v1/storedays/{verb}", asked),
    )
    told = "accounted for; it stays on record with your reason"
    if day := done["day"]:
        told = f"{day['store']} {day['business_date']} is {day['state']}: {MEANINGS[day['state']]}"
    emit(f"storeday.{verb}", done, lambda console: console.print(told), json)
    return exit_codes.DONE


async def _decide_here(operations: Operations, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
    desk = operations.desk
    decision = Decision(asked["who"], asked["reason"], SystemClock().now())
    place = (asked["store"], asked["business_date"])
    if verb == "override":
        pairs = [(rule, subject) for rule, subject in asked["findings"]]
        found = await desk.override(*place, pairs, decision)
        return {"day": as_json(found) if found else None}
    day = await (desk.approve if verb == "approve" else desk.reopen)(*place, decision)
    return {"day": as_json(day)}


async def _assign_here(operations: Operations, asked: dict[str, Any]) -> dict[str, Any]:
    owner = asked["owner"]
    by = Decision(asked["who"], f"to {owner}", SystemClock().now())
    place = (asked["store"], asked["business_date"])
    await operations.desk.assign(*place, asked["rule"], asked["subject"], owner, by)
    return {"owner": owner}


async def _days(
    project: Path, from_: str, to: str, store: str, state: str, *, recent: bool
) -> list[StoreDay]:
    first = business_date(from_, ANY_FIRST, field="--from")
    last = business_date(to, ANY_LAST, field="--to")
    async with reconciled(project) as journal:
        if recent:
            first, last = last_days(today_of(journal), MATRIX_DAYS)
        return await store_days(journal.reader, first=first, last=last, store=store, state=state)


async def _one(project: Path, store: str, date: str) -> DayInFull:
    async with reconciled(project) as journal:
        found = await day_in_full(journal.reader, store, date, today=today_of(journal))
    if found is None:
        raise ConfigurationError(
            "TW-6910", f"there is no store-day {store} {date}", store=store, business_date=date
        )
    return found

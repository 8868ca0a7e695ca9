"""`tillway recon`: do the books of till, hub, ERP, processor and bank agree, and where do they not.

Differences are findings; each belongs to a store-day, and goes by itself when it is explained.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import Console

from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, note, print_document, progress, table
from tillway.cli.reading import opened
from tillway.clock import SystemClock
from tillway.errors import ConfigurationError
from tillway.observe.moments import age_text, seconds_since
from tillway.reconcile import (
    Decision,
    Finding,
    StoreDay,
    as_json,
    findings,
    ready,
    sheets,
    store_days,
    write_csv,
    write_xlsx,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST

recon = App(
    name="recon",
    help="Reconcile till, hub, ERP, processor and bank: show differences, audit anew, export.",
    result_action="return_value",
)
From = Annotated[str, Parameter(name="--from", help="First business date: 2026-11-20.")]
To = Annotated[str, Parameter(name="--to", help="Last business date.")]
Store = Annotated[str, Parameter(name="--store", help="Only this shop.")]
SHOWN = 200


@recon.command
def show(
    *,
    from_: From = "",
    to: To = "",
    store: Store = "",
    rule: Annotated[str, Parameter(name="--rule", help="Only this audit rule.")] = "",
    all_: Annotated[
        bool, Parameter(name="--all", negative=(), help="Also what is gone or accounted for.")
    ] = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """List what does not agree, oldest first. Leaves with 2 when something is open.

    Example: tillway recon show --from 2026-11-01 --rule SEQ_GAP
    """
    found = asyncio.run(_findings(project, from_, to, store, rule, "" if all_ else "open"))
    data = {"findings": [as_json(one) for one in found]}
    emit("recon.show", data, lambda console: draw_findings(console, found), json)
    return exit_codes.ATTENTION if any(one.blocks for one in found) else exit_codes.DONE


@recon.command
def run(
    *,
    from_: From = "",
    to: To = "",
    store: Store = "",
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Add the days of a range up again from their stored facts and ask every rule anew.

    Do it after a rule, a tolerance or a tax rate was changed. Nothing is fetched or sent.

    Example: tillway recon run --from 2026-11-01 --reason "new tax rate"
    """
    need_reason(reason)
    first, last = _range(from_, to)
    done = act(
        project,
        lambda operations: _run_here(operations, first, last, store, reason),
        lambda hub: hub.post(
            "/api/recon/run",
            {"first": first, "last": last, "store": store, "who": person(), "reason": reason},
        ),
    )
    emit("recon.run", done, lambda console: console.print(_told(done)), json)
    return exit_codes.DONE


@recon.command
def export(
    *,
    out: Annotated[
        Path | None, Parameter(name="--out", help="File to write: days.xlsx or days.csv.")
    ] = None,
    kind: Annotated[
        Literal["days", "findings"], Parameter(name="--table", help="Which table, for CSV.")
    ] = "days",
    from_: From = "",
    to: To = "",
    store: Store = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Write store-days and findings for finance: XLSX with both, or one of them as CSV.

    Without --out the CSV goes to stdout.

    Example: tillway recon export --from 2026-11-01 --out november.xlsx
    """
    days, found = asyncio.run(_both(project, from_, to, store))
    if json:
        data = {"days": [as_json(one) for one in days], "findings": [as_json(one) for one in found]}
        emit("recon.export", data, lambda _console: None, json)
        return exit_codes.DONE
    tables = sheets(days, found)
    if out is not None and out.suffix == ".xlsx":
        write_xlsx(out, tables)
        note(f"{len(days)} store-days and {len(found)} findings are in {out.name}")
        return exit_codes.DONE
    text = write_csv(tables[0 if kind == "days" else 1])
    if out is None:
        print_document(text)
    elif out.suffix == ".csv":
        out.write_text(text, "utf-8")
        note(f"{text.count(chr(10)) - 1} rows are in {out.name}")
    else:
        raise ConfigurationError(
            "TW-6903", f"{out.name} is neither .xlsx nor .csv", value=out.suffix
        )
    return exit_codes.DONE


def draw_findings(console: Console, found: list[Finding]) -> None:
    """Print findings as a table, the amount of each with its currency."""
    if not found:
        console.print("Everything agrees: no finding is open.")
        return
    drawn = table(
        "store", "date", "rule", "what", "expected", "found", "difference", "age", "owner"
    )
    now = SystemClock().now()
    for one in found[:SHOWN]:
        amount = f"{one.difference} {one.currency}".strip()
        state = "" if one.state == "open" else f" ({one.state})"
        drawn.add_row(
            *(one.store or "-", one.business_date or "-", one.rule + state, one.subject),
            *(
                one.expected,
                one.found,
                amount,
                age_text(seconds_since(one.first_seen, now)),
                one.owner,
            ),
        )
    console.print(drawn)
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} more; narrow them with --store, --from or --rule")


async def _findings(
    project: Path, first: str, last: str, store: str, rule: str, state: str
) -> list[Finding]:
    first, last = _range(first, last)
    async with opened(project) as journal:
        await ready(journal.reader)
        # What belongs to no day (card money without a receipt) has no date, and is always shown.
        dated = first != ANY_FIRST
        found = await findings(
            journal.reader, first=first, last=last, store=store, state=state, rule=rule
        )
        if dated and not store:
            found += await findings(journal.reader, first="", last="", state=state, rule=rule)
        return found


async def _both(
    project: Path, first: str, last: str, store: str
) -> tuple[list[StoreDay], list[Finding]]:
    found = await _findings(project, first, last, store, "", "")
    first, last = _range(first, last)
    async with opened(project) as journal:
        return await store_days(journal.reader, first=first, last=last, store=store), found


async def _run_here(
    operations: Operations, first: str, last: str, store: str, reason: str
) -> dict[str, Any]:
    decision = Decision(person(), reason, SystemClock().now())
    states: dict[str, int] = {}
    with progress("auditing store-days") as advance:
        async for day in operations.desk.rerun(first, last, store, decision):
            states[day.state] = states.get(day.state, 0) + 1
            advance(1)
    return {"days": sum(states.values()), "states": states}


def _told(done: dict[str, Any]) -> str:
    states = ", ".join(f"{name} {count}" for name, count in sorted(done["states"].items()))
    return f"{done['days']} store-days audited anew: {states or 'none'}"


def _range(first: str, last: str) -> tuple[str, str]:
    return business_date(first, ANY_FIRST), business_date(last, ANY_LAST)


def business_date(text: str, default: str = "") -> str:
    """Return a business date as it is kept, or the default for none. Raises TW-7003."""
    from datetime import date

    if not text:
        return default
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ConfigurationError("TW-6904", f'"{text}" is no business date', value=text) from None

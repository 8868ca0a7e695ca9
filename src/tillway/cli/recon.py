"""`tillway recon`: do the books of till, hub, ERP, processor and bank agree, and where do they not.

Differences are findings; each belongs to a store-day, and goes by itself when it is explained.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import Console

from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, note, print_document, progress
from tillway.cli.reading import Opened, opened
from tillway.cli.recon_tables import draw_findings, draw_groups, draw_items
from tillway.clock import SystemClock
from tillway.errors import ConfigurationError
from tillway.reconcile import (
    KINDS,
    Decision,
    Finding,
    OpenItem,
    Sheet,
    as_json,
    business_date,
    by_rule,
    count_days,
    findings,
    local_date,
    open_items,
    ready,
    sheets,
    write_csv,
    write_xlsx,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST
from tillway.reconcile.rules import known_rule

recon = App(
    name="recon",
    help="Reconcile till, hub, ERP, processor and bank: show differences, audit anew, export.",
    result_action="return_value",
)
From = Annotated[str, Parameter(name="--from", help="First business date: 2026-11-20.")]
To = Annotated[str, Parameter(name="--to", help="Last business date.")]
Store = Annotated[str, Parameter(name="--store", help="Only this shop.")]
Kind = Literal["tender", "entry", "payout", "deposit", "credit"]
TableName = Literal["days", "figures", "findings", "postings", "items"]


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
    items: Annotated[
        bool,
        Parameter(
            name="--open-items",
            negative=(),
            help="Instead: card money, payouts and deposits that wait for their counterpart.",
        ),
    ] = False,
    kind: Annotated[
        Kind | None, Parameter(name="--kind", help="Only open items of this kind.")
    ] = None,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Show what does not agree: by rule first, then each finding, oldest day first.

    Leaves with 2 when a finding that blocks a day is open; with --open-items, when one is overdue.

    Example: tillway recon show --from 2026-11-01 --rule SEQ_GAP
    """
    if items or kind:
        return _show_items(project, from_, to, store, kind or "", json=json)
    if rule:
        known_rule(rule)
    state = "" if all_ else "open"
    found, days = asyncio.run(_findings(project, from_, to, store, rule, state))
    data = {
        "count": len(found),
        "groups": by_rule(found),
        "findings": [as_json(one) for one in found],
    }
    emit("recon.show", data, lambda console: _draw(console, found, days), json)
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

    Do it after a rule, a tolerance or a tax rate was changed. Nothing is fetched; a day that turns
    out balanced goes on to its posting as usual.

    Example: tillway recon run --from 2026-11-01 --reason "new tax rate"
    """
    need_reason(reason)
    first, last = _range(from_, to)
    asked = {"first": business_date(from_), "last": business_date(to), "store": store}
    done = act(
        project,
        lambda operations: _run_here(operations, first, last, store, reason),
        lambda hub: hub.post("/api/v1/recon/run", {**asked, "who": person(), "reason": reason}),
    )
    emit("recon.run", done, lambda console: console.print(_told(done)), json)
    return exit_codes.DONE


@recon.command
def export(
    *,
    out: Annotated[
        Path | None, Parameter(name="--out", help="File to write: november.xlsx or days.csv.")
    ] = None,
    kind: Annotated[
        TableName | None,
        Parameter(name="--table", help="One table; without it CSV holds days, XLSX all five."),
    ] = None,
    from_: From = "",
    to: To = "",
    store: Store = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Write store-days for finance: XLSX with a sheet for each table, or one table as CSV.

    The tables: days; figures (totals, tenders and taxes, declared and received); findings;
    postings with their document numbers; items (money that waits for its counterpart). Without
    --out the CSV goes to stdout.

    Example: tillway recon export --from 2026-11-01 --to 2026-11-30 --out november.xlsx
    """
    form = out.suffix if out is not None else ".csv"
    if form not in (".csv", ".xlsx"):
        name = out.name if out else ""
        raise ConfigurationError("TW-6903", f"{name} is neither .xlsx nor .csv", value=form)
    all_kinds = kind is None and (json or form == ".xlsx")
    kinds = KINDS if all_kinds else (kind or "days",)
    tables = asyncio.run(_sheets(project, from_, to, store, kinds))
    if out is None:
        data = {table.name.lower(): _plain(table) for table in tables}
        emit("recon.export", data, lambda _: print_document(write_csv(tables[0])), json)
        return exit_codes.DONE
    if form == ".xlsx":
        write_xlsx(out, tables)
    else:
        out.write_text(write_csv(tables[0]), "utf-8")
    rows = {table.name.lower(): len(table.rows) for table in tables}
    told = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    note(f"{out.name} holds {told}")
    if json:
        emit("recon.export", {"file": out.name, "rows": rows}, lambda _: None, json)
    return exit_codes.DONE


@asynccontextmanager
async def reconciled(folder: Path) -> AsyncIterator[Opened]:
    """Open a journal that holds store-days.

    Raises ConfigurationError TW-6901 for a project that reconciles nothing, TW-6902 before a hub
    ran with it.
    """
    async with opened(folder) as journal:
        wanted = journal.release is None or journal.release.reconciliation is not None
        await ready(journal.reader, wanted=wanted)
        yield journal


def today_of(journal: Opened) -> str:
    """Return the date in the zone of the project."""
    return local_date(journal.now, journal.zone).isoformat()


def _show_items(project: Path, from_: str, to: str, store: str, kind: str, *, json: bool) -> int:
    found = asyncio.run(_open_items(project, from_, to, store, kind))
    data = {"count": len(found), "items": [as_json(one) for one in found]}
    emit("recon.items", data, lambda console: draw_items(console, found), json)
    return exit_codes.ATTENTION if any(one.overdue for one in found) else exit_codes.DONE


def _draw(console: Console, found: list[Finding], days: int) -> None:
    if found:
        draw_groups(console, found)
        console.print()
        draw_findings(console, found)
        console.print("one day in full: tillway storeday show STORE DATE")
    elif days:
        console.print("Everything agrees: no finding is open.")
    else:
        console.print(
            "No store-day is kept yet: the first appears within seconds of `tillway run`."
        )


async def _findings(
    project: Path, from_: str, to: str, store: str, rule: str, state: str
) -> tuple[list[Finding], int]:
    first, last = _range(from_, to)
    asked = {"store": store, "state": state, "rule": rule}
    async with reconciled(project) as journal:
        found = await findings(journal.reader, first=first, last=last, **asked)
        # What belongs to no day (card money without a receipt) has no date, and is always shown.
        if first != ANY_FIRST and not store:
            found += await findings(journal.reader, first="", last="", **asked)
        return found, await count_days(journal.reader)


async def _open_items(project: Path, from_: str, to: str, store: str, kind: str) -> list[OpenItem]:
    first, last = _range(from_, to)
    async with reconciled(project) as journal:
        today = today_of(journal)
        asked = {"today": today, "kind": kind, "store": store}
        found = await open_items(journal.reader, first=first, last=last, **asked)
        if first != ANY_FIRST and not store:
            found += await open_items(journal.reader, first="", last="", **asked)
        return found


async def _sheets(
    project: Path, from_: str, to: str, store: str, kinds: tuple[TableName, ...]
) -> list[Sheet]:
    first, last = _range(from_, to)
    async with reconciled(project) as journal:
        today = today_of(journal)
        asked = {"today": today, "first": first, "last": last, "store": store}
        return await sheets(journal.reader, kinds, **asked)


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


def _plain(table: Sheet) -> list[dict[str, Any]]:
    """Return rows with their columns as names; amounts are text in the digits of the currency."""
    return [
        {
            name: cell if cell is None or isinstance(cell, int | str) else str(cell)
            for name, cell in zip(table.columns, row, strict=True)
        }
        for row in table.rows
    ]


def _range(first: str, last: str) -> tuple[str, str]:
    return (
        business_date(first, ANY_FIRST, field="--from"),
        business_date(last, ANY_LAST, field="--to"),
    )

"""`tillway simulate`: play a chain of stores into a project, or grade a run against its truth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, progress

simulate = App(name="simulate", result_action="return_value")

Truth = Annotated[Path, Parameter(name="--truth", help="The truth file.")]
Stores = Annotated[int, Parameter(name="--stores", help="How many stores.")]
Days = Annotated[int, Parameter(name="--days", help="How many business days.")]
Sales = Annotated[int, Parameter(name="--sales", help="Sales in all.")]
Seed = Annotated[int, Parameter(name="--seed", help="Same seed, same bytes.")]
Share = Annotated[float, Parameter(help="Share of sales with this fault, 0 to 1.")]
Rate = Annotated[float, Parameter(name="--rate", help="Sales per second; 0 is as fast as it goes.")]

PROGRESS_SECONDS = 0.2


@simulate.default
def play(
    *,
    project: Project = HERE,
    truth: Truth = Path("truth.jsonl"),
    stores: Stores = 5,
    days: Days = 1,
    sales: Sales = 1000,
    seed: Seed = 1,
    rate: Rate = 0.0,
    duplicates: Share = 0.0,
    conflicts: Share = 0.0,
    malformed: Share = 0.0,
    unknown_tenders: Share = 0.0,
    json: Json = False,
) -> int:
    """Play a seeded chain of stores into the running hub of a project.

    The truth file is written before anything is sent: one line for each message, one for each
    fault. The stores must be in the project's stores.csv. Grade the run with
    `tillway simulate grade`.

    Example: tillway simulate --project demo --sales 500 --duplicates 0.02
    """
    from tillway.simulator.faults import FaultPlan
    from tillway.simulator.plan import ChainPlan
    from tillway.simulator.truth import write_truth

    plan = ChainPlan(seed=seed, stores=stores, days=days, sales=sales)
    rates = {
        "duplicate": duplicates,
        "conflict": conflicts,
        "malformed": malformed,
        "unknown_tender": unknown_tenders,
    }
    faults = FaultPlan(rates={kind: share for kind, share in rates.items() if share})  # type: ignore[misc]
    totals = write_truth(truth, plan, faults)
    handed_over = asyncio.run(_play(project.resolve(), plan, faults, rate))
    result = {"truth": truth, "handed_over": handed_over, "totals": totals}
    emit(
        "simulate",
        result,
        lambda console: console.print(
            f"{handed_over:,} documents of {stores} stores were taken; the truth is in {truth}"
        ),
        json,
    )
    return exit_codes.DONE


@simulate.command
def grade(
    *,
    project: Project = HERE,
    truth: Truth = Path("truth.jsonl"),
    erp: Annotated[Path | None, Parameter(name="--erp", help="Data folder of the ERP.")] = None,
    killed: Annotated[
        bool, Parameter(name="--killed", negative=(), help="The hub was killed meanwhile.")
    ] = False,
    json: Json = False,
) -> int:
    """Compare what the hub and the stand-in ERP hold with the truth, message by message.

    Exit code 0 only when nothing is lost, doubled, unexplained or of other money.

    Example: tillway simulate grade --truth truth.jsonl --erp .state/erp
    """
    from tillway.simulator.erp_facts import ErpFile
    from tillway.simulator.grade import grade as graded

    facts = asyncio.run(_facts(project.resolve()))
    book = ErpFile(erp or project / ".state/erp")
    verdict = graded(truth, facts, book, refused_may_repeat=killed)
    result = verdict.as_json()
    emit("simulate.grade", result, lambda console: _draw(console, result), json)
    return exit_codes.DONE if verdict.balanced else exit_codes.FAILED


async def _play(folder: Path, plan: Any, faults: Any, rate: float) -> int:
    import os

    import aiohttp

    from tillway.api import read_hub_file
    from tillway.cli.demo.senders import project_senders
    from tillway.clock import SystemClock
    from tillway.errors import Transient
    from tillway.project import load_release
    from tillway.simulator.feed import Feed
    from tillway.simulator.pacing import Pace

    address = read_hub_file(folder)
    if address is None:
        raise Transient(
            "TW-7604", "no hub is running for this project", advice="Start it with `tillway run`."
        )
    clock = SystemClock()
    release = load_release(folder, environ=os.environ)
    async with aiohttp.ClientSession() as session:
        senders = project_senders(release, plan, session, clock, address.url)
        feed = Feed(plan, senders, clock, pace=Pace(rate), faults=faults)
        with progress("selling", plan.sales) as advance:
            shower = asyncio.create_task(_show(feed, advance))
            done = await feed.run()
            shower.cancel()
    return done.handed_over


async def _show(feed: Any, advance: Any) -> None:
    shown = 0
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        advance(feed.progress.sales_made - shown)
        shown = feed.progress.sales_made


async def _facts(folder: Path) -> Any:
    from tillway.assembly import open_queries
    from tillway.cli.demo.facts import journal_facts

    queries = open_queries(folder)
    try:
        return await journal_facts(queries)
    finally:
        await queries.close()


def _draw(console: Any, result: dict[str, Any]) -> None:
    from tillway.cli.output import table

    shown = table("finding", "count", "first of them", right=("count",))
    for name in ("lost", "doubled", "unexplained", "wrong_money", "faults_missed"):
        examples = result["examples"].get(name, [])
        shown.add_row(name, f"{result[name]:,}", examples[0] if examples else "")
    console.print(f"{result['messages']:,} messages and {result['faults']:,} faults in the truth")
    console.print(shown)
    console.print("balanced" if result["balanced"] else "NOT balanced")

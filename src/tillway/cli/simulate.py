"""`tillway simulate`: play a chain of stores into a project, or grade a run against its truth.

The stand-in ERP is steered at the address of the target `erp`, for the faults that need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, progress

if TYPE_CHECKING:
    from rich.console import Console

    from tillway.project.records import Release
    from tillway.simulator.fault_catalogue import FaultInfo

simulate = App(name="simulate", result_action="return_value")

Truth = Annotated[Path, Parameter(name="--truth", help="The truth file.")]
Stores = Annotated[int, Parameter(name="--stores", help="How many stores.")]
Days = Annotated[int, Parameter(name="--days", help="How many business days.")]
Sales = Annotated[int, Parameter(name="--sales", help="Sales in all.")]
Seed = Annotated[int, Parameter(name="--seed", help="Same seed, same bytes.")]
Faults = Annotated[
    str,
    Parameter(
        name="--faults",
        help="What goes wrong: names with commas, each with a share (late=0.02), or all; "
        "`tillway simulate faults` explains them.",
    ),
]
Rate = Annotated[float, Parameter(name="--rate", help="Sales per second; 0 is as fast as it goes.")]

PROGRESS_SECONDS = 0.2
ERP_SYSTEM = "erp"


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
    faults: Faults = "",
    json: Json = False,
) -> int:
    """Play a seeded chain of stores into the running hub of a project.

    The truth file is written before anything is sent: one line for each message, one for each
    fault. The stores must be in the project's stores.csv. A project with the systems paywell and
    harbourbank hears from its acquirer and its bank too. Grade the run with
    `tillway simulate grade`.

    Example: tillway simulate --project demo --sales 500 --faults duplicate,late=0.02
    """
    import os

    from tillway.project import load_release
    from tillway.simulator.brands import MONEY_BRANDS
    from tillway.simulator.fault_catalogue import fault_plan
    from tillway.simulator.plan import ChainPlan
    from tillway.simulator.truth import write_truth

    release = load_release(project.resolve(), environ=os.environ)
    finance = release.sources.keys() >= MONEY_BRANDS.keys()
    plan = ChainPlan(seed=seed, stores=stores, days=days, sales=sales, finance=finance)
    trouble = fault_plan(faults, plan)
    totals = write_truth(truth, plan, trouble)
    handed_over = asyncio.run(_play(release, plan, trouble, rate))
    result = {"truth": truth, "handed_over": handed_over, "totals": totals}
    emit(
        "simulate",
        result,
        lambda console: console.print(
            f"{counted(handed_over, 'document')} of {counted(stores, 'store')} taken; "
            f"the truth is in {truth}"
        ),
        json,
    )
    return exit_codes.DONE


@simulate.command(name="faults")
def list_faults(*, json: Json = False) -> int:
    """List the faults a chain can have: what goes wrong, and what must come of it.

    Example: tillway simulate faults
    """
    from tillway.simulator.fault_catalogue import CATALOGUE

    data = {"faults": [msgspec.structs.asdict(info) for info in CATALOGUE]}
    emit("simulate.faults", data, lambda console: _draw_faults(console, CATALOGUE), json)
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
    mended: Annotated[
        bool,
        Parameter(
            name="--mended",
            negative=(),
            help="What was quarantined has been taken in again: it must be booked too.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Compare what the hub and the stand-in ERP hold with the truth, message by message.

    Exit code 0 only when nothing is lost, doubled, unexplained, of other money or out of order,
    every fault had the outcome it must have, and exactly the lost numbers are missing.

    Example: tillway simulate grade --truth truth.jsonl --erp .state/erp
    """
    from tillway.simulator.erp_facts import ErpFile
    from tillway.simulator.grade import grade as graded
    from tillway.simulator.truth import repeated_in

    facts = asyncio.run(_facts(project.resolve(), repeated_in(truth)))
    book = ErpFile(erp or project / ".state/erp")
    verdict = graded(truth, facts, book, refused_may_repeat=killed, mended=mended)
    result = verdict.as_json()
    emit("simulate.grade", result, lambda console: _draw(console, result), json)
    return exit_codes.DONE if verdict.balanced else exit_codes.FAILED


async def _play(release: Release, plan: Any, faults: Any, rate: float) -> int:
    import aiohttp

    from tillway.api import read_hub_file
    from tillway.cli.demo.senders import project_senders
    from tillway.clock import SystemClock
    from tillway.errors import Transient
    from tillway.simulator.erp_client import lose_answer, set_mode
    from tillway.simulator.feed import Feed
    from tillway.simulator.pacing import Pace

    address = read_hub_file(release.folder)
    if address is None:
        raise Transient(
            "TW-7604", "no hub is running for this project", advice="Start it with `tillway run`."
        )
    clock = SystemClock()
    erp = str(release.targets[ERP_SYSTEM].settings["url"]) if ERP_SYSTEM in release.targets else ""
    async with aiohttp.ClientSession() as session:

        async def switch_erp(down: bool) -> None:
            await set_mode(session, erp, "down" if down else "up")

        async def lose(receipt_key: str, loss: str) -> None:
            await lose_answer(session, erp, receipt_key, "cut" if loss == "cut" else "silent")

        senders = project_senders(release, plan, session, clock, address.url)
        feed = Feed(
            plan,
            senders,
            clock,
            pace=Pace(rate),
            faults=faults,
            erp_switch=switch_erp,
            lose_answer=lose,
        )
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


async def _facts(folder: Path, repeated: frozenset[tuple[str, str, str]]) -> Any:
    from tillway.assembly import open_queries
    from tillway.cli.demo.facts import journal_facts

    queries = open_queries(folder)
    try:
        return await journal_facts(queries, repeated)
    finally:
        await queries.close()


def _draw(console: Any, result: dict[str, Any]) -> None:
    from tillway.cli.output import table
    from tillway.simulator.verdict import FINDINGS

    shown = table("finding", "count", "first of them", right=("count",))
    for name in FINDINGS:
        examples = result["examples"].get(name, [])
        shown.add_row(name, f"{result[name]:,}", examples[0] if examples else "")
    messages, faults = counted(result["messages"], "message"), counted(result["faults"], "fault")
    console.print(f"{messages} and {faults} in the truth")
    console.print(shown)
    console.print("balanced" if result["balanced"] else "NOT balanced")


def _draw_faults(console: Console, catalogue: Sequence[FaultInfo]) -> None:
    for info in catalogue:
        often = "" if info.share is None else f"{info.share:g} of "
        console.print(f"{info.name} ({often}{info.of})", soft_wrap=True)
        console.print(f"  {info.happens}", soft_wrap=True)
        console.print(f"  must be: {info.must}", soft_wrap=True)

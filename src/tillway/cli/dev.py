"""`tillway dev`: the hub, simulated stores and a stand-in ERP, to watch, to break and to heal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import Parameter

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, note

if TYPE_CHECKING:
    from tillway.cli.demo.buttons import Buttons
    from tillway.cli.demo.stage import Stage
    from tillway.journal.sqlite_queries import SqliteQueries

POLL_SECONDS = 0.1
REDRAW_SECONDS = 0.5
LINE_SECONDS = 2.0
DRAIN_SECONDS = 60.0
DAY_SECONDS = 8 * 3600

T = TypeVar("T")
Seconds = Annotated[
    float | None, Parameter(name="--seconds", help="Play by itself, mend everything and stop.")
]
Fresh = Annotated[
    Path | None, Parameter(name="--fresh", help="Make the demo's project anew in this folder.")
]
Rate = Annotated[float, Parameter(name="--rate", help="Sales per second of the whole chain.")]
Stores = Annotated[int, Parameter(name="--stores", help="How many stores, at most stores.csv's.")]
Seed = Annotated[int, Parameter(name="--seed", help="The same seed sells the same.")]


def dev(
    *,
    project: Project = HERE,
    fresh: Fresh = None,
    seconds: Seconds = None,
    rate: Rate = 12.0,
    stores: Stores = 5,
    seed: Seed = 1,
    json: Json = False,
) -> int:
    """Run the hub with simulated stores and a stand-in ERP, and buttons to break them.

    With --seconds it presses the buttons itself, mends everything, drains, and leaves with 0 only
    when the books balance against what the stores really sold.

    Example: tillway dev --fresh demo --seconds 20
    """
    from tillway.cli.demo.folder import fresh_folder

    if fresh is not None:
        fresh_folder(fresh)
    folder = (fresh or project).resolve()
    try:
        result = asyncio.run(_until_told(_play(folder, seconds, rate, stores, seed)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if result is None:
        return exit_codes.DONE
    emit("dev", result, lambda console: console.print_json(data=result), json)
    return exit_codes.DONE if result["balanced"] else exit_codes.FAILED


async def _until_told(play: Coroutine[Any, Any, T]) -> T:
    """Play until it is over, or until SIGINT or SIGTERM asks to stop; then tidy up once.

    Said here and not left to Python: a shell lets its background jobs ignore SIGINT, and without a
    handler SIGTERM would leave the hub and the ERP behind.
    """
    task = asyncio.current_task()
    assert task is not None

    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return await play


async def _play(
    folder: Path, seconds: float | None, rate: float, stores: int, seed: int
) -> dict[str, Any] | None:
    from tillway.assembly import open_queries
    from tillway.cli.demo.buttons import Buttons
    from tillway.cli.demo.control import open_control
    from tillway.cli.demo.script import SELLING_SHARE, play
    from tillway.cli.demo.stage import Stage
    from tillway.cli.demo.summary import summary
    from tillway.clock import SystemClock

    clock = SystemClock()
    began = clock.monotonic()
    selling = DAY_SECONDS if seconds is None else seconds * SELLING_SHARE
    stage = Stage(folder, _scene(seed, stores, rate, selling), clock)
    buttons = Buttons(stage)
    control = await open_control(buttons.press)
    stage.hub.control = f"http://127.0.0.1:{control.port}"
    try:
        await stage.open()
        link = await asyncio.to_thread(_login_link, folder, stage.hub_address)
        note(f"open {link} in a browser (it logs in once); the project is {folder}")
        queries = open_queries(folder)
        first = asyncio.create_task(_first_sale(queries, began))
        screen = asyncio.create_task(_screen(stage, buttons, queries))
        if seconds is None:
            await screen
            first.cancel()
            await queries.close()
            return None
        await play(buttons, seconds, clock)
        await stage.last_curtain()
        await _drained(stage, queries)
        screen.cancel()
        await asyncio.gather(screen, return_exceptions=True)
        found = await summary(stage, queries, await first)
        await queries.close()
        return found
    finally:
        await stage.close()
        await control.close()


def _login_link(folder: Path, address: str) -> str:
    """Return an address that logs whoever sits here in, once and within ten minutes."""
    from tillway.api.client import client_of
    from tillway.cli.acting import person

    asked = {"reason": "tillway dev", "who": person()}
    path: str = client_of(folder).post("/api/v1/access/link", asked)["path"]
    return f"{address}{path}"


def _scene(seed: int, stores: int, rate: float, seconds: float) -> Any:
    from tillway.cli.demo.stage import Scene
    from tillway.simulator.fault_plan import FaultPlan
    from tillway.simulator.pacing import live_pace
    from tillway.simulator.plan import ChainPlan

    sales = max(stores, round(rate * seconds))
    plan = ChainPlan(seed=seed, stores=stores, sales=sales, finance=True)
    faults = FaultPlan(rates={"duplicate": 0.02, "conflict": 0.005, "malformed": 0.005})
    return Scene(plan, live_pace(rate), faults)


async def _first_sale(queries: SqliteQueries, began: float) -> float:
    """Return the seconds from the start until the first message was accepted."""
    from tillway.clock import SystemClock

    clock = SystemClock()
    while not any(total.group == "accepted" for total in await queries.outcome_totals()):
        await clock.sleep(POLL_SECONDS)
    return round(clock.monotonic() - began, 2)


async def _drained(stage: Stage, queries: SqliteQueries) -> None:
    from tillway.cli.demo.summary import is_drained

    deadline = stage.clock.monotonic() + DRAIN_SECONDS
    while not await is_drained(stage, queries) and stage.clock.monotonic() < deadline:
        await stage.clock.sleep(POLL_SECONDS)


async def _screen(stage: Stage, buttons: Buttons, queries: SqliteQueries) -> None:
    """Show how it goes on stderr: a live table with keys on a terminal, else a line at a time."""
    from rich.console import Console
    from rich.live import Live

    from tillway.api import Snapshot
    from tillway.cli.demo.keyboard import key_presses
    from tillway.cli.demo.lines import line
    from tillway.cli.demo.view import draw

    console = Console(stderr=True)
    snapshot = Snapshot(queries, stage.release, stage.clock)
    while not console.is_terminal:
        note(line(await snapshot.status(), buttons))
        await stage.clock.sleep(LINE_SECONDS)
    with key_presses() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(draw(await snapshot.status(), buttons, stage.hub_address), refresh=True)
            try:
                letter = await asyncio.wait_for(pressed.get(), REDRAW_SECONDS)
            except TimeoutError:
                continue
            if letter == "q":
                return
            await buttons.key(letter)

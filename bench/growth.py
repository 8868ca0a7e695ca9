"""What a message costs in a journal of a thousand, and in one of a million: it must stay flat.

At each size a running hub does the same four things: batches of fresh sales, the same batches again
(each a duplicate that must be looked up), sales taken in and delivered one by one, and the status
screen. What was stored before is no work for the route: it counts as passed over.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.backlog import fill
from bench.hub import environment, new_project, running_hub, running_sink, sales
from bench.rest import rest
from bench.rows import Row
from bench.traffic import all_delivered, batches_of, due, lead_to, send_batches, send_singles
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import status
from tillway.project import load_release

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FRESH = 4_000
SINGLES = 1_500
ROUNDS = 3
LOOKS = 9
ROUTE = "grown"
FLAT = 1.5
"""What is timed for half a second differs by a third between two runs of one size."""
UNITS = {"status": "ms"}
Taken = dict[str, float]


async def growth(folder: Path) -> list[Row]:
    """Return a row per figure: at a million messages, beside the same at a thousand."""
    project = folder / "growth"
    new_project(project, 1)
    fresh = sales(len(SIZES) * ROUNDS * (FRESH + SINGLES), seed=2)
    stored = 0
    best: dict[int, Taken] = {}
    for size in SIZES:
        await fill(project, sales(200), size, first=stored, passed_by=ROUTE)
        stored = size
        rest(folder)
        rounds: list[Taken] = []
        for _ in range(ROUNDS):
            bodies, fresh = fresh[: FRESH + SINGLES], fresh[FRESH + SINGLES :]
            rounds.append(await _round(project, bodies))
        best[size] = {name: min(one[name] for one in rounds) for name in rounds[0]}
    return [_row(name, {size: best[size][name] for size in SIZES}) for name in best[SIZES[0]]]


def _row(name: str, by_size: dict[int, float]) -> Row:
    smallest, largest = by_size[SIZES[0]], by_size[SIZES[-1]]
    unit = UNITS.get(name, "us")
    series = {f"{size:,}": round(taken, 2) for size, taken in by_size.items()}
    return Row(
        f"{name}, a million stored", largest, unit, smallest, FLAT * smallest, smallest,
        higher_is_better=False, series=series,
    )  # fmt: skip


async def _round(project: Path, bodies: list[bytes]) -> Taken:
    """Time everything once: microseconds a message, milliseconds for the status."""
    batches, singles = batches_of(bodies[:FRESH]), bodies[FRESH:]
    async with running_sink() as sink:
        lead_to(project, sink, ROUTE)
        before = await due(project)
        async with running_hub(project) as hub:
            taken = {"intake": (await send_batches(hub, batches)).seconds / FRESH * 1e6}
            await all_delivered(sink, await due(project) - before)
            again = await send_batches(hub, batches)
            taken["duplicate look-up"] = again.seconds / FRESH * 1e6
            sent = await send_singles(hub, singles)
            ended = await all_delivered(sink, await due(project) - before)
            taken["single intake and delivery"] = (ended - sent.began) / SINGLES * 1e6
            taken["status"] = await _status_seconds(project) * 1e3
    return taken


async def _status_seconds(project: Path) -> float:
    """Return what the status screen takes, as the command and the console ask for it."""
    queries = open_queries(project / ".state" / "journal.db")
    release = load_release(project, environ=environment())
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        await status(queries, now=time.time_ns() // 1000, release=release)
        took.append(time.perf_counter() - began)
    await queries.close()
    return min(took)

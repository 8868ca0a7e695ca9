"""`python -m bench`: measures the hub as a process and prints the table of goals.

Load generator, hub and sink share the machine's cores, so figures are ratios to think with.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import uvloop

from bench import floors
from bench.backlog import fill
from bench.growth import growth
from bench.hub import DOOR, new_project, running_hub, running_sink, sales
from bench.load import at_rate, post
from bench.replayed import replay_rate
from bench.rest import rest
from bench.rows import Row, show, write, write_page
from bench.screens import screens
from bench.store_days import store_days
from bench.traffic import (
    BATCH,
    all_delivered,
    arrivals,
    batches_of,
    check,
    due,
    lead_to,
    send_batches,
    send_singles,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "internals" / "speed.md"
ROUNDS = 4
"""Of what takes seconds, the best counts: the machine of others is not what is measured."""
SINGLE_SALES = 8_000
BATCH_SALES = 40_000
PACED_SALES = 1_000
WAITING = 1_000_000
SETTLE_SECONDS = 5.0
PACED_PER_SECOND = 100.0


def main() -> None:
    """Measure, print, and write the rows when asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--only", default="", help="run only parts whose name contains this")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillway-bench-") as folder:
        rows = uvloop.run(measure(Path(folder), options.only))
    show(rows)
    if options.out:
        write(rows, options.out)
    if options.page:
        write_page(rows, PAGE)


async def measure(folder: Path, only: str) -> list[Row]:
    """Run every measurement, one hub at a time."""
    parts = {
        "latency": latency,
        "batch intake": batch_intake,
        "single and delivered": single_and_delivered,
        "bulk delivery, drain and replay": bulk_delivery,
        "a million waiting": million_waiting,
        "growth": growth,
        "store-days": store_days,
        "screens": screens,
    }
    rows: list[Row] = []
    for name, part in parts.items():
        if only in name:
            rested = rest(folder)
            print(f"measuring {name} (the disk rested {rested:.0f} s) ...", flush=True)
            rows += await part(folder)
    return rows


async def batch_intake(folder: Path) -> list[Row]:
    """NDJSON batches into a hub without a route: the intake half alone, everything else on."""
    bodies = sales(BATCH_SALES)
    batches = batches_of(bodies)
    floor = floors.commit_rows_per_second(folder, bodies)
    rounds = []
    for _ in range(ROUNDS):
        new_project(folder / "batch", 1, route=False)
        async with running_hub(folder / "batch") as hub:
            result = await send_batches(hub, batches)
            rounds.append((result.seconds, hub.started_seconds))
            size = hub.journal_bytes()
    seconds, started = map(min, zip(*rounds, strict=True))
    start_floor = await floors.interpreter_start_seconds()
    return [
        Row("batch intake, 50 per POST", len(bodies) / seconds, "/s", floor, 10_000, 25_000),
        Row(
            "disk per message, raw and canonical",
            size / len(bodies) / 1000,
            "KB",
            sum(map(len, bodies)) / len(bodies) / 1000,
            2.0,
            0.5,
            higher_is_better=False,
        ),
        Row(
            "start to serving, empty",
            started,
            "s",
            start_floor,
            2.0,
            0.5,
            higher_is_better=False,
        ),
    ]


async def single_and_delivered(folder: Path) -> list[Row]:
    """Single POSTs, stored durably and delivered with one POST each, in one process."""
    bodies = sales(SINGLE_SALES)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies, 64)
    rounds = [await _singles(folder / "single", bodies) for _ in range(ROUNDS)]
    answered, delivered = map(max, zip(*rounds, strict=True))
    return [
        Row("single intake, one POST each, acknowledged", answered, "/s", floor, None, None),
        Row("single intake, delivered one POST each", delivered, "/s", floor, 2_500, 8_000),
    ]


async def bulk_delivery(folder: Path) -> list[Row]:
    """The whole path in batches, a backlog drained from disk, and its replay."""
    bodies = sales(BATCH_SALES // 2)
    batches = batches_of(bodies)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies[:SINGLE_SALES], 64)
    rate = max([await _whole_path(folder / "bulk", bodies) for _ in range(ROUNDS)])
    rows = [Row("whole path, 50 per POST in and out", rate, "/s", floor, 8_000, 30_000)]
    backlog = folder / "drain"
    new_project(backlog, 1, route=False)
    async with running_hub(backlog) as hub:
        await send_batches(hub, batches)
    for bulk, name, must, aim in (
        (0, "backlog drain from disk, one POST each", 3_000, 20_000),
        (BATCH, "backlog drain from disk, 50 per POST", 8_000, 30_000),
    ):
        rows.append(Row(name, await _drain(backlog, bulk), "/s", floor, must, aim))
    floor = floors.decoded_rows_per_second(backlog / ".state" / "journal.db")
    rate = max([await replay_rate(backlog, f"drain-{BATCH}") for _ in range(ROUNDS)])
    name = "replay, re-validated and re-mapped, delivery excluded"
    return [*rows, Row(name, rate, "/s", floor, 8_000, 15_000)]


async def latency(folder: Path) -> list[Row]:
    """100 sales a second: how long until the answer, and until the target has it."""
    bodies = sales(PACED_SALES)
    commit = floors.commit_p95_milliseconds(folder, bodies[0])
    async with running_sink() as sink:
        direct = await floors.post_p95_milliseconds(sink, bodies, PACED_PER_SECOND)
    async with running_sink() as sink:
        new_project(folder / "latency", sink)
        async with running_hub(folder / "latency") as hub:
            requests = [post(DOOR, body, hub.headers()) for body in bodies]
            began = time.time()
            result = await at_rate("127.0.0.1", hub.port, requests, PACED_PER_SECOND)
            check(result, 202)
            await all_delivered(sink, await due(hub.folder))
            ends = _end_to_end(bodies, await arrivals(sink), began)
    return [
        Row(
            "ack p95 at 100/s",
            result.percentile(0.95) * 1e3,
            "ms",
            commit + direct,
            10,
            3,
            higher_is_better=False,
        ),
        Row(
            "end to end p95 at 100/s",
            ends,
            "ms",
            commit + 2 * direct,
            15,
            4,
            higher_is_better=False,
        ),
    ]


async def million_waiting(folder: Path) -> list[Row]:
    """A hub that starts with a million sales waiting for an ERP that is gone."""
    new_project(folder / "waiting", 1)
    await fill(folder / "waiting", sales(200), WAITING)
    new_project(folder / "empty", 1)
    floor, start_floor = await _settled(folder / "empty")
    memory, started = await _settled(folder / "waiting")
    return [
        Row(
            "process memory with a million waiting",
            memory,
            "MB",
            floor,
            200,
            96,
            higher_is_better=False,
        ),
        Row(
            "start to serving, a million waiting",
            started,
            "s",
            start_floor,
            2.0,
            1.0,
            higher_is_better=False,
        ),
    ]


async def _settled(project: Path) -> tuple[float, float]:
    """Return the megabytes of a hub that has nothing to do, and the seconds of its quickest start.

    The memory is the largest of all rounds.
    """
    rounds = []
    for _ in range(ROUNDS):
        async with running_hub(project) as hub:
            await asyncio.sleep(SETTLE_SECONDS)
            rounds.append((hub.memory_megabytes(), hub.started_seconds))
    memory, started = zip(*rounds, strict=True)
    return max(memory), min(started)


async def _singles(project: Path, bodies: list[bytes]) -> tuple[float, float]:
    """Send sales one by one to a new hub; return how many a second it answered, and delivered."""
    async with running_sink() as sink:
        new_project(project, sink)
        async with running_hub(project) as hub:
            began = time.time()
            result = await send_singles(hub, bodies)
            ended = await all_delivered(sink, await due(hub.folder))
    return len(bodies) / result.seconds, len(bodies) / (ended - began)


async def _whole_path(project: Path, bodies: list[bytes]) -> float:
    """Send sales in batches to a new hub; return how many a second its target got."""
    async with running_sink() as sink:
        new_project(project, sink, bulk=BATCH)
        async with running_hub(project) as hub:
            began = time.time()
            await send_batches(hub, batches_of(bodies))
            ended = await all_delivered(sink, await due(hub.folder))
    return len(bodies) / (ended - began)


async def _drain(backlog: Path, bulk: int) -> float:
    """Deliver the stored backlog through a new route; messages per second."""
    async with running_sink() as sink:
        lead_to(backlog, sink, f"drain-{bulk}", bulk=bulk)
        count = await due(backlog)
        async with running_hub(backlog):
            began = time.time()
            ended = await all_delivered(sink, count)
    return count / (ended - began)


def _end_to_end(bodies: list[bytes], arrived: dict[str, float], began: float) -> float:
    """Return the 95th percentile of arrival minus the moment each sale was due, milliseconds."""
    planned = {}
    for index, body in enumerate(bodies):
        number = json.loads(body)
        key = ":".join(str(number[name]) for name in ("storeNo", "tillNo", "bizDate", "docNo"))
        planned[key] = began + index / PACED_PER_SECOND
    taken = [
        (at - planned[key.split("/", 1)[1]]) * 1e3
        for key, at in arrived.items()
        if key.split("/", 1)[1] in planned
    ]
    return sorted(taken)[int(len(taken) * 0.95)]


if __name__ == "__main__":
    main()

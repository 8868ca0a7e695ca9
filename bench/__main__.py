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

from bench import floors
from bench.backlog import fill
from bench.hub import (
    DOOR,
    HubUnderTest,
    all_seen,
    new_project,
    running_hub,
    running_sink,
    sales,
    seen_by_sink,
)
from bench.load import LoadResult, as_fast_as_possible, at_rate, post
from bench.rows import Row, show, write

SINGLE_SALES = 8_000
BATCH_SALES = 40_000
BATCH = 50
PACED_SALES = 1_000
WAITING = 1_000_000
SETTLE_SECONDS = 5.0
PACED_PER_SECOND = 100.0
LOWER = {"higher_is_better": False}


def main() -> None:
    """Measure, print, and write the rows when asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--only", default="", help="run only rows whose name contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillway-bench-") as folder:
        rows = asyncio.run(measure(Path(folder), options.only))
    show(rows)
    if options.out:
        write(rows, options.out)


async def measure(folder: Path, only: str) -> list[Row]:
    """Run every measurement, one hub at a time."""
    parts = {
        "batch intake": batch_intake,
        "single and delivered": single_and_delivered,
        "bulk delivery and drain": bulk_delivery,
        "latency": latency,
        "a million waiting": million_waiting,
    }
    rows: list[Row] = []
    for name, part in parts.items():
        if only in name:
            print(f"measuring {name} ...", flush=True)
            rows += await part(folder)
    return rows


async def batch_intake(folder: Path) -> list[Row]:
    """NDJSON batches into a hub without a route: the intake half alone, everything else on."""
    bodies = sales(BATCH_SALES)
    batches = _batches(bodies)
    floor = floors.commit_rows_per_second(folder, bodies)
    new_project(folder / "batch", 1, route=False)
    async with running_hub(folder / "batch") as hub:
        result = await _send_batches(hub, batches)
        size = hub.journal_bytes()
    start_floor = await floors.interpreter_start_seconds()
    return [
        Row("batch intake, 50 per POST", len(bodies) / result.seconds, "/s", floor, 10_000, 25_000),
        Row(
            "disk per message, raw and canonical",
            size / len(bodies) / 1000,
            "KB",
            sum(map(len, bodies)) / len(bodies) / 1000,
            2.0,
            0.5,
            **LOWER,
        ),
        Row("start to serving, empty", hub.started_seconds, "s", start_floor, 2.0, 0.5, **LOWER),
    ]


async def single_and_delivered(folder: Path) -> list[Row]:
    """Single POSTs, stored durably and delivered with one POST each, in one process."""
    bodies = sales(SINGLE_SALES)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies, 64)
    async with running_sink() as sink:
        new_project(folder / "single", sink)
        async with running_hub(folder / "single") as hub:
            requests = [post(DOOR, body, hub.headers()) for body in bodies]
            began = time.perf_counter()
            result = await as_fast_as_possible("127.0.0.1", hub.port, requests, 64)
            _check(result, 202)
            ended = await all_seen(sink, await _due(hub.folder))
    return [
        Row("single intake, one POST each, acknowledged", len(bodies) / result.seconds, "/s", floor,
            None, None),
        Row("single intake, delivered one POST each", len(bodies) / (ended - began), "/s", floor,
            2_500, 8_000),
    ]  # fmt: skip


async def bulk_delivery(folder: Path) -> list[Row]:
    """The whole path in batches, and a backlog drained from disk with one POST each."""
    bodies = sales(BATCH_SALES // 2)
    batches = _batches(bodies)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies[:SINGLE_SALES], 64)
    rows = []
    async with running_sink() as sink:
        new_project(folder / "bulk", sink, bulk=BATCH)
        async with running_hub(folder / "bulk") as hub:
            began = time.perf_counter()
            await _send_batches(hub, batches)
            ended = await all_seen(sink, await _due(hub.folder))
        rows.append(
            Row("whole path, 50 per POST in and out", len(bodies) / (ended - began), "/s", floor,
                8_000, 30_000)
        )  # fmt: skip
    new_project(folder / "drain", 1, route=False)
    async with running_hub(folder / "drain") as hub:
        await _send_batches(hub, batches)
    for bulk, name, must, aim in (
        (0, "backlog drain from disk, one POST each", 3_000, 20_000),
        (BATCH, "backlog drain from disk, 50 per POST", 8_000, 30_000),
    ):
        async with running_sink() as sink:
            rate = await _drain(folder, sink, bulk)
        rows.append(Row(name, rate, "/s", floor, must, aim))
    return rows


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
            _check(result, 202)
            await all_seen(sink, await _due(hub.folder))
            _, arrivals = await seen_by_sink(sink)
    ends = _end_to_end(bodies, arrivals, began)
    return [
        Row(
            "ack p95 at 100/s", result.percentile(0.95) * 1e3, "ms", commit + direct, 10, 3, **LOWER
        ),
        Row("end to end p95 at 100/s", ends, "ms", commit + 2 * direct, 15, 4, **LOWER),
    ]


async def million_waiting(folder: Path) -> list[Row]:
    """A hub that starts with a million sales waiting for an ERP that is gone."""
    new_project(folder / "waiting", 1)
    await fill(folder / "waiting", sales(200), WAITING)
    new_project(folder / "empty", 1)
    async with running_hub(folder / "empty") as hub:
        await asyncio.sleep(SETTLE_SECONDS)
        floor, start_floor = hub.memory_megabytes(), hub.started_seconds
    async with running_hub(folder / "waiting") as hub:
        await asyncio.sleep(SETTLE_SECONDS)
        memory, started = hub.memory_megabytes(), hub.started_seconds
    return [
        Row("process memory with a million waiting", memory, "MB", floor, 200, 96, **LOWER),
        Row("start to serving, a million waiting", started, "s", start_floor, 2.0, 1.0, **LOWER),
    ]


async def _send_batches(hub: HubUnderTest, batches: list[bytes]) -> LoadResult:
    requests = [post(DOOR, batch, hub.headers("application/x-ndjson")) for batch in batches]
    result = await as_fast_as_possible("127.0.0.1", hub.port, requests, 16)
    _check(result, 200)
    return result


def _batches(bodies: list[bytes]) -> list[bytes]:
    """Return NDJSON batches, each of one shop, in the order in which the shops fill them."""
    gathered: dict[str, list[bytes]] = {}
    batches = []
    for body in bodies:
        mine = gathered.setdefault(json.loads(body)["storeNo"], [])
        mine.append(body)
        if len(mine) == BATCH:
            batches.append(b"\n".join(mine))
            mine.clear()
    return batches + [b"\n".join(rest) for rest in gathered.values() if rest]


async def _drain(folder: Path, sink: int, bulk: int) -> float:
    """Deliver the stored backlog through a new route; messages per second."""
    backlog = folder / "drain"
    name = f"drain-{bulk}"
    made = folder / name
    new_project(made, sink, bulk=bulk)
    route = (made / "routes" / "pos-to-erp.toml").read_text()
    for file in backlog.glob("routes/*.toml"):
        file.unlink()
    (backlog / "routes" / f"{name}.toml").write_text(route)
    (backlog / "systems" / "erp.toml").write_text((made / "systems" / "erp.toml").read_text())
    async with running_hub(backlog) as hub:
        began = time.perf_counter()
        count = await _due(hub.folder)
        ended = await all_seen(sink, count)
    return count / (ended - began)


async def _due(folder: Path) -> int:
    """Return how many accepted messages the route has to deliver."""
    from tillway.assembly import open_queries

    queries = open_queries(folder)
    totals = (await queries.intake_totals()).stored
    await queries.close()
    carried = ("retail_transaction.completed", "retail_transaction.voided")
    return sum(t.count for t in totals if t.group == "accepted" and t.message_type in carried)


def _end_to_end(bodies: list[bytes], arrivals: dict[str, float], began: float) -> float:
    """Return the 95th percentile of arrival minus the moment each sale was due, milliseconds."""
    due = {}
    for index, body in enumerate(bodies):
        number = json.loads(body)
        key = ":".join(str(number[name]) for name in ("storeNo", "tillNo", "bizDate", "docNo"))
        due[key] = began + index / PACED_PER_SECOND
    taken = [
        (arrived - due[key.split("/", 1)[1]]) * 1e3
        for key, arrived in arrivals.items()
        if key.split("/", 1)[1] in due
    ]
    return sorted(taken)[int(len(taken) * 0.95)]


def _check(result: LoadResult, wanted: int) -> None:
    """Refuse to report a run in which calls failed."""
    if set(result.statuses) != {wanted}:
        raise RuntimeError(f"answers were {result.statuses}, expected only {wanted}")


if __name__ == "__main__":
    main()

"""What takes seconds: latency, intake, single sales, the whole path, draining and replay.

Each function is one round with a new hub. The bench runs several, spread over its whole run.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from bench import floors
from bench.hub import DOOR, new_project, running_hub, running_sink, sales
from bench.load import at_rate, post
from bench.replayed import replay_rate
from bench.rows import Row
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

SINGLE_SALES = 8_000
BATCH_SALES = 40_000
WHOLE_PATH_SALES = 20_000
PACED_SALES = 1_000
PACED_PER_SECOND = 100.0


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
            result = await at_rate("127.0.0.1", hub.port, requests, PACED_PER_SECOND)
            check(result, 202)
            await all_delivered(sink, await due(hub.folder))
            ends = _end_to_end(bodies, await arrivals(sink), result.began)
    acks = result.percentile(0.95) * 1e3
    return [
        Row("ack p95 at 100/s", acks, "ms", commit + direct, 10, 3, higher_is_better=False),
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


async def batch_intake(folder: Path) -> list[Row]:
    """NDJSON batches into a hub without a route: the intake half alone, everything else on."""
    bodies = sales(BATCH_SALES)
    batches = batches_of(bodies)
    floor = floors.commit_rows_per_second(folder, bodies)
    new_project(folder / "batch", 1, route=False)
    async with running_hub(folder / "batch") as hub:
        result = await send_batches(hub, batches)
        size = hub.journal_bytes()
    start_floor = await floors.interpreter_start_seconds()
    rate = len(bodies) / result.seconds
    return [
        Row("batch intake, 50 per POST", rate, "/s", floor, 10_000, 25_000),
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
            hub.started_seconds,
            "s",
            start_floor,
            2.0,
            0.5,
            higher_is_better=False,
        ),
    ]


async def single_sales(folder: Path) -> list[Row]:
    """Single POSTs, stored durably and delivered with one POST each, in one process."""
    bodies = sales(SINGLE_SALES)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies, 64)
    async with running_sink() as sink:
        new_project(folder / "single", sink)
        async with running_hub(folder / "single") as hub:
            result = await send_singles(hub, bodies)
            ended = await all_delivered(sink, await due(hub.folder))
    answered, delivered = len(bodies) / result.seconds, len(bodies) / (ended - result.began)
    return [
        Row("single intake, one POST each, acknowledged", answered, "/s", floor, None, None),
        Row("single intake, delivered one POST each", delivered, "/s", floor, 2_500, 8_000),
    ]


async def whole_path(folder: Path) -> list[Row]:
    """Sales in batches of 50 in and out, until the target has the last."""
    bodies = sales(WHOLE_PATH_SALES)
    batches = batches_of(bodies)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies[:SINGLE_SALES], 64)
    async with running_sink() as sink:
        new_project(folder / "bulk", sink, bulk=BATCH)
        async with running_hub(folder / "bulk") as hub:
            result = await send_batches(hub, batches)
            ended = await all_delivered(sink, await due(hub.folder))
    rate = len(bodies) / (ended - result.began)
    return [Row("whole path, 50 per POST in and out", rate, "/s", floor, 8_000, 30_000)]


async def drain_and_replay(folder: Path) -> list[Row]:
    """A backlog drained from disk, one by one and in bulk, and its replay."""
    bodies = sales(WHOLE_PATH_SALES)
    async with running_sink() as sink:
        floor = await floors.posts_per_second(sink, bodies[:SINGLE_SALES], 64)
    backlog = folder / "drain"
    new_project(backlog, 1, route=False)
    async with running_hub(backlog) as hub:
        await send_batches(hub, batches_of(bodies))
    rows = []
    for bulk, name, must, aim in (
        (0, "backlog drain from disk, one POST each", 3_000, 20_000),
        (BATCH, "backlog drain from disk, 50 per POST", 8_000, 30_000),
    ):
        rows.append(Row(name, await _drain(backlog, bulk), "/s", floor, must, aim))
    floor = floors.decoded_rows_per_second(backlog / ".state" / "journal.db")
    rate = await replay_rate(backlog, f"drain-{BATCH}")
    name = "replay, re-validated and re-mapped, delivery excluded"
    return [*rows, Row(name, rate, "/s", floor, 8_000, 15_000)]


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

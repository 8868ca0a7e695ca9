"""Sends sales to a hub under test, and waits until its target has them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.hub import DOOR, HubUnderTest, new_project
from bench.load import LoadResult, as_fast_as_possible, post
from tillway.journal.sqlite_queries import open_queries

BATCH = 50
SALES_ROUTE = "pos-to-erp.toml"
CARRIED = ("retail_transaction.completed", "retail_transaction.voided")
BATCH_CONNECTIONS, SINGLE_CONNECTIONS = 16, 64
_BETWEEN_LOOKS_SECONDS = 0.05


async def send_batches(hub: HubUnderTest, batches: list[bytes]) -> LoadResult:
    """Send NDJSON batches over 16 connections."""
    requests = [post(DOOR, batch, hub.headers("application/x-ndjson")) for batch in batches]
    result = await as_fast_as_possible("127.0.0.1", hub.port, requests, BATCH_CONNECTIONS)
    check(result, 200)
    return result


async def send_singles(hub: HubUnderTest, bodies: list[bytes]) -> LoadResult:
    """Send each sale in a call of its own over 64 connections."""
    requests = [post(DOOR, body, hub.headers()) for body in bodies]
    result = await as_fast_as_possible("127.0.0.1", hub.port, requests, SINGLE_CONNECTIONS)
    check(result, 202)
    return result


def check(result: LoadResult, wanted: int) -> None:
    """Refuse to report a run in which calls failed."""
    if set(result.statuses) != {wanted}:
        raise RuntimeError(f"answers were {result.statuses}, expected only {wanted}")


def batches_of(bodies: list[bytes]) -> list[bytes]:
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


async def due(folder: Path) -> int:
    """Return how many accepted messages a route over everything has to deliver."""
    async with _reading(folder) as queries:
        totals = (await queries.intake_totals()).stored
    return sum(t.count for t in totals if t.group == "accepted" and t.message_type in CARRIED)


async def all_delivered(sink: int, count: int) -> float:
    """Wait until the sink has so many documents; returns when the last came (wall time)."""
    while True:
        told = await asked(sink, "/count")
        if told["seen"] >= count:
            return float(told["last"])
        await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)


async def arrivals(sink: int) -> dict[str, float]:
    """Return when each key arrived (wall time)."""
    found: dict[str, float] = (await asked(sink, "/seen"))["arrivals"]
    return found


async def asked(sink: int, path: str) -> Any:
    """Return the JSON that the sink answers at a path of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sink, limit=1 << 28)
    writer.write(post(path, b"", {}))
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = json.loads(await reader.readexactly(length))
    writer.close()
    return body


def lead_to(project: Path, sink: int, route: str, *, bulk: int = 0) -> None:
    """Give a project a new route for its sales, to this sink, in place of the one it has."""
    made = project.parent / f"{project.name}-{route}"
    new_project(made, sink, bulk=bulk)
    text = (made / "routes" / SALES_ROUTE).read_text()
    for file in project.glob("routes/*.toml"):
        if file.name == SALES_ROUTE or not (made / "routes" / file.name).exists():
            file.unlink()
    (project / "routes" / f"{route}.toml").write_text(text)
    (project / "systems" / "erp.toml").write_text((made / "systems" / "erp.toml").read_text())


@contextlib.asynccontextmanager
async def _reading(folder: Path) -> AsyncIterator[Any]:
    queries = open_queries(folder / ".state" / "journal.db")
    try:
        yield queries
    finally:
        await queries.close()

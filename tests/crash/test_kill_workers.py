"""A worker is killed in the middle of a batch: the sender repeats it, and nothing is doubled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tillway.api import read_hub_file
from tillway.assembly import open_queries
from tillway.cli.demo.folder import fresh_folder
from tillway.cli.demo.hub_process import HubProcess
from tillway.observe import verify
from tillway.project.template import KEYS_FILE
from tillway.simulator.brand_json import render
from tillway.simulator.chain import chain_facts
from tillway.simulator.facts import Receipt
from tillway.simulator.plan import ChainPlan

STORE = "0002"
SALES = 3_000
BATCH = 250
BESIDE = 4
REFUSED = 503
DEADLINE_SECONDS = 10.0


def sales(count: int) -> list[bytes]:
    """Return JSON sales of one store."""
    facts = chain_facts(ChainPlan(seed=11, stores=2, sales=3 * count))
    receipts = (fact for fact in facts if isinstance(fact, Receipt))
    ours = [render(fact) for fact in receipts if fact.store.business_unit_id == STORE]
    assert len(ours) >= count
    return ours[:count]


def workers_of(pid: int) -> list[int]:
    """Return the processes a process has forked, as Linux lists them."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.timeout(120)
async def test_workers_die_and_every_sale_is_stored_once(tmp_path: Path) -> None:
    """Both workers are killed while batches run; refused ones are repeated until all are in."""
    folder = tmp_path / "demo"
    fresh_folder(folder, hub_port=0, erp_port=0)
    (folder / "routes" / "pos-to-erp.toml").unlink()
    with (folder / "tillway.toml").open("a") as settings:
        settings.write("\n[intake]\nworkers = 2\n")
    bodies = sales(SALES)
    batches = [b"\n".join(bodies[at : at + BATCH]) for at in range(0, SALES, BATCH)]
    hub = HubProcess(folder)
    try:
        url = await hub.start()
        running = read_hub_file(folder)
        assert running is not None
        workers = workers_of(running.pid)
        assert len(workers) == 2
        outcomes, refused = await send_all(url, folder, batches, workers)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while workers_of(running.pid):  # noqa: ASYNC110 - no event reaches over from there
                await asyncio.sleep(0.01)
    finally:
        await hub.stop()
    queries = open_queries(folder)
    stored = {total.group: total.count for total in await queries.outcome_totals()}
    books = await verify(queries)
    await queries.close()
    assert refused, "no batch was in the hands of a worker that died"
    assert (hub.restarts, outcomes["accepted"] + outcomes["duplicate"]) == (0, SALES)
    assert sum(total for group, total in stored.items() if group == "accepted") == SALES
    assert books.balanced


async def send_all(
    url: str, folder: Path, batches: list[bytes], workers: list[int]
) -> tuple[Counter[str], int]:
    """Send every batch until it is taken, and kill a worker after the third and the sixth."""
    key = json.loads((folder / KEYS_FILE).read_text())["stores"][STORE]
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-ndjson"}
    waiting, outcomes, refused, answered = list(batches), Counter[str](), 0, 0

    async def sender(session: aiohttp.ClientSession) -> None:
        nonlocal refused, answered
        while waiting:
            batch = waiting.pop(0)
            async with session.post(f"{url}/in/quayside", data=batch, headers=headers) as answer:
                text = await answer.text()
            if answer.status == REFUSED:
                refused += 1
                waiting.insert(0, batch)
                continue
            assert answer.status == 200, text
            outcomes.update(json.loads(line)["outcome"] for line in text.splitlines())
            answered += 1
            if answered in (3, 6):
                os.kill(workers[answered // 3 - 1], signal.SIGKILL)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as senders:
        for _ in range(BESIDE):
            senders.create_task(sender(session))
    return outcomes, refused

"""A hub under test: a fresh project, `tillway run` as a process, and the cheapest target."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tillway.api import read_hub_file
from tillway.cli.demo.folder import fresh_folder
from tillway.security.secrets import variable_of
from tillway.simulator.brand_json import render
from tillway.simulator.chain import chain_facts
from tillway.simulator.facts import Receipt
from tillway.simulator.plan import ChainPlan, stores_csv

DOOR = "/in/quayside"
START_SECONDS = 60.0
STORES = 45
KEY_SECRET, KEY = "head_office", "the-key-of-the-bench"


def environment() -> dict[str, str]:
    """Return the environment of a hub under test: ours, and the key of its door."""
    return {**os.environ, variable_of(KEY_SECRET): KEY}


@dataclass(slots=True)
class HubUnderTest:
    """A running hub."""

    folder: Path
    port: int
    pid: int
    started_seconds: float

    def headers(self, content_type: str = "application/json") -> dict[str, str]:
        """Return what the sender sends with each call: the head office, for every shop."""
        return {"authorization": f"Bearer {KEY}", "content-type": content_type}

    def memory_megabytes(self) -> float:
        """Return the resident memory of the hub."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def journal_bytes(self) -> int:
        """Return the size of the journal without its write-ahead log."""
        return (self.folder / ".state" / "journal.db").stat().st_size


def sales(count: int, seed: int = 1) -> list[bytes]:
    """Return so many JSON sales of one brand's shops in a chain of 45, in the order of the day."""
    plan = ChainPlan(seed=seed, stores=STORES, sales=4 * count + 50 * STORES)
    found: list[bytes] = []
    for fact in chain_facts(plan):
        if isinstance(fact, Receipt) and fact.store.system == "quayside":
            found.append(render(fact))
            if len(found) == count:
                break
    return found


def new_project(folder: Path, target_port: int, *, bulk: int = 0, route: bool = True) -> None:
    """Make a project whose ERP is the sink; bulk 0 sends each document in a call of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    fresh_folder(folder, hub_port=0, erp_port=0)
    (folder / "stores.csv").write_text(stores_csv(ChainPlan(seed=1, stores=STORES)))
    door = folder / "systems" / "quayside.toml"
    path = f'path = "{DOOR}"\n'
    door.write_text(door.read_text().replace(path, f'{path}keys = "${{secret:{KEY_SECRET}}}"\n'))
    erp = folder / "systems" / "erp.toml"
    text = erp.read_text()
    url = next(line for line in text.splitlines() if line.startswith("url"))
    text = text.replace(url, f'url = "http://127.0.0.1:{target_port}"')
    text = text.replace("bulk_size = 50", f"bulk_size = {max(1, bulk)}")
    text = text.replace("concurrency = 8", "concurrency = 32")
    if not bulk:
        text = text.replace('bulk_path = "/documents/bulk"\n', "").replace("bulk_size = 1\n", "")
    erp.write_text(text)
    if not route:
        (folder / "routes" / "pos-to-erp.toml").unlink()


@contextlib.asynccontextmanager
async def running_hub(folder: Path) -> AsyncIterator[HubUnderTest]:
    """Run the hub of a project until the end of the block."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tillway", "run", "--project", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**environment(), "TILLWAY__LISTEN__PORT": "0"},
    )
    try:
        port = await _ready(folder, process)
        started = time.perf_counter() - began
        yield HubUnderTest(folder, port, process.pid, started)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


@contextlib.asynccontextmanager
async def running_sink() -> AsyncIterator[int]:
    """Run the sink as a process and give its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.sink", "0"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _ready(folder: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(START_SECONDS):
        while True:
            address = read_hub_file(folder)
            if address is not None and address.pid == process.pid:
                return address.port
            if process.returncode is not None:
                raise RuntimeError(f"the hub ended with exit code {process.returncode}")
            await asyncio.sleep(0.01)

"""A hub in a process of its own, with a fault planted by the launcher `hub_on_trial.py`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from flows.world import QUAYSIDE, World, check_books
from tillway.api import read_hub_file

LAUNCHER = Path(__file__).with_name("hub_on_trial.py")
START_SECONDS = 20.0
LOG_FILE = "hub-on-trial.log"


class Trial:
    """A running hub on trial; `address` is its own, "" when it died before it answered."""

    def __init__(self, world: World, process: asyncio.subprocess.Process, armed: Path) -> None:
        self.world = world
        self.process = process
        self.address = ""
        self._armed = armed

    def arm(self) -> None:
        """Let the planted fault happen from now on."""
        self._armed.touch()

    def failed_at(self) -> float:
        """Return when the planted flush failed, by the clock `time.monotonic` of the machine."""
        return float(self._armed.read_text())

    def disarm(self) -> None:
        """Mend what was planted, where it can be mended."""
        self._armed.unlink()

    async def sell(self, sale: dict[str, Any]) -> int:
        """Post a sale; return the status of the answer, 0 when the hub died over it."""
        try:
            key = self.world.keys[sale["storeNo"]]
            return (await self.world.post(self.address + QUAYSIDE, sale, key)).status
        except (aiohttp.ClientError, ConnectionError):
            return 0

    async def ended(self, within_seconds: float = START_SECONDS) -> int:
        """Return the exit code of the process once it has left."""
        return await asyncio.wait_for(self.process.wait(), within_seconds)

    async def answering(self) -> None:
        """Return when the hub answers, or has died."""
        async with asyncio.timeout(START_SECONDS):
            while self.process.returncode is None:
                found = read_hub_file(self.world.folder)
                if found is not None and found.pid == self.process.pid:
                    self.address = found.url
                    return
                await asyncio.sleep(0.02)


@asynccontextmanager
async def on_trial(world: World, **trial: Any) -> AsyncIterator[Trial]:
    """Run the hub of a project with a fault planted; it is killed when the block ends.

    Whatever became of it, its books must balance afterwards.
    """
    armed = world.folder.parent / "armed"
    armed.unlink(missing_ok=True)
    environment = {**os.environ, "TILLWAY_TRIAL": json.dumps(trial), "TILLWAY_ARMED": str(armed)}
    with (world.folder.parent / LOG_FILE).open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(LAUNCHER), "run", "--project", str(world.folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
        )
    hub = Trial(world, process, armed)
    try:
        await hub.answering()
        yield hub
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        armed.unlink(missing_ok=True)
    if hub.address:
        await check_books(world.folder)

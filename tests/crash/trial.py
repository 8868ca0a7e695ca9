"""A hub in a process of its own, with a fault planted by the launcher `hub_on_trial.py`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from flows.world import QUAYSIDE, World
from tillway.api import read_hub_file
from tillway.assembly.hub import journal_path
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import books_as_json, carried_by_route, verify
from tillway.project import load_release
from tillway.project.records import Release

LAUNCHER = Path(__file__).with_name("hub_on_trial.py")
START_SECONDS = 60.0
LOG_FILE = "hub-on-trial.log"


@dataclass(frozen=True, slots=True)
class Leaving:
    """When a flush failed, by `time.monotonic`, and for how long the hub then kept itself busy.

    own_seconds: until its last statement, without what it waited for a core; None when it was ended
    before that statement.
    """

    failed_at: float
    own_seconds: float | None


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

    def leaving(self) -> Leaving:
        """Return how the hub left after its planted flush had failed, as it noted it itself."""
        moments = [line.split() for line in self._armed.read_text().splitlines()]
        (failed_at, waited), *ends = [(float(at), float(waited)) for at, waited in moments]
        if not ends:
            return Leaving(failed_at, None)
        left_at, waited_later = ends[-1]
        return Leaving(failed_at, left_at - failed_at - (waited_later - waited))

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
async def on_trial(
    world: World, *, release: Release | None = None, **trial: Any
) -> AsyncIterator[Trial]:
    """Run the hub of a project with a fault planted; it is killed when the block ends.

    Whatever became of it, its books must balance afterwards. release: the project as it is loaded,
    for who runs its hub again and again; it takes longer to load than its books to check.
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
        await books_balance(release or load_release(world.folder, environ=os.environ))


async def books_balance(release: Release) -> None:
    """Check both equations of a project whose hub is gone."""
    queries = open_queries(journal_path(release))
    books = await verify(queries, carried_by_route(release))
    await queries.close()
    assert books.balanced, books_as_json(books)

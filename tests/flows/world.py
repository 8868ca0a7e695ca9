"""A whole chain for one test: a project from the template, the stand-in ERP, and the real hub.

Surprising: `running` joins the hub in the test's own process, but the ERP is always a process of
its own and every message goes through the real doors, files and sockets.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from tillway.assembly import Hub, open_hub, open_queries
from tillway.assembly.operations import HubOperations
from tillway.assembly.process import open_doorway
from tillway.clock import Clock
from tillway.journal.queries import InvalidRow, JournalQueries
from tillway.model import from_minor
from tillway.observe import Books, books_as_json, carried_by_route, verify
from tillway.project import load_release
from tillway.project.template import KEYS_FILE, Variables, new_project
from tillway.simulator.erp_client import running_erp, set_mode
from tillway.simulator.erp_facts import ErpFile

DEADLINE_SECONDS = 60.0
ROUTE = "pos-to-erp"
QUAYSIDE = "/in/quayside"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door said; body is the JSON document, or the list of lines of an NDJSON answer."""

    status: int
    body: Any
    text: str


@dataclass(slots=True)
class World:
    """One project folder and the ERP it delivers to."""

    folder: Path
    erp: str
    erp_data: Path
    session: aiohttp.ClientSession

    @property
    def keys(self) -> dict[str, str]:
        """Return the API key of each store that sends over HTTP."""
        found: dict[str, str] = json.loads((self.folder / KEYS_FILE).read_text())["stores"]
        return found

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file of the project; the text to change must be there."""
        text = (self.folder / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (self.folder / file).write_text(text.replace(old, new))

    def add_line(self, file: str, line: str) -> None:
        """Put one more line at the end of a file of the project."""
        text = (self.folder / file).read_text()
        (self.folder / file).write_text(f"{text.rstrip()}\n{line}\n")

    def add_store(self, number: str, system: str, currency: str = "USD") -> None:
        """List one more store."""
        zone, country = "America/New_York", "US"
        self.add_line("stores.csv", f"{number},Corner,{zone},{country},{currency},{system},3,")

    async def drop(self, system: str, name: str, content: bytes) -> Path:
        """Put a file into a watched folder as a shop does: under another name, renamed if whole."""
        folder = self.folder / "inbox" / system
        await asyncio.to_thread(_write_whole, folder, name, content)
        return folder / name

    async def post(self, url: str, body: Any, key: str = "", **headers: str) -> Answer:
        """Send one body to a door; anything but bytes goes out as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        spelled.setdefault("content-type", "application/json")
        if key:
            spelled["authorization"] = f"Bearer {key}"
        async with self.session.post(url, data=io.BytesIO(content), headers=spelled) as answer:
            text = await answer.text()
            lines = answer.content_type == "application/x-ndjson"
        found = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
        return Answer(answer.status, found, text)

    async def erp_mode(self, mode: str, **more: Any) -> None:
        """Break or heal the ERP."""
        await set_mode(self.session, self.erp, mode, **more)  # type: ignore[arg-type]

    def documents(self) -> list[str]:
        """Return the receipt keys in the ERP's ledger, in the order it booked them."""
        return [one.receipt_key for one in ErpFile(self.erp_data).documents()]

    def booked(self) -> dict[str, Decimal]:
        """Return the money in the ERP's ledger per currency."""
        sums: Counter[str] = Counter()
        for one in ErpFile(self.erp_data).documents():
            sums[one.currency] += one.minor
        return {currency: from_minor(minor, currency) for currency, minor in sums.items()}

    @asynccontextmanager
    async def running(self, clock: Clock | None = None) -> AsyncIterator[Running]:
        """Run the hub of this project in the test's process; its books must balance afterwards."""
        release = load_release(self.folder, environ=os.environ)
        hub = await open_hub(release, clock=clock, rng=Random(1))
        await hub.start()
        doorway = await open_doorway(hub)
        address = f"http://{doorway.server.host}:{doorway.server.port}"
        try:
            yield Running(self, hub, address)
        finally:
            await doorway.close()
            await hub.stop()
        await check_books(self.folder)


@dataclass(slots=True)
class Running:
    """A hub that is up."""

    world: World
    hub: Hub
    address: str

    @property
    def operations(self) -> HubOperations:
        """Return what a person may do."""
        return HubOperations(self.hub)

    async def post(
        self, body: Any, key: str = "", *, path: str = QUAYSIDE, **headers: str
    ) -> Answer:
        """Send one body to a door of this hub."""
        return await self.world.post(self.address + path, body, key, **headers)

    async def sell(self, sale: dict[str, Any]) -> Answer:
        """Post a sale with the key of its store."""
        return await self.post(sale, self.world.keys[sale["storeNo"]])

    async def take(self, system: str, name: str, content: bytes) -> Path:
        """Drop a file and return where the hub put it, in `done` or in `failed`."""
        path = await self.world.drop(system, name, content)
        await until(lambda: not path.exists(), f"{name} was not taken")
        done, failed = (path.parent / end / name for end in ("done", "failed"))
        return done if done.exists() else failed

    async def outcomes(self) -> dict[str, int]:
        """Return how many inputs had each outcome so far."""
        return await outcomes_of(self.hub.journal)

    async def settled(self) -> Books:
        """Wait until delivery has nothing left to do, then check the books."""
        await asyncio.wait_for(self.hub.delivery.idle(), DEADLINE_SECONDS)
        books = await verify(self.hub.journal, carried_by_route(self.hub.release))
        assert books.balanced, books_as_json(books)
        return books

    async def fates(self) -> dict[str, int]:
        """Return how many messages of the ERP's route have each fate."""
        totals = await self.hub.journal.route_totals(ROUTE)
        counts: Counter[str] = Counter()
        for total in totals.rows:
            counts[total.group] += total.count
        for name, some in (("filtered", totals.filtered), ("pending", totals.pending)):
            counts[name] += sum(total.count for total in some)
        return {fate: count for fate, count in counts.items() if count}

    async def quarantine(self) -> list[InvalidRow]:
        """Return what is in quarantine and not closed."""
        return await self.hub.journal.invalid(outcome="quarantined")

    async def positions(self, state: str) -> list[int]:
        """Return the positions whose delivery is in this state."""
        return [row.position for row, _ in await self.hub.journal.deliveries([state])]


@asynccontextmanager
async def new_world(folder: Path) -> AsyncIterator[World]:
    """Make a project and start its ERP; the hub is started by `running`."""
    erp_data = folder / "erp"
    async with running_erp(erp_data) as address, aiohttp.ClientSession() as session:
        port = int(address.rpartition(":")[2])
        project = folder / "project"
        seed = Random(20261120)
        new_project(project, "pos-erp", Variables("flows", 0, port), seed.randbytes)
        world = World(project, address, erp_data, session)
        for system in ("northgate", "millrace"):
            world.replace(f"systems/{system}.toml", "poll_seconds = 0.5", "poll_seconds = 0.02")
        world.replace("policies/retry.toml", "base_seconds = 0.5", "base_seconds = 0.05")
        world.replace("policies/retry.toml", "cap_seconds = 60", "cap_seconds = 0.5")
        world.replace("policies/breaker.toml", "[1, 2, 4, 8, 16, 32, 60]", "[0.2]")
        yield world


async def outcomes_of(queries: JournalQueries) -> dict[str, int]:
    """Return how many inputs had each outcome."""
    counts: Counter[str] = Counter()
    for total in await queries.outcome_totals():
        counts[total.group] += total.count
    return {outcome: count for outcome, count in counts.items() if count}


async def check_books(folder: Path) -> None:
    """Check both equations of a project whose hub is gone, as `tillway verify` does."""
    queries = open_queries(folder)
    books = await verify(queries, carried_by_route(load_release(folder, environ=os.environ)))
    await queries.close()
    assert books.balanced, books_as_json(books)


async def until(condition: Callable[[], bool], otherwise: str) -> None:
    """Return when a condition holds that no event tells of; fail with a sentence after a minute."""

    async def asked() -> bool:
        return condition()

    await until_async(asked, otherwise)


async def until_async(condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Return when a condition holds that has to be asked for."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - what it waits for tells nobody
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(otherwise) from None


def _write_whole(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    part.write_bytes(content)
    part.rename(folder / name)

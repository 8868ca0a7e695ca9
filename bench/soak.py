"""Runs a hub at twice its peak for half an hour, and looks whether it grows.

`python -m bench.soak --minutes 30`: forty registers sell 120 times a second in all; the stand-in
ERP takes everything and is away for some seconds now and then. Memory, open files and the log of
the journal are no figures of speed, so a busy machine does not spoil them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from bench.hub import DOOR, HubUnderTest, new_project, running_hub, sales
from bench.soak_watch import Sample, Verdict, judge, sample_of, table
from bench.timeline import drawn
from tillway.assembly import open_queries
from tillway.observe import books_as_json, verify
from tillway.simulator.erp_client import erp_totals, running_erp, set_mode

REGISTERS = 40
SALES_PER_SECOND = 120
OUTAGE_EVERY_SECONDS, OUTAGE_SECONDS = 180.0, 10.0
SAMPLE_SECONDS = 5.0
AGAIN_SECONDS, IDLE_SECONDS = 0.5, 300.0
DRAIN_SECONDS = 120.0
BULK = 50
CALLS_AT_ONCE = 32
"""To the ERP, as `bench.hub.new_project` sets it."""
STORED = (200, 202)


@dataclass(slots=True)
class Soak:
    """One run. answered: sales that were acknowledged; again: how often one was sent again."""

    hub: HubUnderTest
    erp: str
    session: aiohttp.ClientSession
    seconds: float
    answered: int = 0
    again: int = 0
    outages: int = 0
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> None:
        """Sell, break and mend the ERP, and watch, until the time is over; then let it drain."""
        end = time.monotonic() + self.seconds
        bodies = _by_register()
        others = [asyncio.create_task(self._outages()), asyncio.create_task(self._watch())]
        await asyncio.gather(*(self._register(*one, end) for one in bodies.items()))
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await set_mode(self.session, self.erp, "up")

    async def drained(self) -> int:
        """Wait until the ERP has booked what was acknowledged; return how many it has."""
        end = time.monotonic() + DRAIN_SECONDS
        while True:
            booked = int((await erp_totals(self.session, self.erp))["count"])
            if booked >= self.answered or time.monotonic() > end:
                return booked
            await asyncio.sleep(1.0)

    async def _register(self, number: int, sale: dict[str, Any], end: float) -> None:
        every = REGISTERS / SALES_PER_SECOND
        due = time.monotonic() + every * number / REGISTERS
        # A till has one connection and keeps it: a shared pool would grow when the hub is slow.
        line = aiohttp.TCPConnector(limit=1, keepalive_timeout=IDLE_SECONDS)
        async with aiohttp.ClientSession(connector=line) as session:
            for receipt in count(1):
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += every
                if time.monotonic() > end:
                    return
                body = json.dumps({**sale, "docNo": receipt}).encode()
                while not await self._is_stored(session, body):
                    self.again += 1
                    await asyncio.sleep(AGAIN_SECONDS)
                self.answered += 1

    async def _is_stored(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        url = f"http://127.0.0.1:{self.hub.port}{DOOR}"
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(url, data=body, headers=self.hub.headers()) as answer:
                await answer.read()
                return answer.status in STORED
        return False

    async def _outages(self) -> None:
        while True:
            await asyncio.sleep(min(OUTAGE_EVERY_SECONDS, self.seconds / 4))
            await set_mode(self.session, self.erp, "down")
            self.outages += 1
            await asyncio.sleep(OUTAGE_SECONDS)
            await set_mode(self.session, self.erp, "up")

    async def _watch(self) -> None:
        began = time.monotonic()
        while True:
            at = round(time.monotonic() - began, 1)
            self.samples.append(sample_of(self.hub, at, self.answered))
            await asyncio.sleep(SAMPLE_SECONDS)


def main() -> None:
    """Run, print the table, and leave with 1 when something grew or was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--out", type=Path, help="write the figures and every sample as JSON")
    parser.add_argument("--plot", type=Path, help="write the course of the run as SVG")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillway-soak-") as folder:
        verdict = asyncio.run(_soak(Path(folder), options.minutes * 60.0))
    print(table(verdict))
    if options.out:
        options.out.write_text(json.dumps(verdict.as_json(), indent=2) + "\n")
    if options.plot:
        options.plot.write_text(drawn(verdict.samples))
    sys.exit(0 if verdict.ok else 1)


async def _soak(folder: Path, seconds: float) -> Verdict:
    async with _everything(folder) as (hub, erp, session):
        soak = Soak(hub, erp, session, seconds)
        await soak.run()
        booked = await soak.drained()
    queries = open_queries(folder / "project")
    books = await verify(queries)
    await queries.close()
    if not books.balanced:
        print(json.dumps(books_as_json(books), default=str))
    return judge(
        soak.samples,
        seconds=seconds,
        answered=soak.answered,
        again=soak.again,
        outages=soak.outages,
        booked=booked,
        balanced=books.balanced,
        connections=REGISTERS + CALLS_AT_ONCE,
    )


@asynccontextmanager
async def _everything(
    folder: Path,
) -> AsyncIterator[tuple[HubUnderTest, str, aiohttp.ClientSession]]:
    async with running_erp(folder / "erp") as erp, aiohttp.ClientSession() as session:
        new_project(folder / "project", int(erp.rpartition(":")[2]), bulk=BULK)
        async with running_hub(folder / "project") as hub:
            yield hub, erp, session


def _by_register() -> dict[int, dict[str, Any]]:
    """Return a sale for each register; a receipt number of its own makes it a new one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for body in sales(REGISTERS * 50):
        sale = json.loads(body)
        for till in ("01", "02", "03"):
            found.setdefault((sale["storeNo"], till), {**sale, "tillNo": till})
    return dict(enumerate(list(found.values())[:REGISTERS]))


if __name__ == "__main__":
    main()

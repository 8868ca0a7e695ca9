"""Every screen of the console with a million messages stored, while a thousand sales a second come.

The screens are asked for in turn, each many times, on one connection. What the tills send meanwhile
is new, and is delivered; the floor is the same screens of a quiet hub with some thousand messages.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from pathlib import Path

import msgspec

from bench.full_journal import BROKEN, ROUTE, TILLS, broken, full_journal
from bench.hub import DOOR, HubUnderTest, environment, new_project, running_hub, running_sink, sales
from bench.load import LoadResult, at_rate, post
from bench.rest import rest
from bench.rows import Row
from bench.traffic import BATCH, batches_of, check
from tillway.console.screens import SCREENS
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import problems, targets_by_route
from tillway.project import load_release

STORED = 1_000_000
FEW = 4_000
REAL, FRESH = 3_000, 10_000
PER_SECOND = 1_000.0
SEGMENT_SECONDS, READY_SECONDS = 5.0, 60.0
"""Sales are made before they are sent, so that nothing else is done while the screens are timed."""
ROUNDS, FLOOR_ROUNDS = 32, 10
UNKNOWN_SECONDS = 60.0
Asked = dict[str, list[str]]
"""Screen -> its addresses; each is asked for once in a round."""


@dataclass(slots=True)
class Answers:
    """How long each screen took, in seconds."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def p95(self) -> dict[str, float]:
        """Return the 95th percentile of each screen in milliseconds, the slowest first."""
        found = {
            name: sorted(taken)[int(len(taken) * 0.95)] * 1e3
            for name, taken in self.seconds.items()
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


async def screens(folder: Path, stored: int = STORED, rounds: int = ROUNDS) -> list[Row]:
    """Return the slowest screen's p95, with all of them as its series."""
    project = folder / "screens"
    bodies = sales(REAL + FRESH)
    sold = _endless(bodies[:REAL], bodies[REAL:])
    async with running_sink() as sink:
        new_project(project, sink, bulk=BATCH)
        async with full_journal(project, bodies[:REAL], stored) as full:
            await full.begin(list(broken(bodies[:BROKEN])))
            await full.fill(0, FEW)
        asked = await addresses(project, bodies[0], FEW)
        async with running_hub(project) as hub:
            floor = (await _ask(hub, asked, FLOOR_ROUNDS)).p95()
        async with full_journal(project, bodies[:1], stored) as full:
            await full.fill(FEW, stored)
        asked = await addresses(project, bodies[0], stored)
        rest(folder)
        async with running_hub(project) as hub:
            found, load = await _while_selling(hub, asked, sold, rounds)
    taken = found.p95()
    slowest, held = next(iter(taken)), len(load.latencies) * BATCH / load.seconds
    print(f"  slowest: {slowest}; {held:,.0f} sales/s taken in meanwhile, ", end="")
    print(f"p95 of their answers {load.percentile(0.95) * 1e3:.0f} ms", flush=True)
    series = {name: round(milliseconds, 1) for name, milliseconds in taken.items()}
    return [
        Row(f"slowest screen p95, a million stored, {PER_SECOND:,.0f}/s", taken[slowest], "ms",
            max(floor.values()), 300, 100, higher_is_better=False,
            series={**series, "(sales a second)": round(held)}),
    ]  # fmt: skip


async def addresses(project: Path, sale: bytes, stored: int) -> Asked:
    """Return what is asked for: every screen, those of one thing with a thing that is there."""
    release = load_release(project, environ=environment())
    queries = open_queries(project / release.hub.journal)
    newest = await queries.last_position()
    groups = await problems(queries, targets_by_route(release))
    await queries.close()
    told = json.loads(sale)
    shop, till, when, number = (told[key] for key in ("storeNo", "tillNo", "bizDate", "docNo"))
    old = f"{shop}-{51 + stored % TILLS}-{stored // len(release.stores) // TILLS // 2}"
    shapes = {one.name: [one.path] for one in SCREENS}
    return shapes | {
        "store": [f"/stores/{shop}"],
        "problem": [f"/problems/{one.group}" for one in groups[:2]],
        "find": [
            f"/find?q={text}"
            for text in (
                old,
                f"{shop}:{till}:{when}:{number}",
                str(number),
                "24.90",
                f"{shop}-{till}-99999999",
                f"{shop}:{till}:{when}:99999999",
                "no-such-key",
                "0" * 32,
            )
        ],
        "trace": [f"/trace/{at}" for at in (1, newest // 2, newest)],
        "contract": [f"/contracts/{next(iter(release.contracts))}"],
        "mapping": [f"/mappings/{release.routes[ROUTE].mapping}"],
        "recon_day": [f"/recon/{shop}/{when}"],
    }


async def _while_selling(
    hub: HubUnderTest, asked: Asked, batches: Iterator[bytes], rounds: int
) -> tuple[Answers, LoadResult]:
    """Ask for every screen while sales come at an even pace, until the last was answered."""
    ready = list(islice(batches, int(PER_SECOND / BATCH * READY_SECONDS)))
    batches = chain(ready, batches)
    asking = asyncio.create_task(_ask(hub, asked, rounds))
    together = LoadResult(0.0)
    calls = int(PER_SECOND / BATCH * SEGMENT_SECONDS)
    headers = hub.headers("application/x-ndjson")
    while not asking.done():
        requests = [post(DOOR, batch, headers) for batch in islice(batches, calls)]
        result = await at_rate("127.0.0.1", hub.port, requests, PER_SECOND / BATCH)
        check(result, 200)
        together.seconds += result.seconds
        together.latencies += result.latencies
    return await asking, together


def _endless(known: Iterable[bytes], fresh: list[bytes]) -> Iterator[bytes]:
    """Yield full batches of new sales for ever: each till goes on counting where it was."""
    numbers: dict[tuple[str, str], int] = {}
    for body in known:
        sale = msgspec.json.decode(body)
        till = (sale["storeNo"], sale["tillNo"])
        numbers[till] = max(numbers.get(till, 0), sale["docNo"])
    full = [one.splitlines() for one in batches_of(fresh) if one.count(b"\n") == BATCH - 1]
    for batch in cycle(full):
        sold = []
        for body in batch:
            sale = msgspec.json.decode(body)
            till = (sale["storeNo"], sale["tillNo"])
            sale["docNo"] = numbers[till] = numbers.get(till, 0) + 1
            sold.append(msgspec.json.encode(sale))
        yield b"\n".join(sold)


async def _ask(hub: HubUnderTest, asked: Mapping[str, list[str]], rounds: int) -> Answers:
    """Ask for every address once a round; a screen that is not there is no measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port, limit=1 << 26)
    answers = Answers()
    for number in range(rounds + 1):
        for name, paths in asked.items():
            for path in paths:
                head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-language: en\r\n\r\n"
                began = time.perf_counter()
                writer.write(head.encode())
                status = await asyncio.wait_for(_answered(reader), UNKNOWN_SECONDS)
                taken = time.perf_counter() - began
                if status != 200:
                    raise RuntimeError(f"{path} answered {status}")
                if number:  # The first round makes the templates and asks the disk.
                    answers.seconds.setdefault(name, []).append(taken)
    writer.close()
    return answers


async def _answered(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end; returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length: ")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    return int(head.split(" ", 2)[1])

"""What reconciliation costs: per message as it comes, a day of all shops anew, a month at a glance.

Everything runs in this process on a journal of its own. The cost per message is CPU time of the
whole process, the writer's thread included, so that other load on the machine hardly counts.

Memory is what the process holds and nobody else could use: files that the system may drop do not
count. "that took" is all that the rerun added to a hub that had just opened: the facts of one day
at a time, and the page cache of SQLite, which fills once and is bounded by a setting of the
journal. "grew" is what was added between the first tenth of the days and the last one, without
that cache: whatever is kept for each day that is done shows there, and none should be. Receipts
are those of shops of the same system, so that a day has as few findings as a day has.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import apsw
import msgspec

from bench.rows import Row
from tillway.access.callers import HUB
from tillway.api.asgi import Call
from tillway.api.store_days import StoreDayQuestions
from tillway.assembly import Hub, open_hub
from tillway.cli.entry import YOUNG_OBJECTS
from tillway.connect import Submission
from tillway.journal.base import StoredMessage
from tillway.journal.projection import Change
from tillway.model import message_type
from tillway.project import load_release
from tillway.project.template import Variables
from tillway.project.template import new_project as from_template
from tillway.reconcile import Bookkeeper, Decision, Desk
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST
from tillway.reconcile.day_book import DayBook, encode_book
from tillway.reconcile.facts import Fact
from tillway.reconcile.shelf import decode_day, decode_fact, encode
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read, write
from tillway.simulator.batches import batches
from tillway.simulator.plan import FIRST_DAY, ChainPlan, stores_csv

PORTIONS = 4
REGISTERS = 4
DAY = FIRST_DAY.isoformat()
COLD_ROUNDS = 5
SHOPS_A_COMMIT = 10
TOLD_EVERY = 100
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: receipts of shops as they come, then a whole chain for a month."""

    shops: int
    receipts: int
    all_shops: int
    receipts_of_a_shop: int
    month_days: int


FULL = Size(60, 24_000, 600, 2_000, 31)
SMALL = Size(6, 240, 12, 40, 3)


def say(line: str) -> None:
    """Print a line of progress."""
    print(f"  {line}", flush=True)


async def bookkeeper(folder: Path, size: Size = FULL) -> list[Row]:
    """Keep the books of a day of many shops as its messages come."""
    return [(await _kept(folder / "incremental", size))[0]]


async def _kept(folder: Path, size: Size) -> tuple[Row, list[bytes]]:
    """Return what keeping a day's books costs, and its receipts as facts."""
    plan = ChainPlan(seed=1, stores=size.shops, sales=size.receipts)
    hub = await _hub(folder, plan)
    books = _books(hub)
    costs: dict[str, float] = {}
    messages, spent, floor = 0, 0.0, 0.0
    for at, portion in enumerate(_portions(plan, size), 1):
        for system, sender, content, many in portion:
            store = sender if many is not None else ""
            submission = Submission(content, store=store, format=many or "")
            await hub.intakes[system].submit(submission, keep_items=False)
        last = await hub.journal.last_position()
        floor += await _cpu(partial(_only_read, hub, messages))
        cost = await _cpu(books.catch_up)
        costs[f"portion {at}"] = round(cost / (last - messages) * 1e6, 1)
        say(f"portion {at}: {last - messages} messages, {costs[f'portion {at}']} us each")
        messages, spent = last, spent + cost
    rows = await books.ask("SELECT fact FROM recon_fact ORDER BY day_id, position LIMIT 20000")
    facts = [stored for [stored] in rows if decode_fact(stored).kind == "receipt"]
    await hub.stop()
    name = "bookkeeper, CPU for each message"
    per_message, read_only = spent / messages * 1e6, floor / messages * 1e6
    row = Row(name, per_message, "us", read_only, 60, 45, higher_is_better=False, series=costs)
    return row, facts


async def store_days(folder: Path, size: Size = FULL) -> list[Row]:
    """A day of the whole chain audited anew from its facts, then a month of it in a matrix."""
    _, facts = await _kept(folder / "incremental", size)
    folder /= "whole-chain"
    plan = ChainPlan(seed=1, stores=size.all_shops)
    hub = await _hub(folder, plan)
    await _books(hub).open()
    await _fill(hub, plan, facts, size)
    await hub.stop()
    floor = _facts_read_seconds(folder)
    hub = await _hub(folder, plan, fresh=False)
    await _books(hub).open()
    before, began = _memory_megabytes(), time.perf_counter()
    held: list[float] = []
    objects = sys.getallocatedblocks()
    spent = await _cpu(partial(_judge_anew, hub, size, held))
    seconds, taken = time.perf_counter() - began, _memory_megabytes() - before
    grown = held[-1] - held[0]
    objects = sys.getallocatedblocks() - objects
    series = {f"{at * 100 // TENTHS} %": one for at, one in enumerate(held, 1)}
    await _fill_month(hub, size)
    await hub.stop()
    hub = await _hub(folder, plan, fresh=False)
    matrix, bare = await _matrix_milliseconds(hub, size)
    await hub.stop()
    return [
        Row(f"a day of {size.all_shops} x {size.receipts_of_a_shop:,} receipts audited anew",
            seconds, "s", floor, 120, None, higher_is_better=False,
            series={"CPU seconds": round(spent, 1)}),
        Row("memory that took", taken, "MB", before, 100, None, higher_is_better=False),
        Row("memory it grew after the first tenth", grown, "MB", before, 10, None,
            higher_is_better=False, series=series | {"objects of Python more": objects}),
        Row(f"matrix of {size.all_shops} shops and {size.month_days} days", matrix, "ms", bare,
            200, None, higher_is_better=False),
    ]  # fmt: skip


async def _judge_anew(hub: Hub, size: Size, held: list[float]) -> None:
    """Audit the day of every shop from its facts; held is told the memory at each tenth."""
    books = _books(hub)
    decision = Decision("bench", "how fast", hub.clock.now())
    days, judged = 0, 0
    async for day in Desk(books).rerun(DAY, DAY, "", decision):
        days, judged = days + 1, judged + day.messages
        if days * TENTHS // size.all_shops > len(held):
            held.append(round(_memory_megabytes() - apsw.memory_used() / 1e6, 1))
        if not days % TOLD_EVERY:
            say(f"{days} of {size.all_shops} days audited anew, {_memory_megabytes():.0f} MB")
    if judged != size.all_shops * size.receipts_of_a_shop:
        raise RuntimeError(f"judged {judged} receipts anew")


async def _hub(folder: Path, plan: ChainPlan, *, fresh: bool = True) -> Hub:
    """Open the hub of a project for this chain; nothing runs by itself in it."""
    if fresh:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        from_template(folder, "pos-erp", Variables("bench", 0, 0), secrets.token_bytes)
        (folder / "stores.csv").write_text(stores_csv(plan))
    hub = await open_hub(load_release(folder, environ=os.environ))
    # As a hub that runs does it.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    return hub


def _books(hub: Hub) -> Bookkeeper:
    if hub.bookkeeper is None:
        raise RuntimeError("the template reconciles nothing")
    return hub.bookkeeper


def _portions(plan: ChainPlan, size: Size) -> Iterator[list[tuple[str, str, bytes, str | None]]]:
    """Yield the day in portions; each has what every shop made in that part of it."""
    documents = max(size.receipts // size.shops // PORTIONS, 1)
    by_shop: dict[str, list[tuple[str, str, bytes, str | None]]] = {}
    for batch in batches(plan, documents=documents):
        many = "ndjson" if batch.content_type.endswith("ndjson") else ""
        told = (
            batch.system,
            batch.sender,
            batch.content,
            many if batch.carrier == "http" else None,
        )
        by_shop.setdefault(batch.sender, []).append(told)
    for at in range(PORTIONS):
        yield [
            one
            for told in by_shop.values()
            for one in (told[at : at + 1] if at < PORTIONS - 1 else told[at:])
        ]


async def _only_read(hub: Hub, after: int) -> None:
    """Read and decode what the bookkeeper is about to read, and do nothing with it."""
    while messages := await hub.journal.read(after, 256):
        for stored in messages:
            _decoded(stored)
        after = messages[-1].position


def _decoded(stored: StoredMessage) -> object:
    return message_type(stored.envelope.message_type).decode(stored.canonical)


async def _cpu(work: Callable[[], Awaitable[None]]) -> float:
    """Return the CPU seconds of this process, all its threads, while something ran."""
    began = time.process_time()
    await work()
    return time.process_time() - began


async def _fill(hub: Hub, plan: ChainPlan, facts: list[bytes], size: Size) -> None:
    """Keep the facts of a whole day the way the bookkeeper does, as if they had come before."""
    by_system: dict[str, list[Fact]] = {}
    for fact in map(decode_fact, facts):
        by_system.setdefault(fact.system, []).append(fact)
    position, change = 0, Change()
    for day_id, store in enumerate(plan.store_plans(), 1):
        number, own = store.business_unit_id, cycle(by_system[store.system])
        receipts = list(islice(own, size.receipts_of_a_shop))
        day = StoreDay(day_id=day_id, store=number, business_date=DAY, state="receiving")
        # An audit brings the book up to the newest fact; this one is added up anew anyway.
        book = encode_book(DayBook(position=position + len(receipts)))
        change.run(write("day"), (day_id, number, DAY, day.state, encode(day), book))
        change.run(
            write("fact"),
            *(
                (day_id, position + at, encode(_placed(fact, number, at)))
                for at, fact in enumerate(receipts, 1)
            ),
        )
        position += len(receipts)
        change.run(write("cursor"), ("audited", position))
        if not day_id % SHOPS_A_COMMIT or day_id == size.all_shops:
            await hub.journal.project(change)
            change = Change()
        if not day_id % TOLD_EVERY:
            say(f"{position:,} facts kept")


def _placed(fact: Fact, store: str, at: int) -> Fact:
    """Return the receipt as one of this shop; the registers take turns."""
    number, register = divmod(at, REGISTERS)
    till = f"{register + 1:02d}"
    return msgspec.structs.replace(
        fact,
        natural_key=f"{store}:{till}:{DAY}:{number}",
        workstation=till,
        till=till,
        number=number,
        epoch=0,
    )


async def _fill_month(hub: Hub, size: Size) -> None:
    """Copy the audited day to the other days of a month."""
    sql = "SELECT store, state, record, book FROM recon_day"
    audited = await hub.journal.ask(sql)
    day_id = len(audited)
    for ahead in range(1, size.month_days):
        date = (FIRST_DAY + timedelta(days=ahead)).isoformat()
        change = Change()
        for store, state, record, book in audited:
            day_id += 1
            change.run(write("day"), (day_id, store, date, state, _on(record, date), book))
        await hub.journal.project(change)
    say(f"{day_id:,} store-days kept")


def _on(record: bytes, date: str) -> bytes:
    return encode(msgspec.structs.replace(decode_day(record), business_date=date))


def _facts_read_seconds(folder: Path) -> float:
    """Read and decode every fact, nothing else; seconds."""
    with closing(apsw.Connection(str(folder / ".state" / "journal.db"))) as db:
        began = time.perf_counter()
        for [stored] in db.execute("SELECT fact FROM recon_fact"):
            decode_fact(stored)
        return time.perf_counter() - began


async def _matrix_milliseconds(hub: Hub, size: Size) -> tuple[float, float]:
    """Ask for the matrix through the API; the median, and reading its rows alone."""
    questions = StoreDayQuestions(hub.journal, hub.release, hub.clock)
    taken, bare = [], []
    for _ in range(COLD_ROUNDS):
        began = time.perf_counter()
        await hub.journal.ask(read("days_of"), (ANY_FIRST, ANY_LAST, ""))
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        reply = await questions.matrix(_call(size))
        taken.append(time.perf_counter() - began)
    shops = len(msgspec.json.decode(reply.body)["rows"])
    if shops != size.all_shops:
        raise RuntimeError(f"the matrix shows {shops} shops")
    middle = COLD_ROUNDS // 2
    return sorted(taken)[middle] * 1e3, sorted(bare)[middle] * 1e3


def _call(size: Size) -> Call:
    async def nothing() -> Any:
        return {"type": "http.request"}

    last = FIRST_DAY + timedelta(days=size.month_days - 1)
    query = {"from": DAY, "to": last.isoformat()}
    return Call("GET", "/", query, {}, "", nothing, caller=HUB)


def _memory_megabytes() -> float:
    """Return the memory of this process, without pages of files that the system may drop."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / 1e6

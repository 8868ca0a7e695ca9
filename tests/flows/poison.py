"""Many tills sell, some of their sales are poison: what that does to the others, and the way back.

Surprising: the poison is of two kinds, one mended in the ERP and one in the project's own mapping.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.measures import SLOWED, Lag, Verdict, is_slower, out_of_order, p99_ms
from flows.outage import running_hub
from flows.tills import quayside
from flows.world import QUAYSIDE, ROUTE, World, new_world
from tillway.api.client import client_of
from tillway.assembly import open_queries
from tillway.journal.base import DeliveryRow, StoredMessage
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import carried_by_route, problems, verify
from tillway.project import load_release

STORES = ("0002", "0005")
LANES = 400
POISONED_LANES = LANES // 10
LINES = 50
CAUSES = {
    "VOUCHER": 'tender "voucher" is closed for booking',
    "SEASHELL": 'no account for tender "seashell"',
}
WARM_SECONDS = 1.0
END_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sold, first without and then with poison, one in a hundred."""

    clean: int
    poisoned: int
    sales_per_second: float


@dataclass(slots=True)
class Seen:
    """What happened. Keys are those of receipts; dead: key -> what its ledger row says.

    lags: (when it came, milliseconds until it was delivered) of the lanes without poison.
    """

    poison: dict[str, str] = field(default_factory=dict)
    sold: int = 0
    poison_began: float = 0.0
    dead: dict[str, str] = field(default_factory=dict)
    booked: list[str] = field(default_factory=list)
    marked: set[str] = field(default_factory=set)
    lags: list[Lag] = field(default_factory=list)
    balanced: bool = False


async def poison(folder: Path, plan: Plan) -> Seen:
    """Sell, let the poison die, mend both causes, send it again; return what was seen."""
    seen = Seen()
    async with new_world(folder) as world:
        _prepare(world)
        await world.erp_mode("up", reject_tender_types=["voucher"])
        async with running_hub(world) as address:
            await _sell(world, address, plan, seen)
            await _settled(world, dead=len(seen.poison))
            await _look_at_the_dead(world, seen)
            await world.erp_mode("up", reject_tender_types=[])
            await _retry(world, "VOUCHER")
            await _settled(world, dead=_count(seen, "SEASHELL"))
        world.replace("mappings/erp-document.toml", '"other", "seashell"', '"other", "voucher"')
        async with running_hub(world):
            await _retry(world, "SEASHELL")
            await _settled(world, dead=0)
        await _judge(world, seen)
    return seen


def verdict(seen: Seen) -> Verdict:
    """Return the figures, and what is wrong with them."""
    causes = {key: CAUSES[method] for key, method in seen.poison.items()}
    caused = sum(causes[key] in seen.dead.get(key, "") for key in causes)
    never_died = [key for key in seen.booked if key not in seen.dead]
    late = out_of_order(never_died)
    lost = seen.sold - len(set(seen.booked))
    doubled = len(seen.booked) - len(set(seen.booked))
    unmarked = len(seen.marked ^ set(seen.dead))
    first, last = min(at for at, _ in seen.lags), max(at for at, _ in seen.lags)
    before = p99_ms(seen.lags, first + WARM_SECONDS, seen.poison_began)
    during = p99_ms(seen.lags, seen.poison_began, last)
    checks = (
        (caused == len(causes) == len(seen.dead), f"{len(seen.dead)} dead, {caused} with cause"),
        (not (lost or doubled), f"{lost} lost, {doubled} doubled"),
        (not late, f"{len(late)} out of order, such as {late[:1]}"),
        (not unmarked, f"{unmarked} not marked as they should be"),
        (not is_slower(before, during), SLOWED),
        (seen.balanced, "the books do not balance"),
    )
    figure = (
        f"{caused} of {len(causes)} dead with cause, {len(seen.marked)} sent again and marked, "
        f"{lost} of {seen.sold} lost, {len(late)} out of order, "
        f"other lanes p99 {before:.0f} ms before, {during:.0f} ms during"
    )
    return Verdict(figure, [told for good, told in checks if not good])


# --- the run ---


def _prepare(world: World) -> None:
    world.replace(
        "mappings/erp-document.toml",
        "type   = 'tender_type'",
        'type   = \'choose(tender_type == "other", "seashell", tender_type)\'',
    )
    world.add_line("codes/tender.csv", "SEASHELL,other,Quayside: shells")


async def _sell(world: World, address: str, plan: Plan, seen: Seen) -> None:
    """Sell at all tills in turn; one in ten of the sales of a tenth of the tills is poison."""
    numbers = [0] * LANES
    began = time.monotonic()
    total = plan.clean + plan.poisoned
    posts: set[asyncio.Task[None]] = set()
    for first in range(0, total, LINES * len(STORES)):
        if not seen.poison_began and first >= plan.clean:
            seen.poison_began = time.time()
        await asyncio.sleep(max(0.0, began + first / plan.sales_per_second - time.monotonic()))
        # One batch of a store after the other, or its tills would not send in order.
        await asyncio.gather(*posts)
        lines: dict[str, list[dict[str, Any]]] = {store: [] for store in STORES}
        for at in range(first, first + LINES * len(STORES)):
            lane = at % LANES
            numbers[lane] += 1
            method = _method(lane, numbers[lane]) if first >= plan.clean else ""
            sale = _sale(lane, numbers[lane], method)
            lines[sale["storeNo"]].append(sale)
            if method:
                seen.poison[_key(sale)] = method
        posts = {
            asyncio.create_task(_post(world, address, store, some)) for store, some in lines.items()
        }
        seen.sold += sum(map(len, lines.values()))
    await asyncio.gather(*posts)


def _method(lane: int, number: int) -> str:
    """Return the tender of a poisoned sale, "" for a good one."""
    if lane >= POISONED_LANES or (number + lane) % 10:
        return ""
    return "VOUCHER" if lane % 2 else "SEASHELL"


def _sale(lane: int, number: int, method: str) -> dict[str, Any]:
    tender = {"payments": [{"method": method, "amt": "4.00"}]} if method else {}
    store = STORES[lane // 2 % len(STORES)]
    return quayside(number, store, tillNo=f"{lane + 1:03}", **tender)


def _key(sale: dict[str, Any]) -> str:
    return f"{sale['storeNo']}:{sale['tillNo']}:{sale['bizDate']}:{sale['docNo']}"


async def _post(world: World, address: str, store: str, sales: list[dict[str, Any]]) -> None:
    body = "".join(json.dumps(sale) + "\n" for sale in sales).encode()
    key = world.keys[store]
    answer = await world.post(address + QUAYSIDE, body, key, content_type="application/x-ndjson")
    outcomes = {line["outcome"] for line in answer.body}
    assert (answer.status, outcomes) == (200, {"accepted"}), answer.text


async def _settled(world: World, *, dead: int) -> None:
    """Return when so many are dead and everything else was delivered."""
    queries = open_queries(world.folder)
    try:
        async with asyncio.timeout(END_SECONDS):
            wanted = ({"dead"} if dead else set(), dead)
            while await _fates(queries) != wanted:  # noqa: ASYNC110 - another process delivers
                await asyncio.sleep(0.25)
    finally:
        await queries.close()


async def _fates(queries: SqliteQueries) -> tuple[set[str], int]:
    """Return the states that are left beside delivered, and how many are dead."""
    totals = await queries.route_totals(ROUTE)
    left = [*totals.rows, *totals.pending]
    open_ones = [one for one in left if one.group not in ("delivered", "filtered") and one.count]
    dead = sum(one.count for one in open_ones if one.group == "dead")
    return {one.group for one in open_ones}, dead


async def _retry(world: World, method: str) -> None:
    """Send every message of one cause again, as a person does through the running hub."""
    queries = open_queries(world.folder)
    try:
        found = await problems(queries, {ROUTE: "erp"})
    finally:
        await queries.close()
    [problem] = [one for one in found if CAUSES[method] in one.text]
    request = {"group": problem.group, "who": "ann", "reason": "mended", "agreed": problem.count}
    done = await asyncio.to_thread(client_of(world.folder).post, "/api/v1/dlq/retry", request)
    assert done["retried"] == problem.count, done


async def _look_at_the_dead(world: World, seen: Seen) -> None:
    queries = open_queries(world.folder)
    try:
        async for row, message in _rows(queries, "dead"):
            seen.dead[message.envelope.natural_key] = row.detail
    finally:
        await queries.close()


async def _judge(world: World, seen: Seen) -> None:
    queries = open_queries(world.folder)
    try:
        release = load_release(world.folder, environ=os.environ)
        seen.balanced = (await verify(queries, carried_by_route(release))).balanced
        async for row, message in _rows(queries, "delivered"):
            envelope = message.envelope
            if row.replayed:
                seen.marked.add(envelope.natural_key)
            if int(envelope.workstation) > POISONED_LANES:
                lag = (row.updated_at - envelope.received_at) / 1e3
                seen.lags.append((envelope.received_at / 1e6, lag))
    finally:
        await queries.close()
    seen.booked = world.documents()


async def _rows(
    queries: SqliteQueries, state: str
) -> AsyncIterator[tuple[DeliveryRow, StoredMessage]]:
    """Yield every ledger row in a state with its message."""
    after = 0
    while found := await queries.deliveries([state], route=ROUTE, after=after):
        after = found[-1][0].position
        for row, message in found:
            yield row, message


def _count(seen: Seen, method: str) -> int:
    return sum(one == method for one in seen.poison.values())

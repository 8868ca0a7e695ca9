"""A real outage of one target beside a healthy one: sales go on, and everything is measured.

Surprising: when a call reached the ERP is seen by a proxy in front of it, and what became of a sale
by the ledgers of the two ERPs; of the hub's own records only the times of the other route are used.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from crash.fault_proxy import Fault, fault_proxy
from flows.measures import SLOWED, Lag, Verdict, busiest, is_slower, out_of_order, p99_ms
from flows.tills import quayside
from flows.world import QUAYSIDE, World, new_world
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import HubProcess
from tillway.observe import carried_by_route, verify
from tillway.project import load_release
from tillway.simulator.erp_client import erp_totals, running_erp
from tillway.simulator.erp_facts import ErpFile

STORES = ("0002", "0005")
OTHER_ROUTE = "pos-to-second"
DRAIN_SHARE = 1.5
PEAK_SHARE = 1.1
MOST_CALLS_PER_HALF_MINUTE = 30
WARM_SECONDS = 1.0
ON_THE_WAY_SECONDS = 0.5
"""Sales go on during the drain: it has ended when what is not there is no older than this."""
END_SECONDS = 30.0
WENT_ON_SHARE = 0.25
STOOD_STILL = "the other target waited for the dead one"


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard it is tried. grace_seconds: what the drain may take beyond its share of the ideal.

    A short outage needs it, since the rate takes five seconds to grow back.
    """

    before_seconds: float
    down_seconds: float
    sales_per_second: float
    capacity_per_second: float
    registers: int = 40
    grace_seconds: float = 0.0

    @property
    def ideal_seconds(self) -> float:
        """How long the backlog would take at the whole capacity, while sales go on."""
        spare = self.capacity_per_second - self.sales_per_second
        return self.sales_per_second * self.down_seconds / spare

    @property
    def drain_seconds(self) -> float:
        """How long it may take."""
        return DRAIN_SHARE * self.ideal_seconds + self.grace_seconds


@dataclass(slots=True)
class Seen:
    """What happened; times are seconds of the monotonic clock.

    calls: when each call reached the ERP. lags: when each sale was accepted at the second target's
    route, and how many milliseconds later it was there.
    """

    calls: list[float] = field(default_factory=list)
    sold: int = 0
    down_at: float = 0.0
    up_at: float = 0.0
    drained_at: float = 0.0
    lags: list[Lag] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    late: list[str] = field(default_factory=list)
    balanced: bool = False


async def outage(folder: Path, plan: Plan) -> Seen:
    """Sell, break the ERP, mend it, sell on until all is there; return what was seen."""
    seen = Seen()

    def note() -> Fault:
        seen.calls.append(time.monotonic())
        return "none"

    async with new_world(folder) as world, running_erp(folder / "second") as second:
        async with fault_proxy(_port(world.erp), note) as proxy:
            _prepare(world, plan, proxy.port, _port(second))
            async with running_hub(world) as address:
                await _trade(world, address, plan, seen)
        await _judge(world, folder / "second", seen)
    return seen


def _went_on(seen: Seen) -> bool:
    """Whether what was sold in the outage reached the other target before its end, mostly.

    A slow machine delays some of it; a hub that makes one target wait for another delays it all.
    """
    came = [one for one in seen.lags if seen.down_at <= one[0] < seen.up_at - ON_THE_WAY_SECONDS]
    there = sum(at + lag / 1e3 < seen.up_at for at, lag in came)
    return there >= WENT_ON_SHARE * len(came) > 0


def verdict(plan: Plan, seen: Seen) -> Verdict:
    """Return the figures, and what is wrong with them."""
    peak = busiest([at for at in seen.calls if at >= seen.up_at], 1.0)
    dead = [at for at in seen.calls if seen.down_at <= at < seen.up_at]
    half_minute = busiest(dead, 30.0)
    drained = seen.drained_at - seen.up_at
    first = min(at for at, _ in seen.lags)
    before = p99_ms(seen.lags, first + WARM_SECONDS, seen.down_at)
    during = p99_ms(seen.lags, seen.down_at, seen.up_at)
    checks = (
        (peak <= PEAK_SHARE * plan.capacity_per_second, f"peak of {peak} calls in a second"),
        (drained <= plan.drain_seconds, f"drained in {drained:.1f} s"),
        (half_minute < MOST_CALLS_PER_HALF_MINUTE, f"{half_minute} calls to a dead ERP"),
        (not seen.late, f"{len(seen.late)} out of order, such as {seen.late[:1]}"),
        (not (seen.lost or seen.doubled), f"{seen.lost} lost, {seen.doubled} doubled"),
        (seen.balanced, "the books do not balance"),
        (_went_on(seen), STOOD_STILL),
        (not is_slower(before, during), SLOWED),
    )
    figure = (
        f"peak {peak} of {plan.capacity_per_second:g}/s, drained in {drained:.1f} s "
        f"(ideal {plan.ideal_seconds:.1f}), {half_minute} calls to the dead ERP in 30 s, "
        f"{len(seen.late)} of {seen.sold} out of order, other target p99 {before:.0f} ms before, "
        f"{during:.0f} ms during"
    )
    return Verdict(figure, [told for good, told in checks if not good])


@asynccontextmanager
async def running_hub(world: World) -> AsyncIterator[str]:
    """Run the hub of a project as a process of its own; give its address."""
    hub = HubProcess(world.folder)
    try:
        yield await hub.start()
    finally:
        await hub.stop()


# --- the run ---


def _prepare(world: World, plan: Plan, proxy_port: int, second_port: int) -> None:
    """Give the ERP a rate and single calls through the proxy, and a second target beside it."""
    erp = world.folder / "systems" / "erp.toml"
    text = erp.read_text()
    for old, new in (
        ('bulk_path = "/documents/bulk"\n', ""),
        ("bulk_size = 50\n", ""),
        ("rate_per_second = 0 ", f"rate_per_second = {plan.capacity_per_second:g} "),
    ):
        assert old in text
        text = text.replace(old, new)
    port = str(_port(world.erp))
    erp.write_text(text.replace(port, str(proxy_port)))
    (world.folder / "systems" / "second.toml").write_text(text.replace(port, str(second_port)))
    route = (world.folder / "routes" / "pos-to-erp.toml").read_text()
    other = route.replace('target = "erp"', 'target = "second"')
    (world.folder / "routes" / f"{OTHER_ROUTE}.toml").write_text(other)
    world.replace("policies/breaker.toml", "[0.2]", "[1, 2, 4, 8, 16, 32, 60]")


async def _trade(world: World, address: str, plan: Plan, seen: Seen) -> None:
    closing = asyncio.Event()
    began = time.monotonic()
    tills = [
        asyncio.create_task(_till(world, address, plan, number, began, closing))
        for number in range(plan.registers)
    ]
    await asyncio.sleep(plan.before_seconds)
    seen.down_at = time.monotonic()
    await world.erp_mode("down")
    await asyncio.sleep(plan.down_seconds)
    await world.erp_mode("up")
    seen.up_at = time.monotonic()
    limit = seen.up_at + 2 * plan.drain_seconds
    while time.monotonic() < limit:
        await asyncio.sleep(0.1)
        expected = (time.monotonic() - began - ON_THE_WAY_SECONDS) * plan.sales_per_second
        if await _booked(world) >= expected:
            break
    seen.drained_at = time.monotonic()
    closing.set()
    seen.sold = sum(await asyncio.gather(*tills))
    async with asyncio.timeout(END_SECONDS):
        while await _booked(world) < seen.sold:  # noqa: ASYNC110 - another process books
            await asyncio.sleep(0.1)


async def _booked(world: World) -> int:
    """Return how many documents the ERP says it holds."""
    return int((await erp_totals(world.session, world.erp))["count"])


async def _till(
    world: World, address: str, plan: Plan, number: int, began: float, closing: asyncio.Event
) -> int:
    """Sell at one register, one sale after the other, until the shop closes; return how many."""
    store = STORES[number % len(STORES)]
    key, pause = world.keys[store], plan.registers / plan.sales_per_second
    sold = 0
    while not closing.is_set():
        due = began + pause * (sold + number / plan.registers)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sold += 1
        sale = quayside(sold, store, tillNo=f"{number + 1:02}")
        answer = await world.post(address + QUAYSIDE, sale, key)
        assert answer.status == 202, answer.text
    return sold


async def _judge(world: World, second: Path, seen: Seen) -> None:
    queries = open_queries(world.folder)
    try:
        release = load_release(world.folder, environ=os.environ)
        seen.balanced = (await verify(queries, carried_by_route(release))).balanced
        wall = time.time() - time.monotonic()
        after = 0
        while found := await queries.deliveries(["delivered"], route=OTHER_ROUTE, after=after):
            after = found[-1][0].position
            for row, message in found:
                came = message.envelope.received_at
                seen.lags.append((came / 1e6 - wall, (row.updated_at - came) / 1e3))
    finally:
        await queries.close()
    for data in (world.erp_data, second):
        keys = [one.receipt_key for one in ErpFile(data).documents()]
        seen.late += out_of_order(keys)
        seen.doubled += len(keys) - len(set(keys))
        seen.lost += seen.sold - len(set(keys))


def _port(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port

"""The line to the ERP is late, cut, half open or slow: every sale is booked once, in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp
import pytest

from crash.fault_proxy import Fault, FaultProxy, fault_proxy
from crash.sellers import as_class_b, booked, repeats
from flows.tills import quayside
from flows.world import Running, World, new_world, until_async

SEED = 20261121
TILLS = ("01", "02", "03", "04", "05")
SALES = 100
FAULTS: tuple[Fault, ...] = ("late", "cut before", "cut after", "half open", "drip")
FAULTY_SHARE = 0.15
VERY_FAULTY_SHARE = 0.4
DEADLINE_SECONDS = 0.5
LONGEST_CALL_SECONDS = 5.0
MOST_CALLS_TO_A_DEAD_ERP = 30


@asynccontextmanager
async def behind_proxy(folder: Path) -> AsyncIterator[tuple[World, FaultProxy]]:
    """Give a project whose ERP is behind a proxy that breaks nothing yet; calls end early."""
    async with new_world(folder) as world:
        port = int(world.erp.rpartition(":")[2])
        async with fault_proxy(port, lambda: "none") as proxy:
            world.replace("systems/erp.toml", f":{port}", f":{proxy.port}")
            world.replace(
                "systems/erp.toml",
                "timeout_seconds = 10.0",
                f"timeout_seconds = {DEADLINE_SECONDS}",
            )
            world.replace("systems/erp.toml", "bulk_size = 50", "bulk_size = 3")
            yield world, proxy


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[tuple[World, FaultProxy]]:
    """Give a project and the proxy in front of its ERP."""
    async with behind_proxy(tmp_path) as made:
        yield made


async def sell_everything(running: Running, sales: int = SALES) -> None:
    """Sell at every till, each its own queue."""

    async def till(name: str) -> None:
        for number in range(1, sales + 1):
            assert (await running.sell(quayside(number, tillNo=name))).status == 202

    await asyncio.gather(*map(till, TILLS))


async def all_delivered(running: Running, count: int) -> None:
    """Wait until the ledger has every sale delivered, then check the books."""

    async def done() -> bool:
        return await running.fates() == {"delivered": count}

    await until_async(done, "not everything was delivered")
    await running.settled()


async def test_broken_calls_lose_double_and_reorder_nothing(
    line: tuple[World, FaultProxy],
) -> None:
    """With every seventh call broken in one of five ways each sale is booked once, in order."""
    world, proxy = line
    rng = Random(SEED)
    proxy.choose = lambda: rng.choice(FAULTS) if rng.random() < FAULTY_SHARE else "none"
    async with world.running() as running:
        await sell_everything(running)
        await all_delivered(running, len(TILLS) * SALES)
        tried = [
            attempt
            for position in range(1, len(TILLS) * SALES + 1)
            for attempt in await running.hub.journal.attempts_of(position)
        ]
    assert booked(world) == {till: list(range(1, SALES + 1)) for till in TILLS}
    assert set(proxy.calls) == {"none", *FAULTS}
    assert max(one.ended_at - one.started_at for one in tried) < LONGEST_CALL_SECONDS * 1e6


async def test_a_target_of_class_b_is_asked_before_anything_is_sent_again(
    line: tuple[World, FaultProxy],
) -> None:
    """After a lost answer the hub looks the sale up: the ERP never sees one twice."""
    world, proxy = line
    as_class_b(world)
    rng, sales = Random(SEED), SALES // 4
    faults: tuple[Fault, ...] = ("cut before", "cut after", "late")
    proxy.choose = lambda: rng.choice(faults) if rng.random() < VERY_FAULTY_SHARE else "none"
    async with world.running() as running:
        await sell_everything(running, sales)
        await all_delivered(running, len(TILLS) * sales)
    assert booked(world) == {till: list(range(1, sales + 1)) for till in TILLS}
    assert repeats(world) == 0
    assert proxy.calls["cut after"] >= 3


async def test_a_target_of_class_a_is_simply_called_again(line: tuple[World, FaultProxy]) -> None:
    """Control of the count above: the same lost answers at class A are repeats at the ERP."""
    world, proxy = line
    answers: list[Fault] = ["cut after", "none"]
    proxy.choose = lambda: answers.pop(0) if answers else "none"
    async with world.running() as running:
        await sell_everything(running, 2)
        await all_delivered(running, len(TILLS) * 2)
    assert repeats(world) >= 1


async def test_an_erp_that_swallows_calls_is_left_in_peace(
    line: tuple[World, FaultProxy],
) -> None:
    """The breaker opens on a line that is up and silent; afterwards everything arrives once."""
    world, proxy = line
    world.replace("policies/breaker.toml", "[0.2]", "[1, 2, 4]")
    proxy.choose = lambda: "half open"
    async with world.running() as running:
        await sell_everything(running, 20)

        async def is_open() -> bool:
            return [one.state for one in await running.hub.journal.target_states()] == ["open"]

        await until_async(is_open, "the breaker stayed closed")
        assert proxy.calls["half open"] < MOST_CALLS_TO_A_DEAD_ERP
        assert world.documents() == []
        proxy.choose = lambda: "none"
        await all_delivered(running, len(TILLS) * 20)
    assert booked(world) == {till: list(range(1, 21)) for till in TILLS}


async def test_the_proxy_really_breaks_calls(line: tuple[World, FaultProxy]) -> None:
    """Positive control: seen from the outside each fault is what its name says."""
    world, proxy = line
    seen: Counter[str] = Counter()
    for fault in FAULTS:
        proxy.choose = lambda fault=fault: fault  # type: ignore[misc]
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                async with world.session.get(f"http://127.0.0.1:{proxy.port}/totals") as answer:
                    seen[fault] = answer.status
        except TimeoutError:
            seen[fault] = -1
        except aiohttp.ClientError:
            seen[fault] = -2
    wanted = {"late": 200, "cut before": -2, "cut after": -2, "half open": -1, "drip": -1}
    assert dict(seen) == wanted

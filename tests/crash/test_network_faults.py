"""The line to the ERP is late, cut, half open or slow: every sale is booked once, in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from crash.broken_calls import (
    DEADLINE_SECONDS,
    FAULTS,
    Line,
    all_delivered,
    behind_proxy,
    broken_calls,
    sell_everything,
)
from crash.fault_proxy import Fault, FaultProxy
from crash.sellers import as_class_b, booked, repeats
from flows.world import World, until_async

SEED = 20261121
TILLS = ("01", "02", "03", "04", "05")
CALLS = 1_000
SALES = 25
VERY_FAULTY_SHARE = 0.4
LONGEST_CALL_SECONDS = 5.0
MOST_CALLS_TO_A_DEAD_ERP = 30


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[tuple[World, FaultProxy]]:
    """Give a project and the proxy in front of its ERP."""
    async with behind_proxy(tmp_path) as made:
        yield made


async def test_broken_calls_lose_double_and_reorder_nothing(tmp_path: Path) -> None:
    """With every seventh call broken in one of five ways each sale is booked once, in order."""
    found = await broken_calls(tmp_path, Line(SEED), CALLS)
    assert found.faults == []
    assert found.calls >= CALLS
    assert found.longest_seconds < LONGEST_CALL_SECONDS


async def test_a_target_of_class_b_is_asked_before_anything_is_sent_again(
    line: tuple[World, FaultProxy],
) -> None:
    """After a lost answer the hub looks the sale up: the ERP never sees one twice."""
    world, proxy = line
    as_class_b(world)
    proxy.choose = Line(SEED, VERY_FAULTY_SHARE, ("cut before", "cut after", "late")).chooser()
    async with world.running() as running:
        await sell_everything(running, TILLS, lambda number: number <= SALES)
        await all_delivered(running, len(TILLS) * SALES)
    assert booked(world) == {till: list(range(1, SALES + 1)) for till in TILLS}
    assert repeats(world) == 0
    assert proxy.calls["cut after"] >= 3


async def test_a_target_of_class_a_is_simply_called_again(line: tuple[World, FaultProxy]) -> None:
    """Control of the count above: the same lost answers at class A are repeats at the ERP."""
    world, proxy = line
    answers: list[Fault] = ["cut after", "none"]
    proxy.choose = lambda: answers.pop(0) if answers else "none"
    async with world.running() as running:
        await sell_everything(running, TILLS, lambda number: number <= 2)
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
        await sell_everything(running, TILLS, lambda number: number <= 20)

        async def is_open() -> bool:
            targets = await running.hub.journal.target_states()
            return ("erp", "open") in [(one.target, one.state) for one in targets]

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

"""A message that leaves its line undelivered: its lane goes on only when that is on record."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from tillway.delivery.retry_letters import Verb
from tillway.errors import Permanent, Transient
from tillway.journal.base import Settlement
from tillway.testing.delivery import ROUTE, Bench

Act = Callable[[Bench], Awaitable[None]]


class SlowDisk:
    """Keeps back the commit that takes position 1 out of its line, until the disk is let go."""

    def __init__(self, bench: Bench, *states: str) -> None:
        self.free = asyncio.Event()
        self.is_asked = False
        self._commit = bench.journal.settle
        self._states = states
        bench.journal.settle = self.settle  # type: ignore[method-assign]

    async def settle(self, settlement: Settlement) -> None:
        """Commit, at once or when let go."""
        if any(row.position == 1 and row.state in self._states for row in settlement.rows):
            self.is_asked = True
            await self.free.wait()
        await self._commit(settlement)


def refusing(bench: Bench, error: Permanent | Transient) -> None:
    """Let the first message fail."""
    target = bench.target
    target.script = lambda m: error if m.key.endswith(":1") else target.book(m)


async def refused(bench: Bench) -> None:
    """The target will never take it."""
    refusing(bench, Permanent("TW-9001", "no"))
    await bench.start()


async def gave_up(bench: Bench) -> None:
    """The horizon passes."""
    bench.retry = replace(bench.retry, horizon_seconds=5.0)
    refusing(bench, Transient("TW-9001", "busy"))
    await bench.start()
    await bench.turn(10)


async def ordered(bench: Bench, verb: Verb) -> None:
    """A person takes it out."""
    refusing(bench, Transient("TW-9001", "busy"))
    delivery = await bench.start()
    order = asyncio.create_task(delivery.order(ROUTE, verb, [1], "ann", "why"))
    await bench.turn()
    assert not order.done()


async def skipped(bench: Bench) -> None:
    """A person skips it."""
    await ordered(bench, "skip")


async def abandoned(bench: Bench) -> None:
    """A person gives it up."""
    await ordered(bench, "abandon")


WAYS = pytest.mark.parametrize("leave", [refused, gave_up, skipped, abandoned])


@WAYS
async def test_the_lane_waits_until_it_is_on_record_and_other_lanes_do_not(leave: Act) -> None:
    """What is behind it is not sent before; other lanes are; then it goes by itself."""
    bench = Bench()
    disk = SlowDisk(bench, "dead", "abandoned")
    await bench.accept("1:1", "1:1")
    await leave(bench)
    await bench.accept("1:1", "2:1")
    await bench.turn()
    assert disk.is_asked
    assert bench.numbers() == ["2:1:4"]
    disk.free.set()
    await bench.turn()
    assert bench.numbers() == ["2:1:4", "1:1:2", "1:1:3"]
    assert bench.row(1).state in ("dead", "abandoned")
    assert sum((await bench.books()).values()) == 4


@WAYS
async def test_a_death_before_it_is_on_record_keeps_the_order(leave: Act) -> None:
    """The next process finds it in line again, with nothing sent of what is behind it."""
    bench = Bench()
    disk = SlowDisk(bench, "dead", "abandoned")
    await bench.accept("1:1", "1:1")
    await leave(bench)
    assert disk.is_asked
    await bench.crash()
    disk.free.set()
    bench.target.script = bench.target.book
    await bench.start()
    await bench.turn(10)
    assert bench.numbers() == ["1:1:1", "1:1:2"]
    assert await bench.books() == {"delivered": 2}


async def test_what_is_delivered_opens_its_lane_before_it_is_on_record() -> None:
    """The normal case waits for no flush: sent again after a death, it has no second effect."""
    bench = Bench()
    disk = SlowDisk(bench, "delivered")
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert disk.is_asked
    assert bench.numbers() == ["1:1:1", "1:1:2"]
    await bench.restart()
    disk.free.set()
    await bench.turn()
    assert set(bench.target.effects.values()) == {1}
    assert await bench.books() == {"delivered": 2}


async def test_several_skipped_at_once_open_their_lane_once() -> None:
    """An order over a whole lane lets it go when all of it is on record."""
    bench = Bench()
    refusing(bench, Transient("TW-9001", "busy"))
    await bench.accept("1:1", "1:1", "1:1", "1:1")
    delivery = await bench.start()
    outcomes = await delivery.order(ROUTE, "skip", [1, 2, 3], "ann", "why")
    await bench.turn()
    assert [outcome.done for outcome in outcomes] == [True] * 3
    assert bench.numbers() == ["1:1:4"]
    assert delivery.snapshot().routes[0].held_lanes == 0

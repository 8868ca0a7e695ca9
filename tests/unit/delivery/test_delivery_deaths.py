"""Messages that kill whoever sends them: three deaths and they are dead, and nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from tillway.clock import settle
from tillway.connect import Outbound, SendResult
from tillway.project.records import TargetRecord
from tillway.testing.delivery import Bench
from tillway.testing.targets import ScriptedTarget

POISON = "1:1:1"


def raising(cause: BaseException) -> ScriptedTarget:
    """Return a target whose connector raises on the poisoned message."""

    def script(message: Outbound) -> SendResult:
        if message.key.endswith(POISON):
            raise cause
        return target.book(message)

    target = ScriptedTarget()
    target.script = script
    return target


class InnerTaskCut(ScriptedTarget):
    """A connector whose own inner task is cancelled, as a timeout gone wrong does it."""

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Let the cancellation of an inner task out for the poisoned message."""
        if batch[0].key.endswith(POISON):
            inner = asyncio.ensure_future(asyncio.sleep(3600))
            inner.cancel()
            await inner
        return await super().send(batch)


TARGETS: dict[str, Callable[[], ScriptedTarget]] = {
    "error": lambda: raising(ZeroDivisionError("division by zero")),
    "exit": lambda: raising(SystemExit(3)),
    "memory": lambda: raising(MemoryError()),
    "cancelled": InnerTaskCut,
}


@pytest.mark.parametrize("name", TARGETS)
async def test_three_deaths_make_a_dead_letter_and_the_process_goes_on(name: str) -> None:
    """Whatever the connector lets out, its lane and all others flow and the hub does not end."""
    bench = Bench(TARGETS[name]())
    await bench.accept("1:1", "1:1", "2:1")
    delivery = await bench.start()
    assert bench.numbers() == ["2:1:3"]
    for _ in range(3):
        await bench.turn(10)
    row = bench.row(1)
    assert (row.state, row.code, row.attempts) == ("dead", "TW-4003", 3)
    assert row.detail.startswith("worker_killed: ")
    assert bench.numbers() == ["2:1:3", "1:1:2"]
    assert bench.delivery is delivery
    await bench.accept("1:1")
    await bench.turn()
    assert await bench.books() == {"delivered": 3, "dead": 1}
    await bench.stop()


async def test_deaths_are_counted_across_restarts() -> None:
    """Two deaths before a crash and one after it are three."""
    bench = Bench(TARGETS["error"]())
    await bench.accept("1:1", "1:1")
    await bench.start()
    await bench.turn(10)
    assert bench.row(1).attempts == 2
    await bench.restart()
    await bench.turn(10)
    assert (bench.row(1).state, bench.row(1).attempts) == ("dead", 3)
    await bench.turn()
    assert bench.numbers() == ["1:1:2"]
    await bench.books()


async def test_a_stop_cuts_a_call_without_blaming_its_message() -> None:
    """The hub's own cancellation is no death: the message is simply sent again later."""
    bench = Bench(ScriptedTarget())
    bench.target.door.clear()
    await bench.accept("1:1")
    delivery = await bench.start()
    stopping = asyncio.create_task(delivery.stop(1.0))
    await settle()
    await bench.clock.advance(1)
    await stopping
    assert bench.journal.attempts == {}
    bench.target.door.set()
    await bench.restart()
    assert bench.numbers() == ["1:1:1"]


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_message_that_ends_the_process_three_times_is_dead_unless_it_arrived(
    arrived: bool,
) -> None:
    """At a target of class B the row `sending` says who was being sent; it is asked first."""
    target = ScriptedTarget("B")
    record = TargetRecord("erp", "scripted", "B", {}, settle_seconds=5.0)
    bench = Bench(target, record=record)
    await bench.accept("1:1", "1:1")
    target.door.clear()
    await bench.start()
    for _ in range(2):
        await bench.restart()
        await bench.turn(5)
        assert target.in_flight == 1
    await bench.restart()
    if arrived:
        target.book(Outbound(target.calls[0][0], "", "", {}))
    target.door.set()
    await bench.turn(5)
    row = bench.row(1)
    if arrived:
        assert (row.state, set(target.effects.values())) == ("delivered", {1})
    else:
        assert (row.state, row.code) == ("dead", "TW-4003")
        assert "the process ended" in row.detail
    assert bench.row(2).state == "delivered"
    await bench.books()


async def test_a_killed_process_blames_nobody_at_a_target_of_class_a() -> None:
    """There is no row that says who was under way; it goes out again under its key."""
    bench = Bench(ScriptedTarget())
    bench.retry = replace(bench.retry, base_seconds=1.0)
    await bench.accept("1:1")
    bench.target.door.clear()
    await bench.start()
    for _ in range(5):
        await bench.restart()
    bench.target.door.set()
    await bench.turn()
    assert await bench.books() == {"delivered": 1}

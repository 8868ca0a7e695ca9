"""The room as a whole: several routes, faults of the journal, stopping, where routes start."""

import asyncio

import pytest
from msgspec.structs import replace

from tillway.clock import ManualClock
from tillway.delivery import Delivery
from tillway.delivery.start import start_position
from tillway.errors import ConfigurationError, JournalFault
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench
from tillway.testing.targets import ScriptedTarget

FAULT = JournalFault("TW-5001", "the disk is gone")


async def test_two_routes_carry_the_same_message_each_for_itself():
    """Every route has its own lanes and fates; the target's limits are shared."""
    bench = Bench()
    release = bench._release()
    other = Route("pos-to-loyalty", frozenset({SALE}), "erp")
    release = replace(release, routes={ROUTE: bench.route, other.name: other})
    await bench.accept("1:1", "2:1")
    delivery = Delivery(release, {"erp": bench.target}, bench.journal, bench.clock, bench.random)
    await delivery.start()
    await delivery.idle()
    assert [route.cursor for route in delivery.snapshot().routes] == [2, 2]
    assert len(delivery.snapshot().targets) == 1
    assert sum(len(call) for call in bench.target.calls) == 4
    assert set(bench.target.effects.values()) == {1}
    await delivery.stop(1)


async def test_idle_returns_only_when_everything_that_can_be_done_is_done():
    """What was accepted before is delivered and on record when idle returns."""
    bench = Bench(ScriptedTarget(max_bulk=3))
    delivery = await bench.start()
    for _ in range(5):
        await bench.accept(*["1:1", "2:1", "3:1"] * 5)
        await delivery.idle()
        assert set((await bench.books()).keys()) == {"delivered"}


async def test_idle_does_not_wait_for_a_target_that_is_away():
    """With an open circuit there is nothing that could be done now."""
    bench = Bench()
    bench.target.is_away = True
    await bench.accept(*[f"{store}:1" for store in range(30)])
    delivery = await bench.start()
    await delivery.idle()
    assert (await bench.books())["pending"] > 0


async def test_a_journal_that_fails_stops_everything_and_is_told_to_the_owner():
    """Nothing is recorded after it; idle and watch raise, so that the process can leave."""
    bench = Bench()
    delivery = await bench.start()
    bench.journal.journal_fault = FAULT
    await bench.accept("1:1", "1:1", "1:1")
    with pytest.raises(JournalFault):
        await delivery.watch()
    with pytest.raises(JournalFault):
        await delivery.idle()
    assert bench.states() == {}
    calls = len(bench.target.calls)
    bench.journal.journal_fault = None
    await bench.accept("2:1")
    await bench.turn(60)
    assert len(bench.target.calls) == calls
    await delivery.stop(1)


async def test_a_fault_on_one_route_stops_the_others_too():
    """No route goes on sending what could no longer be recorded."""
    bench = Bench()
    release = bench._release()
    other = Route("pos-to-loyalty", frozenset({"cash.moved"}), "erp")
    release = replace(release, routes={ROUTE: bench.route, other.name: other})
    delivery = Delivery(release, {"erp": bench.target}, bench.journal, bench.clock, bench.random)
    await delivery.start()
    settle = bench.journal.settle

    async def failing(settlement):
        if settlement.route == ROUTE:
            raise FAULT
        await settle(settlement)

    bench.journal.settle = failing
    await bench.accept("1:1")
    with pytest.raises(JournalFault):
        await delivery.watch()
    calls = len(bench.target.calls)
    await bench.turn()
    await bench.accept("1:1", message_type="cash.moved")
    await bench.turn()
    assert len(bench.target.calls) == calls


async def test_a_fault_while_an_intent_is_written_makes_no_call():
    """Class B: without the durable intent nothing leaves."""
    bench = Bench(ScriptedTarget("B"))
    delivery = await bench.start()
    bench.journal.journal_fault = FAULT
    await bench.accept("1:1")
    with pytest.raises(JournalFault):
        await delivery.watch()
    assert bench.target.calls == []


async def test_stopping_lets_calls_in_flight_finish_and_records_them():
    """An orderly stop leaves no message in an unknown state."""
    bench = Bench()
    bench.target.door.clear()
    await bench.accept("1:1", "1:1", "2:1")
    delivery = await bench.start()
    stopping = asyncio.create_task(delivery.stop(10.0))
    await bench.turn()
    assert not stopping.done()
    bench.target.door.set()
    await bench.turn(1)
    await stopping
    assert await bench.books() == {"delivered": 2, "pending": 1}
    await delivery.watch()


async def test_stopping_cuts_calls_that_take_longer_than_the_drain_time():
    """They are pending, and go out under the same key at the next start."""
    bench = Bench()
    bench.target.door.clear()
    await bench.accept("1:1")
    delivery = await bench.start()
    stopping = asyncio.create_task(delivery.stop(10.0))
    await bench.turn()
    await bench.turn(10)
    await stopping
    assert await bench.books() == {"pending": 1}
    bench.target.door.set()
    await bench.start()
    assert await bench.books() == {"delivered": 1}


async def test_progress_is_a_time_and_not_a_flag():
    """A route that moves says when it last did."""
    bench = Bench()
    delivery = await bench.start()
    await bench.turn(100)
    await bench.accept("1:1")
    await bench.turn()
    assert delivery.dispatchers[ROUTE].last_progress_at == bench.clock.now()


async def test_a_stuck_call_leaves_the_progress_time_behind():
    """Positive control: with a call that never ends the time does not move."""
    bench = Bench()
    delivery = await bench.start()
    before = bench.clock.now()
    await bench.turn(100)
    bench.target.door.clear()
    await bench.accept("1:1")
    await bench.turn(100)
    assert delivery.dispatchers[ROUTE].last_progress_at == before


@pytest.mark.parametrize(
    "changes",
    [
        {"target": "nowhere"},
        {"retry": "never"},
        {"mapping": "missing"},
    ],
)
async def test_a_route_that_cannot_run_refuses_to_start(changes: dict[str, str]):
    """A missing target, mapping or policy is a coded refusal that names the route."""
    bench = Bench(route=replace(Route(ROUTE, frozenset({SALE}), "erp"), **changes))
    with pytest.raises(ConfigurationError) as refused:
        await bench.start()
    assert refused.value.code == "TW-4020"
    assert ROUTE in refused.value.detail


async def test_an_order_for_an_unknown_route_is_refused():
    """A typo in a route's name changes nothing."""
    bench = Bench()
    delivery = await bench.start()
    with pytest.raises(ConfigurationError) as refused:
        await delivery.retry("pos-to-epr", [1], "ada", "why")
    assert refused.value.code == "TW-4022"


async def test_a_new_route_starts_where_it_says():
    """Beginning, now, a date, a moment; and a route that ran before keeps its cursor."""
    bench = Bench()
    bench.clock = ManualClock(1_795_132_800_000_000)  # 2026-11-20T00:00:00Z
    for _ in range(3):
        await bench.accept("1:1")
        await bench.clock.advance(86_400)
    starts = ("beginning", "now", "2026-11-21", "2026-11-21T06:00:00+00:00", "2030-01-01")
    got = [await start_position(bench.journal, start) for start in starts]
    assert got == [0, 3, 1, 2, 3]
    assert await start_position(bench.journal, "2026-11-21", "Australia/Sydney") == 1
    with pytest.raises(ConfigurationError) as refused:
        await start_position(bench.journal, "yesterday")
    assert refused.value.code == "TW-4021"


async def test_a_route_that_starts_now_leaves_history_alone():
    """Only what is accepted from now on is carried, after restarts too."""
    bench = Bench(route=Route(ROUTE, frozenset({SALE}), "erp", start="now"))
    await bench.accept("1:1", "1:1")
    await bench.start()
    await bench.accept("1:1")
    await bench.turn()
    await bench.restart()
    assert bench.numbers() == ["1:1:3"]
    assert await bench.books() == {"delivered": 1}

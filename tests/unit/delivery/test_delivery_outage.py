"""A target that goes away: the circuit opens, nothing is burnt, and the backlog drains gently."""

from itertools import pairwise

from tillway.errors import Transient
from tillway.project.records import BreakerPolicy, TargetRecord
from tillway.testing.delivery import Bench
from tillway.testing.targets import ScriptedTarget


async def outage(**changes) -> Bench:
    """Return a bench whose target went away while twenty lanes were busy."""
    record = TargetRecord("erp", "scripted", "A", {}, concurrency=2, **changes)
    bench = Bench(ScriptedTarget(), record=record, breaker=BreakerPolicy("standard", failures=4))
    bench.target.is_away = True
    await bench.accept(*[f"{store}:1" for store in range(20)])
    await bench.start()
    return bench


async def test_an_open_circuit_sends_nothing_and_burns_no_attempts():
    """After four failures calls stop; what was not tried is pending, without a row."""
    bench = await outage()
    calls = len(bench.target.calls)
    assert 4 <= calls <= 5
    await bench.accept(*[f"{store}:2" for store in range(20)])
    await bench.turn(0.5)
    assert len(bench.target.calls) == calls
    books = await bench.books()
    assert books["held"] == calls
    assert books["pending"] == 40 - calls
    assert all(row.attempts == 1 for row in bench.journal.rows[bench.route.name].values())


async def test_probes_are_single_messages_after_1_2_4_seconds():
    """While it is away only one message at a time asks whether it is back."""
    bench = await outage()
    calls = [len(bench.target.calls)]
    for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
        await bench.turn(seconds - 0.01)
        assert len(bench.target.calls) == calls[-1]
        await bench.turn(0.01)
        calls.append(len(bench.target.calls))
    assert [after - before for before, after in pairwise(calls)] == [1] * 8


async def test_the_state_of_the_circuit_is_on_record_in_the_journal():
    """People outside the process see open, since when, why, and closed again."""
    bench = await outage()
    state = bench.journal.targets["erp"]
    assert (state.state, state.failures, state.detail) == ("open", 4, "nobody is there")
    assert state.next_probe_at == bench.clock.now() + 1_000_000
    bench.target.is_away = False
    await bench.turn(1)
    assert bench.journal.targets["erp"].state == "closed"
    assert (await bench.journal.target_states())[0].since == bench.clock.now()


async def test_after_a_good_probe_everything_goes_at_once_and_held_heads_do_not_wait():
    """Held heads are due as soon as the target works again, whatever their next time was."""
    bench = await outage()
    bench.target.is_away = False
    await bench.turn(1)
    assert await bench.books() == {"delivered": 20}


async def test_a_recovered_target_is_called_more_widely_step_by_step():
    """The first calls after an outage go one at a time."""
    bench = await outage()
    bench.target.is_away = False
    bench.target.peak = 0
    bench.target.door.clear()
    await bench.turn(1)
    assert bench.target.in_flight == 1
    bench.target.door.set()
    await bench.turn()
    assert bench.target.peak == 2


async def test_a_drained_backlog_stays_below_the_rate_of_the_target():
    """Held heads and pending messages pass the same limit when the target is back."""
    bench = await outage(rate_per_second=10.0)
    await bench.turn(0.5)
    await bench.accept(*[f"{store}:2" for store in range(40)])
    bench.target.is_away = False
    per_second = []
    for _ in range(12):
        before = len(bench.target.booked)
        await bench.turn(1)
        per_second.append(len(bench.target.booked) - before)
    assert max(per_second) <= 11
    assert per_second[:3] == sorted(per_second[:3])
    assert per_second[1] < 7
    assert await bench.books() == {"delivered": 60}
    assert bench.delivery.snapshot().targets[0].allowed_per_second == 10.0


async def test_a_poisoned_message_on_a_quiet_night_does_not_close_the_road():
    """One message that always fails is retried for hours; a new sale still goes at once."""
    bench = Bench(breaker=BreakerPolicy("standard", failures=3))
    target = bench.target
    bad = Transient("TW-9001", "error 500 on this document")
    target.script = lambda m: bad if m.key.endswith(":1") else target.book(m)
    await bench.accept("1:1")
    await bench.start()
    for _ in range(30):
        await bench.turn(10)
    assert len(target.calls) > 20
    await bench.accept("2:1")
    await bench.turn()
    assert bench.numbers() == ["2:1:2"]
    assert bench.journal.targets["erp"].state == "closed"


async def test_a_fresh_message_is_the_better_probe():
    """Even with an open circuit, a poisoned held message does not keep everybody out."""
    bench = Bench(breaker=BreakerPolicy("standard", failures=2))
    target = bench.target
    bad = Transient("TW-9001", "error 500 on this document")
    poison = {"1", "2"}
    target.script = lambda m: bad if m.key.rsplit(":", 1)[1] in poison else target.book(m)
    await bench.accept("1:1", "2:1")
    await bench.start()
    assert bench.journal.targets["erp"].state == "open"
    for seconds in (1, 1, 0, 0):
        await bench.accept("3:1")
        await bench.turn(seconds)
    assert bench.journal.targets["erp"].state == "closed"
    assert bench.numbers() == [f"3:1:{number}" for number in range(3, 7)]
    assert bench.row(1).attempts == 2


async def test_a_crash_during_an_outage_loses_nothing():
    """Pending stays pending behind the cursor, held stays held."""
    bench = await outage()
    await bench.restart()
    bench.target.is_away = False
    await bench.turn(120)
    assert await bench.books() == {"delivered": 20}


async def test_memory_holds_no_backlog_while_the_circuit_is_open(monkeypatch):
    """What arrives during an outage stays in the journal and is read when it is over."""
    monkeypatch.setattr("tillway.delivery.window.TAIL_MESSAGES", 50)
    bench = await outage()
    for _ in range(10):
        await bench.accept(*[f"{store}:1" for store in range(30)])
    await bench.turn(0.5)
    delivery = bench.delivery
    window = delivery.dispatchers[bench.route.name]._window
    assert len(window._tail) <= 50
    assert delivery.snapshot().routes[0].unread == 300
    bench.target.is_away = False
    await bench.turn(60)
    assert await bench.books() == {"delivered": 320}
    assert len(set(bench.numbers())) == 320


async def test_many_poisoned_heads_do_not_starve_the_other_lanes():
    """Forty messages that fail for ever cost the sales of other lanes a few seconds at most."""
    bench = Bench(ScriptedTarget(max_bulk=10))
    bench.retry = type(bench.retry)("standard", "exponential_full_jitter", 1.0, 60.0)
    target = bench.target
    bad = Transient("TW-9001", "error 500 on this document")
    target.script = lambda m: bad if m.lane.rsplit("/", 1)[1].startswith("9") else target.book(m)
    await bench.accept(*[f"9{store:02}:1" for store in range(40)])
    await bench.start()
    late = 0
    for _ in range(120):
        await bench.accept("1:1", "2:1", "3:1")
        await bench.turn(0.5)
        sold = sum(not row.lane.rsplit("/", 1)[1].startswith("9") for row in delivered(bench))
        late = max(late, bench._count - 40 - sold)
    assert late <= 30
    await bench.turn(5)
    assert len(delivered(bench)) == 360
    await bench.books()


def delivered(bench: Bench):
    """Return the rows of what reached the target."""
    rows = bench.journal.rows[bench.route.name].values()
    return [row for row in rows if row.state == "delivered"]

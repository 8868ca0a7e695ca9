"""The gate of a target: room, turns, and what it learns from answers."""

from tillway.connect import Delivered
from tillway.delivery.gate import TargetGate
from tillway.delivery.jobs import Trouble
from tillway.delivery.rows import Rows
from tillway.delivery.settle import Settler
from tillway.delivery.traffic import Traffic
from tillway.errors import NotConnected, Permanent, Transient
from tillway.project.records import BreakerPolicy, TargetRecord
from tillway.testing.delivery import ROUTE, Bench
from tillway.testing.targets import ScriptedTarget

BUSY = Transient("TW-9001", "busy")


def gate_of(bench: Bench, **changes) -> TargetGate:
    """Return a gate of eight calls whose circuit opens after two failures."""
    record = TargetRecord("erp", "scripted", "A", {}, concurrency=8, **changes)
    target = ScriptedTarget(max_bulk=20)
    return TargetGate(target, record, BreakerPolicy("s", failures=2), bench.journal, bench.clock)


def fail(gate: TargetGate, count: int) -> None:
    """Let calls fail for different messages."""
    for number in range(count):
        gate.finish(gate.start(1), [BUSY], f"r/{number}")


async def test_room_is_the_bulk_of_the_target_cut_by_its_rate():
    """Twenty at once without a rate; with fifty a second two may go at once."""
    assert gate_of(Bench()).room() == 20
    assert gate_of(Bench(), rate_per_second=50.0).room() == 2


async def test_a_probe_has_room_for_one_message():
    """However much a call could carry, an open circuit is tried with one."""
    bench = Bench()
    gate = gate_of(bench)
    fail(gate, 2)
    assert gate.room() == 0
    await bench.clock.advance(1)
    assert gate.room() == 1
    assert gate.start(1).probe
    assert gate.room() == 0


async def test_after_an_outage_the_width_starts_again_from_the_probe():
    """After one good probe two calls may be out, not the eight of before."""
    bench = Bench()
    gate = gate_of(bench)
    fail(gate, 2)
    await bench.clock.advance(1)
    gate.finish(gate.start(1), [Delivered()], "r/9")
    assert gate.breaker.is_closed
    gate.start(1)
    gate.start(1)
    assert gate.room() == 0
    assert gate.wait_seconds() == float("inf")


async def test_after_an_outage_the_rate_starts_again_for_every_route():
    """The rate belongs to the target; what it gets now is seen beside what was declared."""
    bench = Bench()
    gate = gate_of(bench, rate_per_second=50.0)
    fail(gate, 2)
    found = gate.snapshot()
    assert (found.rate_per_second, found.allowed_per_second) == (50.0, 5.0)
    await bench.clock.advance(1)
    gate.finish(gate.start(1), [Delivered()], "r/9")
    assert gate.snapshot().allowed_per_second == 15.0


async def test_refusals_of_business_say_that_the_target_works():
    """A hundred unknown accounts open no circuit; nor does a call that shows one success."""
    gate = gate_of(Bench())
    for number in range(100):
        gate.finish(gate.start(1), [Permanent("TW-9001", "unknown account")], f"r/{number}")
        gate.finish(gate.start(2), [BUSY, Delivered()], f"r/{number}")
    assert gate.breaker.is_closed


async def test_a_call_that_was_not_made_teaches_nothing():
    """An empty result gives the room back and leaves the count of failures alone."""
    gate = gate_of(Bench())
    fail(gate, 1)
    gate.finish(gate.start(1), [])
    gate.finish(gate.start(1), [NotConnected("TW-9001", "refused")], "r/2")
    assert not gate.breaker.is_closed
    assert gate.width.in_flight == 0


async def test_those_who_wait_are_called_in_turn_and_once():
    """Each ended call wakes the route that waited longest."""
    gate = gate_of(Bench())
    called: list[str] = []
    first, second = lambda: called.append("first"), lambda: called.append("second")
    for call in (first, second, first):
        gate.call_back(call)
    assert not gate.is_calm
    gate.finish(gate.start(1), [Delivered()])
    assert called == ["first"]
    gate.withdraw(second)
    gate.finish(gate.start(1), [Delivered()])
    assert called == ["first"]
    assert gate.is_calm


async def test_every_route_hears_when_the_circuit_turns():
    """A route that waits for nothing else must still learn that it may go on."""
    bench = Bench()
    gate = gate_of(bench)
    heard: list[object] = []
    gate.watch(lambda: heard.append("turned"), heard.append)
    fail(gate, 2)
    await bench.clock.advance(1)
    fail(gate, 1)
    await bench.clock.advance(2)
    gate.finish(gate.start(1), [Delivered()], "r/1")
    assert heard == ["turned", "turned", True, "turned"]


async def test_the_state_is_saved_only_when_it_changed():
    """A working target costs the journal nothing."""
    bench = Bench()
    gate = gate_of(bench)
    saved: list[str] = []

    async def save(state):
        saved.append(state.state)

    bench.journal.save_target_state = save
    for _ in range(3):
        await gate.save()
    fail(gate, 2)
    await gate.save()
    assert saved == ["closed", "open"]


async def test_what_killed_a_worker_shares_no_call_with_others():
    """A message with a death on its account goes alone, whoever is ready beside it."""
    bench = Bench()
    settler = Settler(ROUTE, bench.journal, 0, lambda: None, bench.clock)
    traffic = Traffic(bench.route, Rows(ROUTE, "r1", bench.clock), settler, bench.clock)
    for position in (1, 2, 3):
        lane = traffic.lanes.open(f"{ROUTE}/{position}")
        lane.add(position)
        traffic.lanes.ready(lane)
    traffic.troubles[2] = Trouble(deaths=1)
    taken = [traffic.take(10, several=False, low=False) for _ in range(3)]
    assert [[job.position for job in jobs] for jobs in taken] == [[1], [2], [3]]

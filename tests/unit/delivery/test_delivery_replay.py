"""Replay: the plan tells count, money and lanes; the run has no second effect."""

import asyncio

import pytest

from tillway.delivery import ReplayResult, ReplaySelection, plan_replay
from tillway.errors import ConfigurationError, Permanent, Transient
from tillway.project.records import TargetRecord
from tillway.testing.delivery import ROUTE, SALE, Bench
from tillway.testing.targets import ScriptedTarget


async def delivered(delivery_class: str = "A", **changes) -> Bench:
    """Return a bench with six delivered sales of three lanes, two of them on another date."""
    record = TargetRecord("erp", "scripted", delivery_class, {})
    bench = Bench(ScriptedTarget(delivery_class, **changes), record=record)
    await bench.accept("1:1", "1:1", "1:2", "2:1")
    bench.clock._start += 3_600_000_000
    await bench.accept("1:1", "2:1", business_date="2026-11-21", currency="SEK")
    await bench.accept("1:1", message_type="cash.moved")
    await bench.start()
    assert await bench.books() == {"delivered": 6, "filtered": 1}
    return bench


async def replay(bench: Bench, selection: ReplaySelection, seconds: float = 10.0, **changes):
    """Run a replay to its end while time passes; returns its summary and results."""
    told: list[ReplayResult] = []
    stop = changes.pop("stop", asyncio.Event())
    plan = await plan_replay(bench.journal, selection, **changes)
    run = asyncio.create_task(
        bench.delivery.replay(plan, "ada", "the ERP lost its morning", stop, told.append)
    )
    for _ in range(int(seconds * 10)):
        await bench.turn(0.1)
        if run.done():
            break
    return await run, told


async def test_the_plan_tells_count_money_lanes_and_time_and_sends_nothing():
    """Money is per message type and currency; what the route filtered is not in it."""
    bench = await delivered()
    calls = len(bench.target.calls)
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE), rate_per_second=2.0)
    assert (plan.count, plan.lanes, plan.expected_seconds) == (6, 3, 3.0)
    assert plan.money == {(SALE, "EUR"): 410, (SALE, "SEK"): 211}
    assert len(bench.target.calls) == calls


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"store": "2"}, 2),
        ({"business_date_from": "2026-11-21"}, 2),
        ({"business_date_to": "2026-11-20"}, 4),
        ({"key": "1:2:3"}, 1),
        ({"message_type": "cash.moved"}, 0),
        ({"store": "nowhere"}, 0),
    ],
)
async def test_a_selection_takes_what_it_names(changes: dict[str, str], count: int):
    """Every field narrows the selection."""
    bench = await delivered()
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE, **changes))
    assert plan.count == count


async def test_a_selection_by_time_reads_only_what_it_needs():
    """From and before are moments of receipt; the first is found by bisection."""
    bench = await delivered()
    later = bench.clock.now() - 1
    after = await plan_replay(bench.journal, ReplaySelection(ROUTE, received_from=later))
    before = await plan_replay(bench.journal, ReplaySelection(ROUTE, received_before=later))
    assert (after.count, before.count) == (2, 4)
    assert after.after == 4


async def test_a_replay_sends_the_same_keys_and_has_no_second_effect():
    """Every outcome is told and on record; rows stay as they were."""
    bench = await delivered()
    rows = {at: bench.row(at).updated_at for at in bench.states()}
    summary, told = await replay(bench, ReplaySelection(ROUTE))
    assert (summary.delivered, summary.failed, summary.stopped) == (6, 0, False)
    assert [result.position for result in told] == [1, 2, 3, 4, 5, 6]
    assert told[0].reference == "doc-1"
    assert set(bench.target.effects.values()) == {1}
    assert {at: bench.row(at).updated_at for at in bench.states()} == rows
    assert {a.kind for at in range(1, 7) for a in bench.journal.attempts[at]} == {"replay"}
    assert bench.journal.audit[-1].verb == "replay"
    assert await bench.books() == {"delivered": 6, "filtered": 1}


async def test_order_in_a_lane_is_kept_in_bulk_too():
    """A bulk call of a replay carries one message per lane."""
    bench = await delivered(max_bulk=10)
    del bench.target.calls[:]
    await replay(bench, ReplaySelection(ROUTE))
    for call in bench.target.calls:
        lanes = [key.rsplit(":", 1)[0] for key in call]
        assert len(lanes) == len(set(lanes))
    assert [key for call in bench.target.calls for key in call] == [
        "quayside/1:1:1",
        "quayside/1:1:2",
        "quayside/1:2:3",
        "quayside/2:1:4",
        "quayside/1:1:5",
        "quayside/2:1:6",
    ]


async def test_a_failed_replay_changes_no_delivered_row():
    """A refusal now does not undo what was delivered then; the failure is told and on record."""
    bench = await delivered()
    no, busy = Permanent("TW-9001", "period is closed"), Transient("TW-9001", "busy")
    answers = {"1": no, "2": busy}
    bench.target.script = lambda m: answers.get(m.key.rsplit(":", 1)[1]) or bench.target.book(m)
    summary, told = await replay(bench, ReplaySelection(ROUTE))
    assert (summary.delivered, summary.failed) == (4, 2)
    assert [(r.position, r.detail) for r in told if r.outcome == "failed"] == [
        (1, "period is closed"),
        (2, "busy"),
    ]
    assert sum(key == "quayside/1:1:2" for call in bench.target.calls for key in call) == 4
    assert await bench.books() == {"delivered": 6, "filtered": 1}
    assert bench.journal.attempts[1][-1].outcome == "permanent"


async def test_a_replay_keeps_its_rate():
    """Two a second means two a second."""
    bench = await delivered()
    calls = len(bench.target.calls)
    stop = asyncio.Event()
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE), rate_per_second=2.0)
    run = asyncio.create_task(bench.delivery.replay(plan, "ada", "why", stop, lambda _: None))
    for _ in range(20):
        await bench.turn(0.1)
    assert len(bench.target.calls) - calls in (4, 5)
    stop.set()
    await bench.turn(1)
    assert (await run).stopped


async def test_a_replay_stops_when_a_person_stops_it():
    """What was not sent is not reported as anything."""
    bench = await delivered()
    stop = asyncio.Event()
    stop.set()
    summary, told = await replay(bench, ReplaySelection(ROUTE), stop=stop)
    assert summary.stopped
    assert told == []


async def test_live_traffic_goes_before_a_replay():
    """While a route waits for room the replay does not take it."""
    bench = await delivered()
    gate = bench.delivery.gates["erp"]
    waiting = lambda: None  # noqa: E731 - a call back that does nothing
    gate.call_back(waiting)
    calls = len(bench.target.calls)
    stop = asyncio.Event()
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE))
    run = asyncio.create_task(bench.delivery.replay(plan, "ada", "why", stop, lambda _: None))
    await bench.turn(3)
    assert len(bench.target.calls) == calls
    gate.withdraw(waiting)
    await bench.turn(3)
    assert (await run).delivered == 6


async def test_class_b_is_asked_first_and_gets_only_what_is_absent():
    """What the target holds is found, not sent again."""
    bench = await delivered("B")
    del bench.target.effects["quayside/1:1:1"]
    bench.target.booked.remove("quayside/1:1:1")
    calls = len(bench.target.calls)
    summary, _ = await replay(bench, ReplaySelection(ROUTE))
    assert summary.delivered == 6
    assert bench.target.calls[calls:] == [["quayside/1:1:1"]]


async def test_class_d_is_refused():
    """Without keys every message would be booked twice."""
    bench = await delivered("D")
    with pytest.raises(ConfigurationError) as refused:
        await replay(bench, ReplaySelection(ROUTE))
    assert refused.value.code == "TW-4012"
    assert set(bench.target.effects.values()) == {1}

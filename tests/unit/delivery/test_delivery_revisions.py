"""Revisions on their way: what came late goes nowhere, what came in order goes in order."""

from __future__ import annotations

import asyncio

import pytest

from tillway.delivery import Order, ReplayResult, settle_offline
from tillway.delivery.replay_plan import ReplaySelection, plan_replay
from tillway.errors import ConfigurationError, Permanent, Transient, code_record
from tillway.project.records import TargetRecord
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench
from tillway.testing.targets import ScriptedTarget

OBJECT = {"sequence_number": None, "natural_key": "or-1", "object_digest": b"or-1"}


async def _accept(bench, *revisions):
    for revision in revisions:
        await bench.accept("or-1", revision=revision, **OBJECT)


async def test_a_superseded_message_is_passed_over_on_every_route():
    """It leaves no row, the cursor passes it, and its money is filtered in the books."""
    bench = Bench()
    await _accept(bench, 2, 1, 3)
    await bench.start()
    assert [message.revision for message in bench.target.sent] == [2, 3]
    assert bench.states() == {1: "delivered", 3: "delivered"}
    assert await bench.books() == {"delivered": 2, "filtered": 1}
    assert (await bench.journal.register_route(ROUTE, 0)).position == 3


async def test_a_late_revision_is_passed_over_live_as_well():
    """Told by the journal while the route waits for news, not only when read from disk."""
    bench = Bench()
    await _accept(bench, 2)
    await bench.start()
    await _accept(bench, 1)
    await bench.turn()
    assert [message.revision for message in bench.target.sent] == [2]
    assert await bench.books() == {"delivered": 1, "filtered": 1}


async def test_no_filter_is_asked_about_history():
    """A filter that fails would make a dead letter of it."""
    route = Route(ROUTE, frozenset({SALE}), "erp", filter=lambda body: 1 / (body["number"] - 2) < 2)
    bench = Bench(route=route)
    await _accept(bench, 2, 1)
    await bench.start()
    assert await bench.books() == {"delivered": 1, "filtered": 1}


async def test_two_revisions_waiting_in_order_are_sent_in_order():
    """The newer one waits behind the older one of its object, and both arrive."""
    bench = Bench(ScriptedTarget(delivery_class="A"))
    book, down = bench.target.script, [True]
    bench.target.script = lambda message: Transient("TW-9001", "busy") if down[0] else book(message)
    await _accept(bench, 1, 2)
    await bench.start()
    assert bench.states() == {1: "held", 2: "held"}
    down.clear()
    down.append(False)
    await bench.turn(10)
    assert [message.revision for message in bench.target.sent] == [1, 1, 2]
    assert len({message.key for message in bench.target.sent}) == 1
    assert await bench.books() == {"delivered": 2}


async def test_a_replay_does_not_bring_history_back():
    """Only what was delivered is sent again, in the order it was delivered."""
    bench = Bench()
    await _accept(bench, 2, 1)
    await bench.start()
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE))
    assert plan.count == 1


NO = Permanent("TW-9001", "unknown account")


async def _with_dead(*revisions: int, dead: tuple[int, ...] = (1,), **changes) -> Bench:
    """Return a bench where these revisions of an order are dead; the target takes them now."""
    bench = Bench(ScriptedTarget(delivery_class="A"), **changes)
    refused = set(dead)
    book = bench.target.script
    bench.target.script = lambda message: NO if message.revision in refused else book(message)
    for revision in revisions:
        await _accept(bench, revision)
    await bench.start()
    refused.clear()
    bench.target.sent.clear()
    return bench


def _sent(bench: Bench) -> list[int | None]:
    return [message.revision for message in bench.target.sent]


async def test_a_dead_letter_is_not_sent_over_its_newer_revision():
    """Revision 1 is dead, revision 2 delivered: a retry of 1 is refused by name."""
    bench = await _with_dead(1, 2)
    assert bench.states() == {1: "dead", 2: "delivered"}
    with pytest.raises(ConfigurationError) as told:
        await bench.delivery.retry(ROUTE, [1], "ada", "account was added")
    await bench.turn(60)
    assert told.value.code == "TW-4013"
    assert "or-1 is superseded by revision 2" in told.value.detail
    assert "abandon" in code_record("TW-4013").advice
    assert _sent(bench) == []
    assert bench.states() == {1: "dead", 2: "delivered"}
    assert bench.journal.audit == []


async def test_the_newest_dead_letter_is_sent_when_asked():
    """The control: without a newer revision the same order is carried out."""
    bench = await _with_dead(1)
    [outcome] = await bench.delivery.retry(ROUTE, [1], "ada", "account was added")
    await bench.turn()
    assert outcome.done
    assert _sent(bench) == [1]
    assert await bench.books() == {"delivered": 1}


async def test_of_two_dead_revisions_the_newest_alone_is_sent():
    """Each message has its own answer; what can be done is done."""
    bench = await _with_dead(1, 2, dead=(1, 2))
    outcomes = await bench.delivery.retry(ROUTE, [1, 2], "ada", "account was added")
    await bench.turn()
    assert [(one.position, one.done, one.code) for one in outcomes] == [
        (1, False, "TW-4013"),
        (2, True, ""),
    ]
    assert outcomes[0].detail == "not done: or-1 is superseded by revision 2"
    assert _sent(bench) == [2]
    assert bench.states() == {1: "dead", 2: "delivered"}


async def test_a_newer_revision_that_no_route_sent_yet_supersedes_as_well():
    """What counts is what is stored, wherever its own delivery stands."""
    bench = await _with_dead(1)
    bench.target.door.clear()
    await _accept(bench, 2)
    await bench.turn()
    with pytest.raises(ConfigurationError):
        await bench.delivery.retry(ROUTE, [1], "ada", "account was added")
    bench.target.door.set()
    await bench.turn()
    assert _sent(bench) == [2]


async def test_a_revision_that_is_stored_while_the_order_is_read_counts():
    """It may be on its way before the older one has its place in the lane again."""
    bench = await _with_dead(1)
    ask = bench.journal.newest_revisions

    async def slow(positions):
        found = await ask(positions)
        await _accept(bench, 2)
        await bench.turn()
        return found

    bench.journal.newest_revisions = slow
    with pytest.raises(ConfigurationError) as told:
        await bench.delivery.retry(ROUTE, [1], "ada", "account was added")
    await bench.turn()
    assert "superseded by revision 2" in told.value.detail
    assert _sent(bench) == [2]
    assert bench.states() == {1: "dead", 2: "delivered"}


async def test_a_superseded_letter_can_be_abandoned():
    """It is given up by name, and a lane that it held goes on with the newer revision."""
    route = Route(ROUTE, frozenset({SALE}), "erp", dead_head="hold")
    bench = await _with_dead(1, 2, route=route)
    assert bench.states() == {1: "dead", 2: "held"}
    with pytest.raises(ConfigurationError):
        await bench.delivery.retry(ROUTE, [1], "ada", "try")
    [outcome] = await bench.delivery.abandon(ROUTE, [1], "ada", "superseded")
    await bench.turn()
    assert outcome.done
    assert _sent(bench) == [2]
    assert bench.states() == {1: "abandoned", 2: "delivered"}


async def test_what_was_held_for_findings_is_not_released_once_superseded():
    """Its release would send the old version after the new one."""
    route = Route(ROUTE, frozenset({SALE}), "erp", requires="clean")
    bench = Bench(route=route)
    await bench.accept("or-1", revision=1, clean=False, **OBJECT)
    await _accept(bench, 2)
    await bench.start()
    assert bench.states() == {1: "held", 2: "delivered"}
    with pytest.raises(ConfigurationError):
        await bench.delivery.retry(ROUTE, [1], "ada", "looked at")
    await bench.turn()
    assert _sent(bench) == [2]


async def test_a_held_head_is_not_hurried_before_its_newer_revision_but_keeps_its_place():
    """What is tried again by itself goes in the order of its lane: 1, then 2."""
    bench = Bench(ScriptedTarget(delivery_class="A"))
    book, down = bench.target.script, [True]
    bench.target.script = lambda message: Transient("TW-9001", "busy") if down[0] else book(message)
    await _accept(bench, 1, 2)
    await bench.start()
    with pytest.raises(ConfigurationError):
        await bench.delivery.retry(ROUTE, [1], "ada", "now")
    down[0] = False
    bench.target.sent.clear()
    await bench.turn(10)
    assert _sent(bench) == [1, 2]
    assert await bench.books() == {"delivered": 2}


async def test_a_retry_without_a_hub_refuses_the_same():
    """The next start must not send what was superseded; the newest and others go."""
    bench = await _with_dead(1, 2, 3, dead=(1, 3))
    await bench.stop()
    order = Order("retry", "ada", "account was added", bench.clock.now(), "r1")
    with pytest.raises(ConfigurationError) as told:
        await settle_offline(bench.journal, ROUTE, [1], order)
    assert told.value.code == "TW-4013"
    outcomes = await settle_offline(bench.journal, ROUTE, [1, 3], order)
    assert [(one.position, one.code) for one in outcomes] == [(1, "TW-4013"), (3, "")]
    give_up = Order("abandon", "ada", "superseded", bench.clock.now())
    assert [one.done for one in await settle_offline(bench.journal, ROUTE, [1], give_up)] == [True]
    await bench.start()
    assert _sent(bench) == [3]
    assert bench.states() == {1: "abandoned", 2: "delivered", 3: "delivered"}


async def test_a_refusal_of_many_names_the_first_and_counts_the_rest():
    """A thousand old versions make one sentence, not a thousand."""
    bench = Bench(ScriptedTarget(delivery_class="A"))
    bench.target.script = lambda _: NO
    names = [f"or-{number}" for number in range(12)]
    for revision in (1, 2):
        for name in names:
            known = {**OBJECT, "natural_key": name, "object_digest": name.encode()}
            await bench.accept(name, revision=revision, **known)
    await bench.start()
    with pytest.raises(ConfigurationError) as told:
        await bench.delivery.retry(ROUTE, list(range(1, 13)), "ada", "all")
    assert "or-9 is superseded by revision 2; and 2 more" in told.value.detail
    assert "or-10" not in told.value.detail


async def _delivered(*revisions: int, **changes) -> Bench:
    """Return a bench where these revisions of an order, and a sale of a till, are delivered."""
    bench = Bench(ScriptedTarget("A", **changes))
    await _accept(bench, *revisions)
    await bench.accept("2:1")
    await bench.start()
    bench.target.sent.clear()
    return bench


async def _replay(bench: Bench, plan) -> tuple:
    told: list[ReplayResult] = []
    running = asyncio.create_task(
        bench.delivery.replay(plan, "ada", "the ERP lost it", asyncio.Event(), told.append)
    )
    for _ in range(100):
        await bench.turn(0.1)
        if running.done():
            break
    return await running, told


async def test_a_plan_leaves_out_what_was_superseded_and_says_by_what():
    """Both were delivered, in order; only the newest is sent again."""
    bench = await _delivered(1, 2)
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE))
    assert (plan.count, plan.superseded, plan.lanes) == (2, 1, 2)
    assert [(one.natural_key, one.superseded_by) for one in plan.left_out] == [("or-1", 2)]
    assert plan.money == {(SALE, "EUR"): 102 + 103}
    summary, told = await _replay(bench, plan)
    assert (summary.delivered, summary.failed, summary.superseded) == (2, 0, 1)
    assert [(one.position, one.outcome, one.code) for one in told] == [
        (1, "superseded", "TW-4013"),
        (2, "delivered", ""),
        (3, "delivered", ""),
    ]
    assert told[0].detail == "superseded by revision 2"
    assert _sent(bench) == [2, None]
    assert await bench.books() == {"delivered": 3}


async def test_a_plan_of_an_old_revision_alone_sends_nothing():
    """The newer one may be on its way only, or dead: the older one is left out all the same."""
    bench = await _delivered(1)
    bench.target.script = lambda message: NO
    await _accept(bench, 2)
    await bench.turn()
    assert bench.states()[3] == "dead"
    bench.target.sent.clear()
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE, key="or-1"))
    assert (plan.count, plan.superseded) == (0, 1)
    summary, _ = await _replay(bench, plan)
    assert (summary.delivered, summary.superseded) == (0, 1)
    assert _sent(bench) == []


async def test_what_is_superseded_while_a_replay_waits_is_left_out_at_the_last_moment():
    """A replay is slow on purpose: a newer revision may be stored and sent before its turn."""
    bench = await _delivered(1)
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE), rate_per_second=0.5)
    assert plan.superseded == 0
    told: list[ReplayResult] = []
    running = asyncio.create_task(
        bench.delivery.replay(plan, "ada", "the ERP lost it", asyncio.Event(), told.append)
    )
    bench.delivery.dispatchers[ROUTE].gate.room = lambda: 0
    await bench.turn(1)
    await _accept(bench, 2)
    del bench.delivery.dispatchers[ROUTE].gate.room
    for _ in range(100):
        await bench.turn(0.1)
    summary = await running
    assert (summary.delivered, summary.superseded) == (1, 1)
    assert _sent(bench).count(1) == 0
    assert [message.revision for message in bench.target.sent].count(2) == 1


async def test_numbered_receipts_are_never_asked_for_revisions_by_a_replay():
    """A till's history is read as before."""
    bench = Bench(ScriptedTarget("A"), record=TargetRecord("erp", "scripted", "A", {}))
    await bench.accept("1:1", "1:2")
    await bench.start()

    async def asked(positions):
        raise AssertionError(positions)

    bench.journal.newest_revisions = asked
    plan = await plan_replay(bench.journal, ReplaySelection(ROUTE))
    summary, _ = await _replay(bench, plan)
    assert (plan.count, summary.delivered) == (2, 2)


async def test_hints_pass_by_unless_a_route_names_them():
    """They are the hub's own, and a route may still ask for them."""
    hint = {"message_type": "source.hint", "sequence_number": None, "natural_key": "ev-1"}
    bench = Bench()
    await bench.accept("or-1", **hint)
    await bench.start()
    assert bench.target.sent == []
    curious = Bench(route=Route(ROUTE, frozenset({"source.hint"}), "erp"))
    await curious.accept("or-1", **hint)
    await curious.start()
    assert [message.message_type for message in curious.target.sent] == ["source.hint"]

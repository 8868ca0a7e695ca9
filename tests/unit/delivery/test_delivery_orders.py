"""The orders of a person beside retry and abandon: hold, release and skip, live and offline."""

from __future__ import annotations

import pytest

from tillway.connect import Outbound
from tillway.delivery import Order, settle_offline
from tillway.errors import InDoubt, Permanent, Transient
from tillway.project.records import TargetRecord
from tillway.testing.delivery import ROUTE, Bench
from tillway.testing.targets import ScriptedTarget

BUSY = Transient("TW-9001", "busy")


async def stuck(**changes: object) -> Bench:
    """Return a bench whose first message is tried again every ten seconds, two waiting behind."""
    bench = Bench(**changes)  # type: ignore[arg-type]
    bench.target.script = lambda m: BUSY if m.key.endswith(":1") else bench.target.book(m)
    await bench.accept("1:1", "1:1", "1:1", "2:1")
    await bench.start()
    assert bench.states() == {1: "held", 2: "held", 3: "held", 4: "delivered"}
    return bench


async def give(bench: Bench, verb: str, *positions: int) -> list[bool]:
    """Give an order by name; return what was done."""
    assert bench.delivery is not None
    outcomes = await bench.delivery.order(ROUTE, verb, positions, "ann", "why")  # type: ignore[arg-type]
    await bench.turn()
    return [outcome.done for outcome in outcomes]


async def test_what_a_person_holds_is_not_tried_and_neither_is_its_lane() -> None:
    """Hours pass without a call; others flow; release sends it and what waits behind it."""
    bench = await stuck()
    assert await give(bench, "hold", 1) == [True]
    row = bench.row(1)
    assert (row.state, row.reason, row.detail) == ("held", "on_hold", "held by ann: why")
    calls = len(bench.target.calls)
    await bench.turn(3600)
    await bench.accept("2:1")
    await bench.turn()
    assert len(bench.target.calls) == calls + 1
    assert await bench.books() == {"held": 3, "delivered": 2}
    bench.target.script = bench.target.book
    assert await give(bench, "release", 1) == [True]
    assert bench.numbers() == ["2:1:4", "2:1:5", "1:1:1", "1:1:2", "1:1:3"]
    assert [one.verb for one in await bench.journal.actions(5)] == ["release", "hold"]
    assert await bench.books() == {"delivered": 5}


async def test_a_hold_survives_a_restart_and_an_outage() -> None:
    """Neither a new process nor a recovered target lets it go."""
    bench = await stuck()
    await give(bench, "hold", 1)
    await bench.restart()
    bench.target.is_away = True
    await bench.accept("3:1", "4:1", "5:1", "6:1", "7:1", "8:1")
    await bench.turn(30)
    bench.target.is_away = False
    bench.target.script = bench.target.book
    await bench.turn(300)
    assert bench.row(1).reason == "on_hold"
    assert not any(key.startswith("1:1") for key in bench.numbers())
    await give(bench, "release", 1)
    assert bench.numbers()[-3:] == ["1:1:1", "1:1:2", "1:1:3"]


async def test_a_message_behind_the_head_can_be_held() -> None:
    """What is before it goes, it and what is behind it stay."""
    bench = await stuck()
    assert await give(bench, "hold", 2) == [True]
    bench.target.script = bench.target.book
    await bench.turn(10)
    assert bench.states() == {1: "delivered", 2: "held", 3: "held", 4: "delivered"}
    await bench.turn(1000)
    assert bench.states()[3] == "held"
    await give(bench, "release", 2)
    assert bench.numbers() == ["2:1:4", "1:1:1", "1:1:2", "1:1:3"]


async def test_a_skipped_head_lets_its_lane_go_and_can_be_sent_later() -> None:
    """It is a dead letter with who and why; the others go in order; a retry delivers it."""
    bench = await stuck()
    assert await give(bench, "skip", 1) == [True]
    row = bench.row(1)
    assert (row.state, row.code, row.detail) == ("dead", "TW-4018", "skipped by ann: why")
    assert bench.numbers() == ["2:1:4", "1:1:2", "1:1:3"]
    bench.target.script = bench.target.book
    assert await give(bench, "retry", 1) == [True]
    assert bench.row(1).replayed
    assert await bench.books() == {"delivered": 4}


async def test_a_dead_letter_that_holds_its_lane_can_be_skipped() -> None:
    """Where a route keeps lanes shut, a person opens one without giving the message up."""
    bench = Bench()
    bench.route = type(bench.route)(ROUTE, bench.route.messages, "erp", dead_head="hold")
    bench.target.script = lambda m: (
        Permanent("TW-9001", "no") if m.key.endswith(":1") else bench.target.book(m)
    )
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert bench.numbers() == []
    assert await give(bench, "skip", 1) == [True]
    assert bench.numbers() == ["1:1:2"]
    assert bench.row(1).state == "dead"
    await bench.restart()
    assert await bench.books() == {"delivered": 1, "dead": 1}


async def test_a_skipped_doubt_is_looked_up_before_it_is_ever_sent_again() -> None:
    """Class B: nothing is sent by a skip, and the later retry asks the target first."""
    record = TargetRecord("erp", "scripted", "B", {}, settle_seconds=60.0)
    bench = Bench(ScriptedTarget("B"), record=record)

    def book_and_lose(message: Outbound) -> InDoubt:
        bench.target.book(message)
        return InDoubt("TW-9001", "the answer was lost")

    bench.target.script = book_and_lose
    await bench.accept("1:1")
    await bench.start()
    assert bench.row(1).state == "in_doubt"
    assert await give(bench, "skip", 1) == [True]
    assert await give(bench, "retry", 1) == [True]
    await bench.turn(1)
    assert bench.row(1).state == "delivered"
    assert bench.target.effects.most_common(1)[0][1] == 1


async def test_doubts_behind_a_dead_head_that_holds_have_their_turn_after_it() -> None:
    """Class B: a look-up begins a message's turn, and nothing has its turn before the head."""
    record = TargetRecord("erp", "scripted", "B", {}, settle_seconds=30.0)
    bench = Bench(ScriptedTarget("B", max_bulk=10, stops_per_lane=True), record=record)
    bench.route = type(bench.route)(ROUTE, bench.route.messages, "erp", dead_head="hold")
    bench.target.script = lambda _: InDoubt("TW-9001", "the answer was lost")
    await bench.accept("1:1", "1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"in_doubt": 3}
    bench.target.script = lambda _: Permanent("TW-9001", "no")
    await bench.turn(30)
    bench.target.script = bench.target.book
    await bench.turn(3600)
    assert bench.states() == {1: "dead", 2: "in_doubt", 3: "in_doubt"}
    assert bench.target.looked_up == ["quayside/1:1:1"]
    await bench.restart()
    assert await give(bench, "skip", 1) == [True]
    await bench.turn(60)
    assert bench.target.looked_up == [f"quayside/1:1:{number}" for number in (1, 2, 3)]
    assert bench.numbers() == ["1:1:2", "1:1:3"]
    assert await bench.books() == {"dead": 1, "delivered": 2}


@pytest.mark.parametrize(
    ("verb", "state", "told"),
    [
        ("hold", "dead", "hold does not fit a message that is dead"),
        ("skip", "dead", "skip does not fit a message that is dead"),
        ("release", "dead", "release does not fit a message that is dead"),
        ("hold", "delivered", "hold does not fit a message that is delivered"),
        ("skip", "delivered", "skip does not fit a message that is delivered"),
        ("retry", "delivered", "retry does not fit a message that is delivered"),
        ("hold", "findings", "hold does not fit a message that is held, findings"),
    ],
)
async def test_an_order_that_does_not_fit_says_why(verb: str, state: str, told: str) -> None:
    """Nothing changes, and the sentence names the order and how the message stands."""
    bench = Bench()
    bench.route = type(bench.route)(ROUTE, bench.route.messages, "erp", requires="clean")
    if state == "dead":
        bench.target.script = lambda _: Permanent("TW-9001", "no")
    await bench.accept("1:1", clean=state != "findings")
    await bench.start()
    before = bench.row(1)
    assert bench.delivery is not None
    [outcome] = await bench.delivery.order(ROUTE, verb, [1], "ann", "why")  # type: ignore[arg-type]
    assert (outcome.done, outcome.code) == (False, "TW-4010")
    assert told in outcome.detail
    assert bench.row(1) == before


@pytest.mark.parametrize("verb", ["hold", "skip", "release"])
async def test_the_same_order_without_a_hub_is_kept_for_the_next_start(verb: str) -> None:
    """On a journal that nobody delivers from, the rows alone say what shall be."""
    bench = await stuck()
    await bench.stop()
    order = Order(verb, "ann", "why", bench.clock.now())  # type: ignore[arg-type]
    [outcome] = await settle_offline(bench.journal, ROUTE, [1], order)
    assert outcome.done
    bench.target.script = bench.target.book
    await bench.start()
    await bench.turn()
    assert (
        bench.numbers()
        == {
            "hold": ["2:1:4"],
            "skip": ["2:1:4", "1:1:2", "1:1:3"],
            "release": ["2:1:4", "1:1:1", "1:1:2", "1:1:3"],
        }[verb]
    )
    await bench.books()

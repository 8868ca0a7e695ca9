"""What a person does: retry, release, abandon; on a live hub and on a journal without one."""

from msgspec.structs import replace

from tillway.delivery import Order, settle_offline
from tillway.errors import Permanent, Transient
from tillway.journal.base import Settlement
from tillway.project.records import TargetRecord
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench

NO = Permanent("TW-9001", "unknown account")
BUSY = Transient("TW-9001", "try again")


async def with_dead(*dead: int, lanes: tuple[str, ...] = ("1:1",) * 4, **changes) -> Bench:
    """Return a bench where these messages are dead letters; the target takes them from now on."""
    bench = Bench(**changes)
    target = bench.target
    numbers = {str(number) for number in dead}
    target.script = lambda m: NO if m.key.rsplit(":", 1)[1] in numbers else target.book(m)
    await bench.accept(*lanes)
    await bench.start()
    numbers.clear()
    return bench


async def test_a_retried_dead_letter_arrives_under_the_same_key_and_is_audited():
    """It is delivered, marked as replayed, with its attempts kept and the person on record."""
    bench = await with_dead(2)
    first_at = bench.row(2).first_at
    await bench.turn(60)
    outcomes = await bench.delivery.retry(ROUTE, [2], "ada", "account was added")
    await bench.turn()
    assert [(outcome.position, outcome.done) for outcome in outcomes] == [(2, True)]
    row = bench.row(2)
    assert (row.state, row.replayed, row.attempts) == ("delivered", True, 2)
    assert row.first_at == first_at
    assert [a.kind for a in bench.journal.attempts[2]] == ["first", "operator"]
    (action,) = bench.journal.audit
    assert (action.who, action.verb, action.subject) == ("ada", "retry", f"{ROUTE}/2")
    assert action.reason == "account was added"
    assert await bench.books() == {"delivered": 4}


async def test_several_letters_of_a_lane_go_in_position_order():
    """Whatever the order of the list, a lane sees its messages by position."""
    bench = await with_dead(1, 2, 3)
    outcomes = await bench.delivery.retry(ROUTE, [3, 1, 2, 3], "ada", "mended")
    assert [outcome.position for outcome in outcomes] == [1, 2, 3]
    await bench.turn()
    await bench.turn(1)
    assert bench.numbers() == ["1:1:4", "1:1:1", "1:1:2", "1:1:3"]
    assert await bench.books() == {"delivered": 4}


async def test_live_messages_of_the_lane_wait_behind_a_retried_letter():
    """The lane is held until the letter is through; other lanes are not."""
    bench = await with_dead(1)
    bench.target.script = lambda m: BUSY if m.key.endswith(":1") else bench.target.book(m)
    await bench.delivery.retry(ROUTE, [1], "ada", "mended")
    await bench.turn()
    await bench.accept("1:1", "2:1")
    await bench.turn()
    assert (bench.row(1).state, bench.row(1).reason) == ("held", "retry")
    assert bench.row(5).reason == "behind_head"
    assert bench.row(6).state == "delivered"
    bench.target.script = bench.target.book
    await bench.turn(10)
    assert await bench.books() == {"delivered": 6}


async def test_a_retry_starts_a_new_horizon():
    """A letter that died of age has the whole time again when a person asks."""
    bench = Bench()
    bench.retry = replace(bench.retry, horizon_seconds=15.0)
    target = bench.target
    target.script = lambda _: BUSY
    await bench.accept("1:1")
    delivery = await bench.start()
    await bench.turn(10)
    await bench.turn(10)
    assert bench.row(1).code == "TW-4002"
    await delivery.retry(ROUTE, [1], "ada", "the ERP is back")
    await bench.turn()
    assert bench.row(1).state == "held"
    await bench.turn(10)
    await bench.turn(10)
    assert (bench.row(1).state, bench.row(1).attempts) == ("dead", 6)
    target.script = target.book
    await delivery.retry(ROUTE, [1], "ada", "now it is")
    await bench.turn()
    assert await bench.books() == {"delivered": 1}


async def test_a_held_head_whose_call_is_out_is_left_alone():
    """What is being sent at this moment is refused, not sent twice."""
    bench = Bench()
    bench.target.script = lambda _: BUSY
    await bench.accept("1:1")
    delivery = await bench.start()
    bench.target.script = bench.target.book
    bench.target.door.clear()
    await bench.turn(10)
    outcomes = await delivery.abandon(ROUTE, [1], "ada", "why")
    assert "being sent" in outcomes[0].detail
    bench.target.door.set()
    await bench.turn()
    assert await bench.books() == {"delivered": 1}


async def test_a_held_head_can_be_sent_at_once():
    """Retrying what waits for its time sends it now."""
    bench = Bench()
    bench.target.script = lambda _: BUSY
    await bench.accept("1:1", "1:1")
    delivery = await bench.start()
    bench.target.script = bench.target.book
    await delivery.retry(ROUTE, [1], "ada", "now, please")
    await bench.turn()
    assert await bench.books() == {"delivered": 2}
    assert bench.numbers() == ["1:1:1", "1:1:2"]


async def test_what_cannot_be_retried_is_told_and_the_rest_is_done():
    """Delivered, unknown and being-sent positions get a coded answer, each for itself."""
    bench = await with_dead(2)
    bench.target.door.clear()
    await bench.accept("9:1")
    await bench.turn()
    outcomes = await bench.delivery.retry(ROUTE, [1, 2, 5, 99], "ada", "all of it")
    assert [(o.position, o.done, o.code) for o in outcomes] == [
        (1, False, "TW-4010"),
        (2, True, ""),
        (5, False, "TW-4010"),
        (99, False, "TW-4010"),
    ]
    assert len(bench.journal.audit) == 1
    bench.target.door.set()
    await bench.turn()
    assert await bench.books() == {"delivered": 5}


async def test_an_abandoned_message_stays_so_by_name_and_its_lane_goes_on():
    """The books keep it as abandoned, with who and why; what waited behind it flows."""
    bench = Bench()
    bench.target.script = lambda m: BUSY if m.key.endswith(":1") else bench.target.book(m)
    await bench.accept("1:1", "1:1", "1:1")
    delivery = await bench.start()
    await delivery.abandon(ROUTE, [1], "grace", "training sale")
    await bench.turn()
    assert await bench.books() == {"abandoned": 1, "delivered": 2}
    assert bench.row(1).detail == "abandoned by grace: training sale"
    assert bench.journal.audit[0].verb == "abandon"
    await bench.restart()
    await bench.turn(3600)
    assert await bench.books() == {"abandoned": 1, "delivered": 2}
    outcomes = await bench.delivery.retry(ROUTE, [1], "ada", "no, please")
    assert not outcomes[0].done


async def test_a_follower_can_be_abandoned_without_its_head():
    """The head keeps its place and time; the rest drains without the abandoned one."""
    bench = Bench()
    bench.target.script = lambda _: BUSY
    await bench.accept("1:1", "1:1", "1:1")
    delivery = await bench.start()
    await delivery.abandon(ROUTE, [2], "grace", "doubled by hand")
    bench.target.script = bench.target.book
    await bench.turn(10)
    assert bench.numbers() == ["1:1:1", "1:1:3"]
    assert await bench.books() == {"abandoned": 1, "delivered": 2}


async def test_retrying_a_dead_head_opens_the_lane_it_held():
    """Where dead letters hold their lane, the retry or the abandonment lets it go on in order."""
    route = Route(ROUTE, frozenset({SALE}), "erp", dead_head="hold")
    bench = await with_dead(1, route=route)
    assert bench.states() == {1: "dead", 2: "held", 3: "held", 4: "held"}
    await bench.delivery.retry(ROUTE, [1], "ada", "mended")
    await bench.turn()
    assert bench.numbers() == [f"1:1:{number}" for number in range(1, 5)]


async def test_operators_retries_leave_most_of_the_target_to_live_traffic():
    """With both waiting for one call at a time, nine of ten calls are live, and none starves."""
    record = TargetRecord("erp", "scripted", "A", {}, concurrency=1)
    dead = range(1, 21)
    lanes = tuple(f"{store}:1" for store in dead)
    bench = await with_dead(*dead, lanes=lanes, record=record)
    bench.target.door.clear()
    await bench.accept(*[f"{store}:2" for store in range(40)])
    await bench.turn()
    await bench.delivery.retry(ROUTE, list(dead), "ada", "mended")
    bench.target.door.set()
    await bench.turn()
    kinds = ["live" if ":2:" in number else "asked" for number in bench.numbers()[:40]]
    assert 1 <= kinds.count("asked") <= 5
    await bench.turn(1)
    assert await bench.books() == {"delivered": 60}


async def test_operators_retries_have_a_rate_of_their_own(monkeypatch):
    """A thousand letters sent again do not hit the target all at once."""
    monkeypatch.setattr("tillway.delivery.dispatcher.OPERATOR_RATE_PER_SECOND", 20.0)
    dead = range(1, 61)
    bench = await with_dead(*dead, lanes=tuple(f"{store}:1" for store in dead))
    await bench.delivery.retry(ROUTE, list(dead), "ada", "mended")
    per_second = []
    for _ in range(4):
        before = len(bench.target.booked)
        await bench.turn(1)
        per_second.append(len(bench.target.booked) - before)
    assert max(per_second) <= 22
    assert await bench.books() == {"delivered": 60}


async def test_a_retry_asked_for_survives_a_crash():
    """Once the order is answered it is on record, and a restarted hub carries it out."""
    bench = await with_dead(1)
    bench.target.is_away = True
    await bench.delivery.retry(ROUTE, [1], "ada", "mended")
    await bench.crash()
    bench.target.is_away = False
    await bench.start()
    await bench.turn(60)
    assert await bench.books() == {"delivered": 4}


async def test_without_a_hub_the_same_order_is_carried_out_at_the_next_start():
    """The journal alone takes retry and abandon; later messages of the lane wait behind."""
    bench = await with_dead(1, 2)
    await bench.crash()
    await bench.accept("1:1")
    now = bench.clock.now()
    retry = Order("retry", "ada", "mended", now, "r2")
    told = await settle_offline(bench.journal, ROUTE, [3, 1, 3], retry)
    assert [(outcome.done, outcome.code) for outcome in told] == [(True, ""), (False, "TW-4010")]
    await settle_offline(bench.journal, ROUTE, [2], Order("abandon", "ada", "training", now))
    assert (bench.row(1).state, bench.row(1).reason, bench.row(1).release) == (
        "held",
        "operator",
        "r2",
    )
    await bench.start()
    assert await bench.books() == {"delivered": 4, "abandoned": 1}
    assert bench.numbers()[-2:] == ["1:1:1", "1:1:5"]
    assert [action.verb for action in bench.journal.audit] == ["retry", "abandon"]


async def test_without_a_hub_a_message_being_sent_is_left_alone():
    """A row `sending` belongs to the restart, which knows what the target promises."""
    bench = Bench()
    await bench.accept("1:1")
    await bench.start()
    await bench.crash()
    row = replace(bench.row(1), state="sending")
    await bench.journal.settle(Settlement(ROUTE, rows=[row]))
    told = await settle_offline(bench.journal, ROUTE, [1], Order("retry", "ada", "why", 1))
    assert not told[0].done
    assert bench.states() == {1: "sending"}

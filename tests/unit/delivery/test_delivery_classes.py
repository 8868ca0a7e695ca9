"""What the class of a target means when an outcome is unknown, and what a crash leaves behind."""

import pytest

from tillway.errors import InDoubt, NotConnected, Permanent, Transient
from tillway.project.records import TargetRecord
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench
from tillway.testing.targets import ScriptedTarget

LOST = InDoubt("TW-9001", "the answer was lost")


def bench_of(delivery_class: str, **changes) -> Bench:
    """Return a bench whose target has this class and settles within 30 s."""
    record = TargetRecord("erp", "scripted", delivery_class, {}, settle_seconds=30.0)
    return Bench(ScriptedTarget(delivery_class, **changes), record=record)


def lose_answer(bench: Bench, *numbers: str, booked: bool) -> None:
    """Lose the first answer for these messages, after booking them or before."""
    target, left = bench.target, set(numbers)

    def script(message):
        number = message.key.rsplit(":", 1)[1]
        if number not in left:
            return target.book(message)
        left.discard(number)
        if booked:
            target.book(message)
        return LOST

    target.script = script


@pytest.mark.parametrize("delivery_class", ["A", "C"])
@pytest.mark.parametrize("booked", [True, False])
async def test_class_a_and_c_send_again_under_the_same_key(delivery_class: str, booked: bool):
    """An unknown outcome is retried, and the target's key keeps it to one effect."""
    bench = bench_of(delivery_class)
    lose_answer(bench, "1", booked=booked)
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"held": 2}
    assert bench.journal.attempts[1][0].outcome == "in_doubt"
    await bench.turn(10)
    assert await bench.books() == {"delivered": 2}
    assert set(bench.target.effects.values()) == {1}


async def test_class_b_waits_and_looks_up_and_finds_it_there():
    """What the target took is delivered with its reference, and is not sent again."""
    bench = bench_of("B")
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1", "1:1", "2:1")
    await bench.start()
    assert bench.states() == {1: "in_doubt", 2: "held", 3: "delivered"}
    await bench.turn(29)
    assert bench.target.looked_up == []
    await bench.turn(1)
    assert bench.target.looked_up == ["quayside/1:1:1"]
    assert await bench.books() == {"delivered": 3}
    assert (bench.row(1).target_reference, bench.row(1).attempts) == ("doc-1", 1)
    assert [a.kind for a in bench.journal.attempts[1]] == ["first", "look_up"]
    assert bench.numbers() == ["1:1:1", "2:1:3", "1:1:2"]


async def test_class_b_sends_again_only_what_is_absent():
    """After the look-up found nothing the message goes out once more, before its followers."""
    bench = bench_of("B")
    lose_answer(bench, "1", booked=False)
    await bench.accept("1:1", "1:1")
    await bench.start()
    await bench.turn(30)
    assert await bench.books() == {"delivered": 2}
    assert bench.numbers() == ["1:1:1", "1:1:2"]
    assert set(bench.target.effects.values()) == {1}


async def test_class_b_keeps_asking_when_the_look_up_fails_and_never_sends_blindly():
    """While nobody answers the look-up, the message stays in doubt."""
    bench = bench_of("B")
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1")
    await bench.start()
    bench.target.is_away = True
    for _ in range(3):
        await bench.turn(60)
    assert bench.states() == {1: "in_doubt"}
    assert len(bench.target.calls) == 1
    bench.target.is_away = False
    await bench.turn(120)
    assert await bench.books() == {"delivered": 1}
    assert bench.target.effects["quayside/1:1:1"] == 1


async def test_class_b_asks_less_and_less_often():
    """Look-ups that fail are spread by the retry policy like any other call."""
    bench = bench_of("B")
    bench.retry = type(bench.retry)("standard", "exponential", 1.0, 64.0)
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1")
    await bench.start()
    bench.target.look_up = refusing_look_up(bench, Transient("TW-9001", "busy"))
    await bench.turn(30 + 2 + 4 + 8 + 16)
    assert len(bench.target.looked_up) == 5
    assert bench.row(1).attempts == 1


async def test_class_b_takes_a_refused_look_up_for_no_answer():
    """Whatever the look-up says but yes or no, the outcome stays unknown."""
    bench = bench_of("B")
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1")
    await bench.start()
    bench.target.look_up = refusing_look_up(bench, Permanent("TW-9001", "no permission"))
    await bench.turn(60)
    assert bench.states() == {1: "in_doubt"}
    assert len(bench.target.calls) == 1


async def test_class_b_after_an_absent_look_up_is_an_ordinary_retry():
    """Once it is known to be absent, a clear refusal for now leaves no doubt."""
    bench = bench_of("B")
    answers = [LOST, Transient("TW-9001", "busy")]
    target = bench.target
    target.script = lambda message: answers.pop(0) if answers else target.book(message)
    await bench.accept("1:1")
    await bench.start()
    await bench.turn(30)
    assert (bench.row(1).state, bench.row(1).reason) == ("held", "retry")
    await bench.turn(10)
    assert await bench.books() == {"delivered": 1}
    assert len(target.looked_up) == 1


def refusing_look_up(bench: Bench, error: Exception):
    """Return a look-up that always fails."""

    async def look_up(key: str):
        bench.target.looked_up.append(key)
        raise error

    return look_up


async def test_class_b_gives_up_past_the_horizon_without_sending():
    """A dead letter with its own code says that nobody knows; a retry asks first."""
    bench = bench_of("B")
    bench.retry = type(bench.retry)("standard", "fixed", 10.0, 10.0, horizon_seconds=100.0)
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1")
    delivery = await bench.start()
    bench.target.is_away = True
    for _ in range(10):
        await bench.turn(60)
    assert (bench.row(1).state, bench.row(1).code) == ("dead", "TW-4006")
    bench.target.is_away = False
    await delivery.retry(ROUTE, [1], "ada", "the ERP is back")
    await bench.turn(60)
    assert await bench.books() == {"delivered": 1}
    assert len(bench.target.calls) == 1


async def test_class_d_is_never_sent_again_by_itself_and_its_lane_goes_on():
    """One automatic send; the unknown outcome waits for a person through any restart."""
    bench = bench_of("D")
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert bench.states() == {1: "in_doubt", 2: "delivered"}
    await bench.turn(3600)
    delivery = await bench.restart()
    await bench.turn(3600)
    assert bench.states() == {1: "in_doubt", 2: "delivered"}
    assert len(bench.target.calls) == 2
    await delivery.abandon(ROUTE, [1], "ada", "found in the ERP as document 77")
    assert await bench.books() == {"abandoned": 1, "delivered": 1}
    assert "ada" in bench.row(1).detail


async def test_class_d_is_retried_when_the_target_said_that_it_took_nothing():
    """A clear refusal for now is no unknown outcome."""
    bench = bench_of("D")
    answers = [Transient("TW-9001", "busy"), NotConnected("TW-9001", "refused")]
    target = bench.target
    target.script = lambda message: answers.pop(0) if answers else target.book(message)
    await bench.accept("1:1")
    await bench.start()
    await bench.turn(10)
    await bench.turn(10)
    assert await bench.books() == {"delivered": 1}
    assert target.effects["quayside/1:1:1"] == 1


async def test_the_weaker_of_declared_and_promised_class_counts():
    """A project cannot make a connector safer than it is."""
    bench = bench_of("D")
    bench.record = TargetRecord("erp", "scripted", "A", {})
    lose_answer(bench, "1", booked=True)
    await bench.accept("1:1")
    await bench.start()
    assert bench.states() == {1: "in_doubt"}


@pytest.mark.parametrize(
    ("delivery_class", "intended"), [("A", False), ("B", True), ("C", False), ("D", True)]
)
async def test_an_intent_is_committed_before_the_call_where_a_key_does_not_protect(
    delivery_class: str, intended: bool
):
    """Class B and D have a durable `sending` row while the call is out; A and C need none."""
    bench = bench_of(delivery_class)
    bench.target.door.clear()
    await bench.accept("1:1")
    await bench.start()
    assert len(bench.target.calls) == 1
    assert bench.states() == ({1: "sending"} if intended else {})
    assert bench.journal.cursors[ROUTE] == (0, 0)


async def test_after_a_crash_during_a_call_class_a_sends_again_with_one_effect():
    """The target took it, the hub died before it knew: the same key goes out again."""
    bench = await crashed_during_call("A")
    await bench.start()
    assert bench.states() == {1: "delivered", 2: "delivered"}
    assert set(bench.target.effects.values()) == {1}
    assert len(bench.target.calls) == 3


async def test_after_a_crash_during_a_call_class_b_looks_up_before_anything_else():
    """The row `sending` becomes in doubt, and the look-up comes after the settle time."""
    bench = await crashed_during_call("B")
    await bench.start()
    assert bench.states() == {1: "in_doubt", 2: "held"}
    assert bench.row(1).code == "TW-4005"
    await bench.turn(30)
    assert bench.states() == {1: "delivered", 2: "delivered"}
    assert set(bench.target.effects.values()) == {1}
    assert len(bench.target.calls) == 2
    await bench.books()


async def test_after_a_crash_during_a_call_class_d_leaves_it_to_a_person():
    """It is in doubt for good, and the lane goes on."""
    bench = await crashed_during_call("D")
    await bench.start()
    await bench.turn(3600)
    assert bench.states() == {1: "in_doubt", 2: "delivered"}
    assert set(bench.target.effects.values()) == {1}
    delivery = bench.delivery
    await delivery.retry(ROUTE, [1], "ada", "looked in the ERP: it is not there")
    await bench.turn()
    assert bench.states() == {1: "delivered", 2: "delivered"}
    assert bench.row(1).replayed


async def crashed_during_call(delivery_class: str) -> Bench:
    """Return a bench whose hub died after the target booked message 1 and before it answered."""
    bench = bench_of(delivery_class)
    target, never = bench.target, bench.target.door

    async def book_and_hang(batch):
        target.calls.append([message.key for message in batch])
        for message in batch:
            target.book(message)
        await never.wait()
        raise AssertionError

    never.clear()
    target.send = book_and_hang
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert len(target.calls) == 1
    await bench.crash()
    del target.send
    never.set()
    return bench


async def test_a_restart_skips_what_was_settled_out_of_order():
    """One slow message keeps the cursor back; what was settled after it is not sent again."""
    bench = bench_of("A")
    slow = bench.target.door

    async def send(batch):
        bench.target.calls.append([message.key for message in batch])
        if batch[0].lane.endswith("/1:1"):
            await slow.wait()
        return [bench.target.book(message) for message in batch]

    slow.clear()
    bench.target.send = send
    await bench.accept("1:1", "2:1", "1:1", "3:1")
    await bench.start()
    assert bench.states() == {2: "delivered", 4: "delivered"}
    assert (await bench.books())["pending"] == 2
    slow.set()
    await bench.restart()
    assert await bench.books() == {"delivered": 4}
    assert sorted(key for call in bench.target.calls for key in call) == [
        "quayside/1:1:1",
        "quayside/1:1:1",
        "quayside/1:1:3",
        "quayside/2:1:2",
        "quayside/3:1:4",
    ]


async def test_a_restart_finds_held_lanes_again_with_their_history():
    """Head, followers, attempts, next time: all of it comes back from the ledger."""
    bench = bench_of("A")
    away = {"1"}
    target = bench.target
    target.script = lambda m: LOST if m.key.rsplit(":", 1)[1] in away else target.book(m)
    await bench.accept("1:1", "1:1", "2:1")
    await bench.start()
    delivery = await bench.restart()
    assert len(target.calls) == 2
    assert delivery.snapshot().routes[0].held_lanes == 1
    await bench.accept("1:1")
    await bench.turn()
    assert bench.row(4).reason == "behind_head"
    away.clear()
    await bench.turn(10)
    assert await bench.books() == {"delivered": 4}
    assert bench.row(1).attempts == 2
    assert bench.numbers() == ["2:1:3", "1:1:1", "1:1:2", "1:1:4"]


@pytest.mark.parametrize(("replayed", "state"), [(False, "dead"), (True, "held")])
async def test_a_restart_does_not_start_the_horizon_again(replayed: bool, state: str):
    """Age counts from the first attempt, except for what a person sent again."""
    bench = bench_of("A")
    bench.retry = type(bench.retry)("standard", "fixed", 10.0, 10.0, horizon_seconds=100.0)
    bench.target.script = lambda _: LOST
    await bench.accept("1:1")
    delivery = await bench.start()
    if replayed:
        await delivery.retry(ROUTE, [1], "ada", "now")
    for _ in range(9):
        await bench.turn(10)
    await bench.restart()
    await bench.turn(10)
    await bench.turn(10)
    assert bench.row(1).state == state


async def test_a_restart_keeps_a_lane_shut_behind_a_dead_head():
    """Where a route holds the lane, a follower is not sent because the hub was restarted."""
    bench = bench_of("A")
    bench.route = Route(ROUTE, frozenset({SALE}), "erp", dead_head="hold")
    target = bench.target
    no = Permanent("TW-9001", "no")
    target.script = lambda m: no if m.key.endswith(":1") else target.book(m)
    await bench.accept("1:1", "1:1")
    await bench.start()
    open_rows = bench.journal.open_deliveries

    async def with_stopping(route):
        dead = [row for row in bench.journal.rows[route].values() if row.reason == "holds_lane"]
        return sorted([*await open_rows(route), *dead], key=lambda row: row.position)

    bench.journal.open_deliveries = with_stopping
    delivery = await bench.restart()
    await bench.turn(3600)
    assert bench.states() == {1: "dead", 2: "held"}
    await delivery.abandon(ROUTE, [1], "ada", "wrong item")
    await bench.turn()
    assert bench.states() == {1: "abandoned", 2: "delivered"}


async def test_a_clock_that_steps_back_for_years_delays_no_retry():
    """Waits are measured on the monotonic clock; only the ledger shows wall time."""
    bench = bench_of("A")
    lose_answer(bench, "1", booked=False)
    await bench.accept("1:1")
    await bench.start()
    bench.clock._start -= 10 * 365 * 86_400 * 1_000_000
    await bench.turn(10)
    assert await bench.books() == {"delivered": 1}


async def test_a_clock_that_steps_ahead_for_years_buries_nothing():
    """The horizon is measured on the monotonic clock too."""
    bench = bench_of("A")
    lose_answer(bench, "1", booked=False)
    await bench.accept("1:1")
    await bench.start()
    bench.clock._start += 10 * 365 * 86_400 * 1_000_000
    await bench.turn(10)
    assert await bench.books() == {"delivered": 1}

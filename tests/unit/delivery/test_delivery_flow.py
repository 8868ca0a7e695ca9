"""One route to a scripted target: order, held lanes, retries, dead letters, bulk, worker deaths."""

import pytest
from msgspec.structs import replace

from tillway.errors import Permanent, Transient
from tillway.project.records import TargetRecord
from tillway.routing import Route
from tillway.testing.delivery import ROUTE, SALE, Bench
from tillway.testing.targets import ScriptedTarget


def failing(bench: Bench, answers: dict[str, object]) -> None:
    """Let the target answer some keys by an error for as long as they are in the dict."""
    target = bench.target

    def script(message):
        number = message.key.rsplit(":", 1)[1]
        return answers[number] if number in answers else target.book(message)

    target.script = script


def busy(seconds: float | None = None) -> Transient:
    """Return an error that passes."""
    return Transient("TW-9001", "try again", retry_after_seconds=seconds)


async def test_messages_arrive_in_order_with_one_row_each_and_no_attempt():
    """What is delivered at once leaves one ledger row, and the cursor behind it."""
    bench = Bench()
    await bench.accept(*["1:1", "1:2"] * 10)
    delivery = await bench.start()
    assert await bench.books() == {"delivered": 20}
    assert bench.numbers() == [f"1:{1 + i % 2}:{i + 1}" for i in range(20)]
    assert bench.journal.attempts == {}
    row = bench.row(3)
    assert (row.lane, row.attempts, row.release) == (f"{ROUTE}/1:1", 1, "r1")
    assert row.target_reference == "doc-3"
    assert row.first_at
    assert delivery.snapshot().routes[0].cursor == 20


async def test_live_messages_come_from_memory_and_not_from_the_journal():
    """A route that is caught up reads nothing from the journal."""
    bench = Bench()
    await bench.start()
    reads = bench.journal.reads
    for _ in range(5):
        await bench.accept(*["1:1", "2:1"] * 20)
        await bench.turn()
    assert await bench.books() == {"delivered": 200}
    assert bench.journal.reads == reads


async def test_a_failing_head_holds_only_its_lane():
    """Behind the held head everything waits with a row; every other lane flows."""
    bench = Bench()
    answers = {"1": busy()}
    failing(bench, answers)
    await bench.accept("1:1", "1:1", "1:2", "2:1", "1:1")
    delivery = await bench.start()
    assert await bench.books() == {"held": 3, "delivered": 2}
    assert [bench.row(at).reason for at in (1, 2, 5)] == ["retry", "behind_head", "behind_head"]
    assert bench.row(1).next_at == bench.clock.now() + 10_000_000
    assert bench.numbers() == ["1:2:3", "2:1:4"]
    route = delivery.snapshot().routes[0]
    assert (route.held_lanes, route.cursor) == (1, 5)
    await bench.accept("1:1", "1:2")
    await bench.turn()
    assert bench.row(6).reason == "behind_head"
    answers.clear()
    await bench.turn(10)
    assert await bench.books() == {"delivered": 7}
    assert bench.numbers() == ["1:2:3", "2:1:4", "1:2:7", "1:1:1", "1:1:2", "1:1:5", "1:1:6"]
    assert delivery.snapshot().routes[0].held_lanes == 0


async def test_an_open_lane_writes_no_held_rows_again():
    """After its head succeeded and its followers drained, the lane is free as before."""
    bench = Bench()
    answers = {"1": busy()}
    failing(bench, answers)
    await bench.accept("1:1", "1:1")
    await bench.start()
    answers.clear()
    await bench.turn(10)
    before = len(bench.journal.settlements)
    await bench.accept("1:1")
    await bench.turn()
    written = [row.state for done in bench.journal.settlements[before:] for row in done.rows]
    assert written == ["delivered"]


async def test_attempts_are_counted_and_recorded_and_the_first_time_is_kept():
    """A message that succeeds on the third call says so, with every call in its trace."""
    bench = Bench()
    answers = {"1": busy()}
    failing(bench, answers)
    await bench.accept("1:1")
    started = bench.clock.now()
    await bench.start()
    await bench.turn(10)
    answers.clear()
    await bench.turn(10)
    row = bench.row(1)
    assert (row.state, row.attempts, row.first_at) == ("delivered", 3, started)
    told = [(a.number, a.kind, a.outcome) for a in bench.journal.attempts[1]]
    assert told == [(1, "first", "transient"), (2, "retry", "transient"), (3, "retry", "delivered")]


async def test_retry_after_is_obeyed():
    """A target that asks for 45 seconds is not called before."""
    bench = Bench()
    answers = {"1": busy(45)}
    failing(bench, answers)
    await bench.accept("1:1")
    await bench.start()
    answers.clear()
    await bench.turn(44)
    assert len(bench.target.calls) == 1
    await bench.turn(1)
    assert await bench.books() == {"delivered": 1}


async def test_a_refusal_is_a_dead_letter_and_its_lane_opens():
    """A dead letter keeps the cause, and does not hold what comes behind it."""
    bench = Bench()
    failing(bench, {"1": Permanent("TW-9001", "unknown account 4711")})
    await bench.accept("1:1", "1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"dead": 1, "delivered": 2}
    row = bench.row(1)
    assert (row.code, row.detail, row.attempts) == ("TW-9001", "unknown account 4711", 1)
    assert [a.outcome for a in bench.journal.attempts[1]] == ["permanent"]


async def test_a_dead_head_holds_its_lane_where_the_route_says_so():
    """For versions the order matters more than the flow: the lane waits for a person."""
    route = Route(ROUTE, frozenset({SALE}), "erp", dead_head="hold")
    bench = Bench(route=route)
    failing(bench, {"1": Permanent("TW-9001", "no")})
    await bench.accept("1:1", "1:1", "2:1")
    await bench.start()
    await bench.turn(3600)
    await bench.accept("1:1")
    await bench.turn()
    assert bench.states() == {1: "dead", 2: "held", 3: "delivered", 4: "held"}
    await bench.books()


async def test_past_the_horizon_a_message_is_dead_with_its_own_code():
    """Retries end: after the horizon the message is a dead letter and its lane flows."""
    bench = Bench()
    bench.retry = replace(bench.retry, horizon_seconds=60.0)
    failing(bench, {"1": busy()})
    await bench.accept("1:1", "1:1")
    await bench.start()
    for _ in range(6):
        await bench.turn(10)
    assert bench.states() == {1: "dead", 2: "delivered"}
    assert bench.row(1).code == "TW-4002"
    assert bench.row(1).attempts == 7
    assert "try again" in bench.row(1).detail


async def test_a_bulk_call_carries_one_message_per_lane():
    """Order inside a lane needs an answer before the next message of it goes."""
    bench = Bench(ScriptedTarget(max_bulk=10))
    await bench.accept("1:1", "1:1", "1:1", "2:1", "3:1")
    await bench.start()
    assert [len(call) for call in bench.target.calls] == [3, 1, 1]
    assert await bench.books() == {"delivered": 5}


async def test_each_message_of_a_bulk_call_has_its_own_fate():
    """One refused and one postponed message take nobody with them."""
    bench = Bench(ScriptedTarget(max_bulk=10))
    failing(bench, {"2": Permanent("TW-9001", "no"), "3": busy()})
    await bench.accept("1:1", "2:1", "3:1", "4:1")
    await bench.start()
    assert len(bench.target.calls) == 1
    assert bench.states() == {1: "delivered", 2: "dead", 3: "held", 4: "delivered"}


async def test_a_target_that_stops_per_lane_gets_several_of_one_lane_in_a_call():
    """What it did not try after a failure burns no attempt and goes later, in order."""
    bench = Bench(ScriptedTarget(max_bulk=10, stops_per_lane=True))
    answers = {"2": busy()}
    failing(bench, answers)
    await bench.accept("1:1", "1:1", "1:1", "2:1")
    await bench.start()
    assert len(bench.target.calls) == 1
    assert bench.states() == {1: "delivered", 2: "held", 3: "held", 4: "delivered"}
    assert (bench.row(3).reason, bench.row(3).attempts) == ("behind_head", 0)
    answers.clear()
    await bench.turn(10)
    assert bench.numbers() == ["1:1:1", "2:1:4", "1:1:2", "1:1:3"]


async def test_a_dead_letter_in_a_stopping_call_does_not_kill_its_followers():
    """The rest of the lane was not tried, and is sent in the next call."""
    bench = Bench(ScriptedTarget(max_bulk=10, stops_per_lane=True))
    failing(bench, {"1": Permanent("TW-9001", "no")})
    await bench.accept("1:1", "1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"dead": 1, "delivered": 2}
    assert bench.numbers() == ["1:1:2", "1:1:3"]


async def test_the_key_is_the_same_on_every_attempt_and_leaves_out_the_revision():
    """A target can rely on the key; messages without a POS number carry their type in it."""
    bench = Bench()
    answers = {"1": busy()}
    failing(bench, answers)
    await bench.accept("1:1", revision=7)
    await bench.start()
    answers.clear()
    await bench.restart()
    await bench.turn(10)
    assert bench.target.calls == [["quayside/1:1:1"], ["quayside/1:1:1"]]
    assert [message.attempt for message in bench.target.sent] == [1, 2]
    assert [message.revision for message in bench.target.sent] == [7, 7]
    await bench.accept("1:1", sequence_number=None)
    await bench.turn()
    assert bench.target.calls[-1] == [f"quayside/{SALE}/1:1:2"]


class Careless(ScriptedTarget):
    """A connector with a bug: it raises what no connector may raise, for one message."""

    poison = "3"

    async def send(self, batch):
        """Book, unless the poisoned message is among them."""
        self.calls.append([message.key for message in batch])
        if any(message.key.endswith(f":{self.poison}") for message in batch):
            raise ZeroDivisionError("card 4111111111111111")
        return [self.book(message) for message in batch]


async def test_a_message_that_kills_its_worker_three_times_is_dead_and_takes_nobody_along():
    """After a shared call died each message goes alone, so the innocent ones arrive."""
    bench = Bench(Careless(max_bulk=10))
    await bench.accept("1:1", "2:1", "3:1", "4:1")
    await bench.start()
    assert await bench.books() == {"held": 4}
    await bench.turn(10)
    await bench.turn(10)
    assert bench.states() == {1: "delivered", 2: "delivered", 3: "dead", 4: "delivered"}
    row = bench.row(3)
    assert (row.code, row.attempts) == ("TW-4003", 3)
    assert row.detail.startswith("worker_killed: ZeroDivisionError")
    assert "4111" not in row.detail.replace("****1111", "")
    assert [a.outcome for a in bench.journal.attempts[3]] == ["bug"] * 3


class Miscounting(ScriptedTarget):
    """A connector that forgets an answer."""

    async def send(self, batch):
        """Book all and answer for all but one."""
        return [self.book(message) for message in batch][1:]


async def test_a_wrong_number_of_answers_is_a_bug_and_not_a_guess():
    """Answers that cannot be told apart are not handed to the wrong messages."""
    bench = Bench(Miscounting(max_bulk=10))
    await bench.accept("1:1", "2:1")
    await bench.start()
    assert await bench.books() == {"held": 2}
    assert bench.row(1).code == "TW-4004"


@pytest.mark.parametrize(("concurrency", "peak"), [(1, 1), (3, 3), (50, 20)])
async def test_no_more_calls_are_made_at_once_than_the_target_allows(concurrency: int, peak: int):
    """Twenty lanes are ready, and only so many calls are in flight."""
    record = TargetRecord("erp", "scripted", "A", {}, concurrency=concurrency)
    bench = Bench(record=record)
    bench.target.door.clear()
    await bench.accept(*[f"{store}:1" for store in range(20)])
    await bench.start()
    assert bench.target.in_flight == peak
    bench.target.door.set()
    await bench.turn()
    assert bench.target.peak == peak
    assert await bench.books() == {"delivered": 20}


async def test_the_rate_of_a_target_is_kept_while_a_backlog_drains():
    """600 messages at 50 a second take about twelve seconds, and no second has more than 55."""
    record = TargetRecord("erp", "scripted", "A", {}, rate_per_second=50.0)
    bench = Bench(ScriptedTarget(max_bulk=50), record=record)
    await bench.accept(*[f"{store}:1" for store in range(600)])
    await bench.start()
    per_second = []
    for _ in range(14):
        before = len(bench.target.booked)
        await bench.turn(1)
        per_second.append(len(bench.target.booked) - before)
    assert max(per_second) <= 55
    assert await bench.books() == {"delivered": 600}


async def test_one_slow_lane_does_not_stop_the_others_however_much_waits_behind_it(monkeypatch):
    """Messages behind a slow call are positions only once memory is full; they still arrive."""
    monkeypatch.setattr("tillway.delivery.traffic.WINDOW_MESSAGES", 10)
    bench = Bench()
    hold = bench.target.door

    async def slow(batch):
        if batch[0].lane.endswith("/1:1"):
            await hold.wait()
        return [bench.target.book(message) for message in batch]

    hold.clear()
    bench.target.send = slow
    await bench.accept(*["1:1"] * 200)
    await bench.accept(*["2:1"] * 5)
    await bench.start()
    assert bench.numbers() == [f"2:1:{number}" for number in range(201, 206)]
    hold.set()
    await bench.turn()
    assert await bench.books() == {"delivered": 205}
    assert bench.numbers()[5:] == [f"1:1:{number}" for number in range(1, 201)]

"""Whatever fails and whenever the hub dies: order per lane, one effect per key, books that balance.

A run is a list of steps drawn by Hypothesis: messages arrive, the target misbehaves, time passes,
the process is killed. At the end the target heals and everything must have arrived.
"""

import asyncio
from collections import defaultdict
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillway.delivery.lanes import Lane
from tillway.delivery.traffic import Traffic
from tillway.errors import InDoubt, NotConnected, Permanent, Transient
from tillway.project.records import BreakerPolicy, TargetRecord
from tillway.testing.delivery import ROUTE, Bench
from tillway.testing.targets import ScriptedTarget

LANES = ("1:1", "1:2", "2:1", "3:1")
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.lists(st.sampled_from(LANES), min_size=1, max_size=8)),
        st.tuples(st.just("time"), st.sampled_from([0.1, 1.0, 5.0, 30.0])),
        st.tuples(st.just("crash"), st.just(None)),
        st.tuples(st.just("away"), st.booleans()),
        st.tuples(st.just("door"), st.booleans()),
        st.tuples(st.just("retry"), st.integers(0, 5)),
    ),
    min_size=3,
    max_size=25,
)


class Fickle:
    """A target's mood: fails a share of the calls, before or after it booked."""

    def __init__(self, target: ScriptedTarget, seed: int, *, refuses: bool) -> None:
        self.random = Random(seed)
        self.share = 0.4
        self.refuses = refuses
        self.target = target
        target.script = self

    def __call__(self, message):
        """Answer one message."""
        if self.random.random() >= self.share:
            return self.target.book(message)
        kind = self.random.randrange(5 if self.refuses else 4)
        if kind == 0:
            self.target.book(message)
            return InDoubt("TW-9001", "the answer was lost")
        answers = (
            InDoubt("TW-9001", "the call was lost"),
            Transient("TW-9001", "busy"),
            NotConnected("TW-9001", "refused"),
            Permanent("TW-9001", "no"),
        )
        return answers[kind - 1]


def bench_of(delivery_class: str, seed: int, bulk: int, *, stops: bool) -> Bench:
    """Return a bench with a small breaker and quick retries."""
    record = TargetRecord("erp", "scripted", delivery_class, {}, concurrency=3, settle_seconds=4.0)
    target = ScriptedTarget(delivery_class, max_bulk=bulk, stops_per_lane=stops)
    breaker = BreakerPolicy("standard", failures=3, probe_seconds=(1, 2, 4))
    bench = Bench(target, record=record, breaker=breaker, seed=seed)
    bench.retry = type(bench.retry)("standard", "exponential_full_jitter", 0.5, 4.0)
    return bench


async def play(bench: Bench, script, mood: Fickle, *, retries: bool) -> None:
    """Play the steps, checking the books after each, then heal the target and drain."""
    await bench.start()
    for verb, value in script:
        if verb == "accept":
            await bench.accept(*value)
        elif verb == "time":
            await bench.turn(value)
        elif verb == "crash":
            await bench.restart()
        elif verb == "away":
            bench.target.is_away = value
        elif verb == "door":
            bench.target.door.set() if value else bench.target.door.clear()
        elif retries:
            dead = [at for at, state in bench.states().items() if state == "dead"]
            await bench.delivery.retry(ROUTE, dead[:value], "ada", "again")
        await bench.turn()
        await bench.books()
    mood.share = 0.0
    bench.target.is_away = False
    bench.target.door.set()
    for _ in range(40):
        await bench.turn(5)
    await bench.books()


def out_of_order(bench: Bench, exempt: frozenset[int] = frozenset()) -> list[str]:
    """Return the keys that the target booked before an earlier one of their lane."""
    last: defaultdict[str, int] = defaultdict(int)
    wrong: list[str] = []
    for key in bench.numbers():
        lane, number = key.rsplit(":", 1)
        if int(number) in exempt:
            continue
        if int(number) < last[lane]:
            wrong.append(key)
        last[lane] = max(last[lane], int(number))
    return wrong


@QUICK
@given(
    script=steps,
    seed=st.integers(0, 10_000),
    delivery_class=st.sampled_from(["A", "B"]),
    bulk=st.sampled_from([1, 3, 10]),
    stops=st.booleans(),
)
def test_everything_arrives_once_and_in_order(script, seed, delivery_class, bulk, stops):
    """Nothing is lost, nothing has two effects, and each lane sees its messages by position."""

    async def run() -> None:
        bench = bench_of(delivery_class, seed, bulk, stops=stops)
        mood = Fickle(bench.target, seed, refuses=False)
        await play(bench, script, mood, retries=False)
        accepted = len(bench.journal.records)
        assert await bench.books() == ({"delivered": accepted} if accepted else {})
        assert len(bench.target.booked) == accepted
        assert set(bench.target.effects.values()) <= {1}
        assert out_of_order(bench) == []
        await bench.stop()

    asyncio.run(run())


@QUICK
@given(
    script=steps,
    seed=st.integers(0, 10_000),
    delivery_class=st.sampled_from(["A", "B", "D"]),
    bulk=st.sampled_from([1, 4]),
)
def test_with_refusals_and_retries_the_order_holds_among_those_that_never_died(
    script, seed, delivery_class, bulk
):
    """Dead letters, doubts and operators' retries take nothing else out of order."""

    async def run() -> None:
        bench = bench_of(delivery_class, seed, bulk, stops=False)
        mood = Fickle(bench.target, seed, refuses=True)
        await play(bench, script, mood, retries=True)
        books = await bench.books()
        assert set(books) <= {"delivered", "dead", "in_doubt"}
        assert delivery_class == "D" or not books["in_doubt"]
        assert set(bench.target.effects.values()) <= {1} or delivery_class == "D"
        rows = bench.journal.rows[ROUTE].values()
        delivered = [row for row in rows if row.state == "delivered"]
        assert len(delivered) <= len(bench.target.booked)
        died = frozenset(
            int(attempt.position)
            for attempts in bench.journal.attempts.values()
            for attempt in attempts
            if attempt.outcome == "permanent"
            or (delivery_class == "D" and attempt.outcome == "in_doubt")
        )
        assert out_of_order(bench, died) == []
        await bench.stop()

    asyncio.run(run())


async def test_control_without_held_lanes_the_order_breaks(monkeypatch):
    """Positive control: when a failed head is put last in its lane, the check finds it."""

    def last(lane: Lane, position: int) -> None:
        lane._positions.append(position)

    bench = bench_of("A", 1, 1, stops=False)
    mood = Fickle(bench.target, 1, refuses=False)
    monkeypatch.setattr(Lane, "add", last)
    await play(bench, [("accept", ["1:1"] * 8)], mood, retries=False)
    assert out_of_order(bench) != []


async def test_control_without_the_wait_for_one_answer_per_lane_the_order_breaks(monkeypatch):
    """Positive control: when followers go out beside a failing head, the check finds it."""
    take = Traffic.take

    def several(self, limit, **changes):
        return take(self, 10, several=True, low=changes["low"])

    monkeypatch.setattr(Traffic, "take", several)
    bench = bench_of("A", 3, 10, stops=False)
    mood = Fickle(bench.target, 3, refuses=False)
    await play(bench, [("accept", ["1:1"] * 8)], mood, retries=False)
    assert out_of_order(bench) != []


async def test_control_without_a_stable_key_effects_are_doubled(monkeypatch):
    """Positive control: with a new key on every attempt, a lost answer books twice."""
    count = iter(range(1, 1000))

    def fresh(envelope) -> str:
        return f"quayside/{envelope.natural_key}#{next(count)}"

    monkeypatch.setattr("tillway.delivery.outbound.idempotency_key", fresh)
    bench = bench_of("A", 1, 1, stops=False)
    mood = Fickle(bench.target, 1, refuses=False)
    await play_keys(bench, mood)
    assert len(bench.target.booked) > len(bench.journal.records)


async def play_keys(bench: Bench, mood: Fickle) -> None:
    """Play a run in which answers get lost."""
    await bench.start()
    await bench.accept(*LANES * 5)
    for _ in range(10):
        await bench.turn(5)
    mood.share = 0.0
    for _ in range(10):
        await bench.turn(5)

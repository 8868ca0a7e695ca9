"""After a restore nothing is sent blindly: by class of the target, and for how long."""

import pytest

from tillway.clock import MICROSECONDS
from tillway.errors import Transient
from tillway.journal.keeping import Restored
from tillway.project.records import TargetRecord
from tillway.testing.delivery import Bench
from tillway.testing.targets import ScriptedTarget

LATER = "2030-01-01T00:00:00Z"


def bench_of(delivery_class: str) -> Bench:
    """Return a bench whose target has this class and settles within 30 s."""
    record = TargetRecord("erp", "scripted", delivery_class, {}, settle_seconds=30.0)
    return Bench(ScriptedTarget(delivery_class), record=record)


async def lose_the_journal(bench: Bench, at_position: int) -> None:
    """Let the target hold everything that the journal, put back, does not know as delivered."""
    await bench.start()
    await bench.turn(1)
    await bench.stop()
    delivered = dict(bench.journal.rows[bench.route.name])
    bench.journal.rows[bench.route.name].clear()
    bench.journal.cursors[bench.route.name] = (0, 0)
    assert set(delivered) == set(range(1, at_position + 1))
    await restored(bench, at_position)


async def restored(bench: Bench, position: int) -> None:
    """Mark the journal as put back, now."""
    now = bench.clock.now()
    await bench.journal.mark_restored(Restored(position, now, now - 1, "nightly", "ann"))


@pytest.mark.parametrize("delivery_class", ["A", "C"])
async def test_class_a_and_c_get_it_again_under_the_same_key(delivery_class: str):
    """The target's key keeps it to one effect."""
    bench = bench_of(delivery_class)
    await bench.accept("1:1", "1:1", "2:1")
    await lose_the_journal(bench, 3)
    await bench.start()
    assert await bench.books() == {"delivered": 3}
    assert len(bench.target.booked) == 3
    assert set(bench.target.effects.values()) == {1}


async def test_class_b_is_asked_first_and_keeps_its_order():
    """What it holds is delivered without a call; new messages of a lane wait behind."""
    bench = bench_of("B")
    await bench.accept("1:1", "1:1", "2:1")
    await lose_the_journal(bench, 3)
    calls = len(bench.target.booked)
    await bench.accept("1:1", "3:1", occurred_at=LATER)
    await bench.start()
    assert bench.states() == {
        1: "in_doubt",
        2: "in_doubt",
        3: "in_doubt",
        4: "held",
        5: "delivered",
    }
    assert bench.row(1).code == "TW-5210"
    await bench.turn(30)
    assert await bench.books() == {"delivered": 5}
    assert len(bench.target.looked_up) == 3
    assert len(bench.target.booked) == calls + 2
    assert set(bench.target.effects.values()) == {1}


async def test_class_b_gets_what_it_does_not_hold():
    """A message that was never delivered goes out once, after the look-up found nothing."""
    bench = bench_of("B")
    await bench.accept("1:1", "1:1")
    await restored(bench, 2)
    await bench.start()
    assert bench.target.booked == []
    await bench.turn(30)
    assert await bench.books() == {"delivered": 2}
    assert bench.numbers() == ["1:1:1", "1:1:2"]


async def test_class_d_waits_for_a_person():
    """Nothing is sent; what happened after the restore flows."""
    bench = bench_of("D")
    await bench.accept("1:1", "1:1")
    await restored(bench, 2)
    await bench.accept("1:1", occurred_at=LATER)
    await bench.start()
    await bench.turn(3600)
    assert bench.states() == {1: "in_doubt", 2: "in_doubt", 3: "delivered"}
    assert bench.numbers() == ["1:1:3"]


async def test_without_a_restore_class_d_sends():
    """Positive control: the same messages go out when the journal was never put back."""
    bench = bench_of("D")
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert await bench.books() == {"delivered": 2}


@pytest.mark.parametrize(("delivery_class", "state"), [("B", "in_doubt"), ("D", "in_doubt")])
async def test_what_was_held_in_the_backup_is_in_doubt(delivery_class: str, state: str):
    """A held head and its followers may be delivered since."""
    bench = bench_of(delivery_class)
    bench.target.script = lambda _message: Transient("TW-4102", "busy")
    await bench.accept("1:1", "1:1")
    await bench.start()
    assert bench.states() == {1: "held", 2: "held"}
    await bench.crash()
    await restored(bench, 2)
    sent = len(bench.target.booked)
    await bench.start()
    assert bench.states() == {1: state, 2: state}
    assert bench.row(2).code == "TW-5210"
    assert len(bench.target.booked) == sent


async def test_what_stores_send_again_is_doubted_until_a_person_acknowledges():
    """It happened before the restore, so the lost journal may have delivered it."""
    bench = bench_of("D")
    await restored(bench, 0)
    before = "2023-11-14T00:00:00Z"
    await bench.accept("1:1", occurred_at=before)
    delivery = await bench.start()
    assert bench.states() == {1: "in_doubt"}
    delivery.restore_acknowledged()
    await bench.accept("1:1", occurred_at=before)
    await bench.turn()
    assert bench.states() == {1: "in_doubt", 2: "delivered"}


async def test_an_acknowledged_restore_still_doubts_what_the_backup_held():
    """Saying that it was looked at sends nothing by itself, over a restart too."""
    bench = bench_of("D")
    await bench.accept("1:1")
    await restored(bench, 1)
    await bench.journal.acknowledge_restore(bench.clock.now() + MICROSECONDS, "bob", "looked")
    await bench.accept("1:1")
    await bench.start()
    assert bench.states() == {1: "in_doubt", 2: "delivered"}
    await bench.restart()
    assert bench.states() == {1: "in_doubt", 2: "delivered"}

"""A message whose payload retention let go is never sent, and says why."""

from tillway.delivery import ReplaySelection, plan_replay
from tillway.testing.delivery import ROUTE, Bench


async def test_a_route_that_comes_later_cannot_carry_it():
    """It is a dead letter with a code of its own; what still has its payload goes out."""
    bench = Bench()
    await bench.accept("1:1", "1:1", "2:1")
    bench.journal.records[0].message.canonical = b""
    await bench.start()
    assert await bench.books() == {"dead": 1, "delivered": 2}
    assert bench.row(1).code == "TW-4009"
    assert bench.numbers() == ["2:1:3", "1:1:2"]


async def test_a_replay_leaves_it_out():
    """The plan counts only what can be sent again."""
    bench = Bench()
    await bench.accept("1:1", "1:1", "2:1")
    await bench.start()
    assert (await plan_replay(bench.journal, ReplaySelection(ROUTE))).count == 3
    bench.journal.records[0].message.canonical = b""
    assert (await plan_replay(bench.journal, ReplaySelection(ROUTE))).count == 2

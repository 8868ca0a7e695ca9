"""A day of POSLog lands in a real Tryton as posted moves, is read back, and lands only once.

The same story is told with the real NCR sample, where it is at hand, and with a file of our own
that holds the same traps. A real Tryton is needed; `TILLWAY_REQUIRE=tryton` makes it a must.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

from flows.books_world import Reported, books_world, fates, receipt_keys, reported
from flows.poslog_days import NCR, TRAPS, Day
from flows.world import Running, until_async
from peers.tryton.fixtures import tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer, wrongly_booked

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)


async def read_back(running: Running, wanted: Reported) -> None:
    """Wait until Tryton reported this, and see that it stays with it."""

    async def is_there() -> bool:
        found = await reported(running.hub.journal)
        assert found.documents <= wanted.documents
        return found == wanted

    await until_async(is_there, f"Tryton did not report {wanted}")


@pytest.mark.parametrize("day", [TRAPS, NCR], ids=["own", "ncr"])
async def test_a_poslog_day_is_posted_in_tryton_once(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
    day: Day,
) -> None:
    """Each receipt is one balanced posted move; the file sent again changes nothing."""
    total = Decimal(day.grand)
    content = day.content()
    async with books_world(tmp_path, tryton, (day.store,)) as world, world.running() as running:
        assert (await running.take("northgate", "day.xml", content)).parent.name == "done"
        await running.settled()
        assert await fates(running.hub.journal) == {
            "delivered": day.receipts,
            "filtered": day.controls,
        }
        keys = await receipt_keys(running.hub.journal)
        first = tryton.moves()
        assert wrongly_booked(first, keys) == {}
        assert (len(first), sum(move.total for move in first)) == (day.receipts, total)
        assert tryton.drafts() == 0
        await read_back(running, Reported(day.receipts, {"USD": total}))

        assert (await running.take("northgate", "again.xml", content)).parent.name == "done"
        await running.settled()
        assert tryton.moves() == first
        await read_back(running, Reported(day.receipts, {"USD": total}))
        outcomes = await running.outcomes()
        everything = day.receipts + day.controls
        assert outcomes == {"accepted": everything + day.receipts, "duplicate": everything}


async def test_the_check_finds_a_missing_a_doubled_and_a_lopsided_move(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Positive control: each kind of wrong booking is found, in the real ledger and in a list."""
    content = TRAPS.content()
    async with books_world(tmp_path, tryton, (TRAPS.store,)) as world, world.running() as running:
        await running.take("northgate", "day.xml", content)
        await running.settled()
        keys = await receipt_keys(running.hub.journal)
    moves = tryton.moves()
    assert wrongly_booked(moves, keys) == {}
    assert wrongly_booked(moves[1:], keys) == {"missing": [moves[0].description]}
    assert wrongly_booked(moves, [*keys, "northgate/0:0:0:0"]) == {"missing": ["northgate/0:0:0:0"]}
    [original] = tryton.call(
        "model.account.move.search", [["number", "=", moves[0].number]], 0, 1, None
    )
    [copy] = tryton.call("model.account.move.copy", [original])
    tryton.call("model.account.move.post", [copy])
    assert wrongly_booked(tryton.moves(), keys) == {"doubled": [moves[0].description]}
    lopsided = dataclasses.replace(moves[1], difference=Decimal("0.01"))
    assert wrongly_booked([moves[0], lopsided, *moves[2:]], keys) == {
        "unbalanced": [lopsided.description]
    }

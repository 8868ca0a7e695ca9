"""Store-days from the till into a real Tryton: each way to post, killed on the way, and corrected.

A real Tryton is needed; `TILLWAY_REQUIRE=tryton` makes it a must.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from flows.books_world import books_world
from flows.test_flow_poslog_ncr import TRAPS as OWN
from flows.test_flow_posting_tryton import booked, net
from flows.test_flow_store_day import afternoon, close_of, day_of, in_the_books, poslog_of
from flows.world import Running, World, until_async
from peers.tryton.fixtures import tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import HubProcess
from tillway.reconcile import Desk, day_in_full
from tillway.reconcile.desk import Decision
from tillway.reconcile.posting_lines import PAID
from tillway.reconcile.shelf import Entry

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)

RECON = "recon/store-day.toml"
MODES = {
    "store_day": 'mode = "store_day"',
    "receipt": 'mode = "receipt"',
    "hybrid": 'mode = "hybrid"\nsingle = "decimal(totals.grand) >= 20"',
}


@asynccontextmanager
async def posting_world(folder: Path, peer: TrytonPeer, mode: str) -> AsyncIterator[World]:
    """Give a project that posts its days to this Tryton, and reads back what it holds."""
    async with books_world(folder, peer, (OWN.store,)) as world:
        (world.folder / "routes" / "pos-to-books.toml").unlink()
        more = 'erp = "tryton"\nby_group = true\nreported_within_days = 1'
        world.replace(RECON, 'mode = "none"', f"{MODES[mode]}\n{more}")
        world.replace(RECON, 'approve = "policy"', 'oldest_days = 4000\napprove = "policy"')
        # The tills of this file are not counted.
        world.add_line(RECON, '[rules.MISSING_DECLARATION]\nseverity = "off"')
        yield world


async def posted(running: Running, revision: int = 0) -> Entry:
    """Wait until the day is posted in a revision."""
    entry = await in_the_books(running, OWN)

    async def is_so() -> bool:
        nonlocal entry
        entry = await in_the_books(running, OWN)
        return (entry.day.state, entry.day.revision) == ("posted", revision)

    try:
        await until_async(is_so, "not posted")
    except AssertionError:
        books = running.hub.bookkeeper
        assert books is not None
        known = await books.log.known(OWN.store, day_of(OWN))
        letters = await running.hub.journal.deliveries(["dead"])
        raise AssertionError((entry.day, known, letters)) from None
    return entry


async def sell_and_close(running: Running) -> Entry:
    """Take in the day and its close record; return it when it is posted."""
    await running.take("northgate", "day.xml", OWN.file.read_bytes())
    close = close_of(OWN, (await in_the_books(running, OWN)).book)
    await running.take("northgate", "close.xml", poslog_of(close))
    return await posted(running)


async def amounts_held(peer: TrytonPeer) -> Decimal:
    """Return what the tender and over/short lines of all moves come to."""
    moves = await asyncio.to_thread(
        peer.call,
        "model.account.move.search_read",
        [["state", "=", "posted"]],
        0,
        None,
        None,
        ["lines.description", "lines.debit", "lines.credit"],
    )
    total = Decimal(0)
    for move in moves:
        for line in move["lines."]:
            if line["description"].startswith(PAID):
                total += _amount(line["debit"]) - _amount(line["credit"])
    return total


def _amount(value: object) -> Decimal:
    return Decimal(value["decimal"] if isinstance(value, dict) else str(value))


@pytest.mark.parametrize("mode", MODES)
async def test_a_day_is_posted_to_the_cent_and_reopened_nets_to_the_same(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
    mode: str,
) -> None:
    """The ledger holds the grand total of the file; a reversal and a revision change nothing."""
    async with (
        posting_world(tmp_path, tryton, mode) as world,
        world.running(afternoon(OWN)) as running,
    ):
        entry = await sell_and_close(running)
        assert str(entry.book.sums["USD"].grand) == OWN.grand
        assert await amounts_held(tryton) == Decimal(OWN.grand)
        before = net(booked(tryton))
        books = running.hub.bookkeeper
        assert books is not None
        decision = Decision("ann", "the till was recounted", running.hub.clock.now())
        await Desk(books).reopen(OWN.store, day_of(OWN), decision)
        await posted(running, 1)
        after = booked(tryton)
        assert net(after) == before
        assert await amounts_held(tryton) == Decimal(OWN.grand)
        taken_back = [key for key in after if ":reversal:" in key]
        assert len(taken_back) == (0 if mode == "receipt" else 1)
        await reported_and_whole(running, len(after))


async def reported_and_whole(running: Running, count: int) -> None:
    """Wait until Tryton reported so many moves; none of them differs from what was asked."""

    async def is_so() -> bool:
        await in_the_books(running, OWN)
        rows = await running.hub.journal.ask("SELECT count(*) FROM recon_reported")
        return bool(rows == [(count,)])

    await until_async(is_so, f"Tryton did not report {count} moves")
    books = running.hub.bookkeeper
    assert books is not None
    known = await books.log.known(OWN.store, day_of(OWN))
    assert [one for one in known.values() if one.state == "open" and one.severity == "error"] == []


async def test_a_second_move_under_one_key_is_found(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Somebody copies a move in Tryton: two documents for one posting."""
    async with (
        posting_world(tmp_path, tryton, "store_day") as world,
        world.running(afternoon(OWN)) as running,
    ):
        await sell_and_close(running)
        await reported_and_whole(running, 1)
        [move] = tryton.call("model.account.move.search", [], 0, None, None)
        [copy] = tryton.call("model.account.move.copy", [move])
        tryton.call("model.account.move.post", [copy])
        key = f"{OWN.store}:{day_of(OWN)}:store_day:USD:0"
        books = running.hub.bookkeeper
        assert books is not None

        async def is_found() -> bool:
            await in_the_books(running, OWN)
            known = await books.log.known(OWN.store, day_of(OWN))
            found = known.get(("DUPLICATE_POSTING", key))
            return found is not None and found.state == "open"

        await until_async(is_found, "the copy was not found")


async def test_a_hub_killed_while_it_posts_to_tryton_posts_once(
    tmp_path: Path,
    tryton: TrytonPeer,  # noqa: F811 - the fixture
) -> None:
    """Killed again and again in a day of receipts: one move for each, and the day ends posted."""
    async with posting_world(tmp_path, tryton, "receipt") as world:
        async with world.running(afternoon(OWN)) as running:
            await running.take("northgate", "day.xml", OWN.file.read_bytes())
            close = poslog_of(close_of(OWN, (await in_the_books(running, OWN)).book))
            assert tryton.count() == 0
        world.replace("systems/tryton.toml", "rate_per_second = 0 ", "rate_per_second = 4 ")
        world.replace("systems/tryton.toml", "bulk_size = 50", "bulk_size = 1")
        hub, rng = HubProcess(world.folder), Random(20261121)
        try:
            await hub.start()
            await world.drop("northgate", "close.xml", close)
            for kills in range(1, 4):
                before = tryton.count()

                async def moved_on(before: int = before) -> bool:
                    return await asyncio.to_thread(tryton.count) > before

                await until_async(moved_on, "nothing more is booked")
                await asyncio.sleep(rng.uniform(0.0, 0.15))
                hub.kill()

                async def restarted(kills: int = kills) -> bool:
                    return hub.restarts >= kills

                await until_async(restarted, "the hub was not started again")
                await hub.ready()
            booked_at_last_kill = tryton.count()
            queries = open_queries(world.folder)

            async def is_posted() -> bool:
                found = await day_in_full(queries, OWN.store, day_of(OWN))
                return found is not None and found.day.state == "posted"

            await until_async(is_posted, "the day was not posted")
            found = await day_in_full(queries, OWN.store, day_of(OWN))
            await queries.close()
        finally:
            await hub.stop()
    assert found is not None
    assert booked_at_last_kill < len(found.postings)
    assert sorted(booked(tryton)) == sorted(one.posting_key for one in found.postings)
    assert await amounts_held(tryton) == Decimal(OWN.grand)
    assert tryton.drafts() == 0

"""A thousand sales through the fake of Square, with its faults, into a real hub: none lost.

Notifications come twice, late, out of order or not at all; the API throttles, fails and lags behind
its own notifications; the hub is killed in the middle. The books hold each order once, at last in
its highest version.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from flows.world import outcomes_of, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import LOG_FILE, HubProcess
from tillway.clock import SystemClock
from tillway.gateway.server import serve
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import books_as_json, carried_by_route, verify
from tillway.project import load_release
from tillway.simulator.square_account import LOCATIONS, SquareAccount
from tillway.simulator.square_api import ApiFaults, SquareApiFake
from tillway.simulator.square_hooks import HookFaults, SquareHooks
from tillway.simulator.square_till import SquareTill
from vendors.square_project import write_square_project
from vendors.square_seller import KEY, TOKEN, URL

SALES = 1000
BATCH = 50
ROUTE = "to-books"
HURRY = 2000.0
"""How much faster Square's retry schedule runs here: its first minute is 30 ms."""
HOOKS = HookFaults(dropped=0.04, doubled=0.05, unanswered=0.03, shuffled=12)
API = ApiFaults(throttled=0.05, failing=0.03, retry_after="0.1")


class HurriedClock(SystemClock):
    """The machine's clock whose sleeps are short."""

    async def sleep(self, seconds: float) -> None:
        """Wait a small part of the time."""
        await asyncio.sleep(seconds / HURRY)


class Now:
    """RFC 3339 times of the machine's clock, never the same one twice."""

    def __init__(self) -> None:
        self._last = datetime.fromtimestamp(0, UTC)

    def __call__(self) -> str:
        """Return the time, a millisecond later than the last at least."""
        self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=1))
        return self._last.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Square:
    """The whole of Square: account, tills, API and webhooks."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.account = SquareAccount(Random(11), Now(), hidden_share=0.1)
        self.account.subscription = {"id": "sub", "enabled": True, "notification_url": URL}
        self.api = SquareApiFake(self.account, TOKEN, Random(12), API)
        self.till = SquareTill(self.account, Random(13))
        self.hooks = SquareHooks(self.account, KEY, self._post, HurriedClock(), Random(14), HOOKS)
        self.door = ""
        self._session = session

    async def sell(self, sales: int) -> None:
        """Sell in both shops, sending the notifications after every few sales."""
        for done in range(0, sales, BATCH):
            for turn in range(min(BATCH, sales - done)):
                self.till.sell(LOCATIONS[turn % 2])
            await self.hooks.send_due(senders=16)

    async def close_the_day(self) -> None:
        """Pay out and count the drawers."""
        for location in LOCATIONS:
            self.till.pay_out(location)
            self.till.close_drawer(location)
        await self.hooks.send_due()

    def truth(self) -> dict[str, tuple[int, Decimal]]:
        """Return version and amount of every completed order, by its id."""
        return {
            order["id"]: (order["version"], Decimal(_net(order)) / 100)
            for order in self.account.all("order")
            if order["state"] == "COMPLETED"
        }

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            async with self._session.post(self.door, data=body, headers=headers) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


@pytest.fixture
async def square() -> AsyncIterator[Square]:
    """Give a fake of Square."""
    async with aiohttp.ClientSession() as session:
        yield Square(session)


@asynccontextmanager
async def running_hub(square: Square, folder: Path) -> AsyncIterator[HubProcess]:
    """Run the API on a port of its own and the hub as a process that is told of both."""
    api = await serve(square.api, "127.0.0.1", 0)
    await api.started()
    write_square_project(
        folder,
        f'notification_url = "{URL}"',
        f'api_url = "http://127.0.0.1:{api.port}"',
        "poll_seconds = 0.1",
        "backfill_seconds = 1.0",
        "overlap_seconds = 30.0",
        "first_days = 0.5",
        "fetch_wait_seconds = 0.05",
        "fetch_attempts = 8",
    )
    hub = HubProcess(folder)
    try:
        square.door = await hub.start() + "/in/square"
        yield hub
    finally:
        code = await hub.stop()
        await api.close()
    assert code == 0, (folder / LOG_FILE).read_text()


class Books:
    """The folder the receipts are written to; a file is read again only when it changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "books"
        self._read: dict[str, tuple[int, str, tuple[int, Decimal]]] = {}

    def orders(self) -> dict[str, tuple[int, Decimal]]:
        """Return version and amount of every order in the books, by its id."""
        kept = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    kept[entry.name] = self._document(entry)
        self._read = kept
        found = {order: facts for _, order, facts in kept.values()}
        assert len(found) == len(kept), "an order is twice in the books"
        return found

    def _document(self, entry: os.DirEntry[str]) -> tuple[int, str, tuple[int, Decimal]]:
        changed = entry.stat().st_mtime_ns
        known = self._read.get(entry.name)
        if known is not None and known[0] == changed:
            return known
        document: dict[str, Any] = json.loads(Path(entry.path).read_text())
        facts = (document["revision"], Decimal(document["amount"]))
        return changed, document["order"], facts


def _net(order: dict[str, Any]) -> int:
    amount: int = order["net_amounts"]["total_money"]["amount"]
    return amount


@pytest.mark.timeout(120)
async def test_a_thousand_sales_arrive_once_in_their_highest_version(
    square: Square, tmp_path: Path
) -> None:
    """0 lost, 0 doubled, every order as it is at Square, money to the cent, and the books hold."""
    async with running_hub(square, tmp_path) as hub:
        await square.sell(SALES // 2)
        hub.kill()
        killed = asyncio.create_task(square.sell(SALES // 2))
        square.door = await restarted(hub) + "/in/square"
        await killed
        await square.close_the_day()
        truth = square.truth()
        assert len(truth) >= SALES

        books = Books(tmp_path)

        async def all_there() -> bool:
            return await asyncio.to_thread(books.orders) == truth

        await until_async(all_there, "the books are not what Square has")
        queries = open_queries(tmp_path)
        journal = MoneyInJournal(queries)
        await until_async(lambda: journal.is_complete(square), "money is missing in the journal")
    assert_the_faults_happened(square)
    assert len(journal.receipts) == len(set(journal.receipts)), "a version is stored twice"
    release = load_release(tmp_path, environ={})
    kept = await verify(queries, carried_by_route(release))
    assert kept.balanced, books_as_json(kept)
    outcomes = await outcomes_of(queries)
    assert set(outcomes) <= {"accepted", "duplicate"}, outcomes
    await queries.close()
    assert_a_lost_sale_would_be_seen(truth, tmp_path)


async def restarted(hub: HubProcess) -> str:
    """Return the address of the hub after it was killed and started again."""

    async def again() -> bool:
        return hub.restarts > 0

    await until_async(again, "the hub was not started again")
    return await hub.ready()


class MoneyInJournal:
    """What the journal knows of payments, refunds, payouts and drawers, read bit by bit."""

    def __init__(self, queries: SqliteQueries) -> None:
        self._queries = queries
        self._after = 0
        self.known: dict[str, set[tuple[str, ...]]] = {}
        self.receipts: list[tuple[str, int]] = []

    async def is_complete(self, square: Square) -> bool:
        """Say whether everything arrived in the state it ended in, to the cent."""
        while found := await self._queries.read(self._after, 500):
            for stored in found:
                self._note(stored.envelope.message_type, json.loads(stored.canonical))
            self._after = found[-1].position
        return all(expected <= self.known.get(kind, set()) for kind, expected in _money(square))

    def _note(self, kind: str, message: dict[str, Any]) -> None:
        facts = self.known.setdefault(kind, set())
        if kind == "payment.updated":
            facts.add((message["psp_reference"], message["status"], message["amount"]))
        elif kind == "settlement.posted":
            entries = str(len(message["entries"]))
            facts.add((message["payout_id"], str(message["revision"]), message["net"], entries))
        elif kind == "till.settled":
            facts.add((message["session_id"], message["tenders"][0]["over_short"]))
        elif kind == "retail_transaction.completed":
            self.receipts.append((message["object_id"], message["revision"]))


def _money(square: Square) -> Iterator[tuple[str, set[tuple[str, ...]]]]:
    account = square.account
    paid = {(one["id"], "captured", _text(one["total_money"])) for one in account.all("payment")}
    refunds = {
        (one["id"][-64:], "refunded", f"-{_text(one['amount_money'])}")
        for one in account.all("refund")
    }
    yield "payment.updated", paid | refunds
    payouts = account.all("payout")
    yield (
        "settlement.posted",
        {
            (
                one["id"],
                str(one["version"]),
                _text(one["amount_money"]),
                str(len(account.entries[one["id"]])),
            )
            for one in payouts
        },
    )
    drawers = account.all("cash_drawer_shift")
    yield "till.settled", {(one["id"], "-0.30") for one in drawers}


def _text(money: dict[str, Any]) -> str:
    return str((Decimal(money["amount"]) / 100).quantize(Decimal("0.01")))


def assert_the_faults_happened(square: Square) -> None:
    """Assert that Square behaved as badly as it was told to."""
    sent = square.hooks.sent
    assert sent.doubled > 50
    assert len(sent.dropped) > 50
    assert sent.discarded == []
    assert set(square.api.refused) == {429, 503}


def assert_a_lost_sale_would_be_seen(truth: dict[str, Any], folder: Path) -> None:
    """Assert, as a positive control, that one document less and one older version are noticed."""
    first, second = sorted((folder / "books").glob("*.json"))[:2]
    assert Books(folder).orders() == truth
    first.unlink()
    document = json.loads(second.read_text())
    second.write_text(json.dumps({**document, "revision": document["revision"] - 1}))
    left = Books(folder).orders()
    assert sum(left.get(order) != found for order, found in truth.items()) == 2

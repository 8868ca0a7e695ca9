"""What a real Tryton does that a hub must know: each trap that was met, and what we make of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from peers.tryton.build import DATABASE, USER
from peers.tryton.fixtures import shared_tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer, wrongly_booked
from tillway.clock import SystemClock
from tillway.connect.http_client import HttpClient, HttpReply, http_client
from tillway.connect.kit import Delivered, Outbound, TargetContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton.settings import TrytonTargetSettings
from tillway.connectors.tryton.target import TrytonTarget
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient
from tillway.security import Secret

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)

CASH, CARD, REVENUE, TAX, ENDED = "1.1.1", "1.1.5", "4.1.1", "2.2.3", "4.9.9"


class LosingClient:
    """Passes calls on and loses the answers to some, after Tryton did the work."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self.losing: bytes = b""

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Call, and lose the answer when the method is the one to lose."""
        reply = await self._client.request(method, url, headers, body)
        if self.losing and self.losing in (body or b""):
            self.losing = b""
            raise InDoubt("TW-4103", "the connection broke")
        return reply

    async def close(self) -> None:
        """Close what is behind."""
        await self._client.close()


class Bench:
    """A target over the peer, with keys of one test's own."""

    def __init__(self, peer: TrytonPeer, name: str) -> None:
        self.peer = peer
        self.prefix = f"{name}/"
        self.client = LosingClient(
            http_client(connections=4, timeout_seconds=60.0, connect_seconds=3.0)
        )
        self.target = self.target_with()

    def target_with(self, **more: Any) -> TrytonTarget:
        """Return a target with other settings."""
        values = {
            "url": self.peer.url,
            "database": DATABASE,
            "user": USER[0],
            "password": Secret(USER[1]),
            **more,
        }
        settings = settings_from(TrytonTargetSettings, values, "test")
        return TrytonTarget(settings, TargetContext("books", SystemClock(), "."), self.client)

    def key(self, number: int) -> str:
        """Return a key of this test."""
        return f"{self.prefix}9:31:2026-11-20:{number}"

    def receipt(self, number: int, amount: str = "12.50", **more: Any) -> Outbound:
        """Return a receipt as the mapping table makes it."""
        body = {
            "date": "2026-11-20",
            "currency": "USD",
            "tenders": [{"account": CASH, "debit": amount, "description": "tender cash"}],
            "sales": [{"account": more.pop("account", REVENUE), "credit": amount}],
            **more,
        }
        return Outbound(self.key(number), "retail_transaction.completed", "lane", body)

    def booked(self) -> dict[str, Decimal]:
        """Return what each document of this test came to, reversals among them."""
        own = [one for one in self.peer.moves() if one.description.startswith(self.prefix)]
        assert [one.description for one in own if one.difference] == []
        return {one.description.removeprefix(self.prefix): one.total for one in own}

    def wrong(self, *numbers: int) -> dict[str, list[str]]:
        """Return what is wrong when these receipts, and no others, were sent."""
        own = [one for one in self.peer.moves() if one.description.startswith(self.prefix)]
        return wrongly_booked(own, [self.key(number) for number in numbers])

    def drafts(self) -> int:
        """Return how many drafts of this test there are."""
        return self.peer.count(["state", "=", "draft"], ["description", "like", f"{self.prefix}%"])


@pytest.fixture
async def bench(
    shared_tryton: TrytonPeer,  # noqa: F811 - the fixture
    request: pytest.FixtureRequest,
) -> AsyncIterator[Bench]:
    """Give a bench whose keys nobody else uses."""
    made = Bench(shared_tryton, request.node.name)
    yield made
    await made.client.close()


async def test_tryton_itself_posts_a_move_whose_sides_differ(bench: Bench) -> None:
    """The trap: on SQLite nobody says a word. So the hub refuses such a document before."""
    [account] = bench.peer.call("model.account.account.search", [["code", "=", CASH]], 0, 1, None)
    [period] = bench.peer.call(
        "model.account.period.search", [["start_date", "=", _date(2026, 12, 1)]], 0, 1, None
    )
    [journal] = bench.peer.call("model.account.journal.search", [["code", "=", "REV"]], 0, 1, None)
    line = {"account": account, "debit": _decimal("0.01"), "credit": _decimal("0")}
    values = {
        "company": 1,
        "journal": journal,
        "period": period,
        "date": _date(2026, 12, 1),
        "description": "lopsided",
        "lines": [["create", [line]]],
    }
    ids = bench.peer.call("model.account.move.create", [values])
    bench.peer.call("model.account.move.post", ids)
    [move] = [one for one in bench.peer.moves() if one.description == "lopsided"]
    assert move.difference == Decimal("0.01")

    document = bench.receipt(1, sales=[{"account": REVENUE, "credit": "12.49"}])
    [refused] = await bench.target.send([document])
    assert isinstance(refused, Permanent)
    assert (refused.code, refused.value) == ("TW-4151", "0.01")
    assert bench.booked() == {}


async def test_one_bad_line_among_twenty_receipts_takes_nobody_with_it(bench: Bench) -> None:
    """Tryton refuses the whole create; the guilty receipt is found by halving."""
    batch = [bench.receipt(n, account=ENDED if n == 13 else REVENUE) for n in range(20)]
    results = await bench.target.send(batch)
    assert [n for n, one in enumerate(results) if not isinstance(one, Delivered)] == [13]
    assert isinstance(results[13], Permanent)
    assert "Account" in results[13].detail
    assert bench.wrong(*(n for n in range(20) if n != 13)) == {}
    assert bench.drafts() == 0


async def test_an_account_is_valid_by_the_day_of_the_receipt(bench: Bench) -> None:
    """A receipt of 2015 goes on an account that ended in 2016, though Tryton hides it today."""
    old, new = bench.receipt(1, account=ENDED, date="2015-06-01"), bench.receipt(2, account=ENDED)
    booked, refused = await bench.target.send([old, new])
    assert isinstance(booked, Delivered)
    assert isinstance(refused, Permanent)


@pytest.mark.parametrize("lost", ["create", "post"])
async def test_a_lost_answer_never_makes_a_second_document(bench: Bench, lost: str) -> None:
    """In doubt; what Tryton holds is taken up where it stands."""
    bench.client.losing = f"account.move.{lost}".encode()
    results = await bench.target.send([bench.receipt(1), bench.receipt(2)])
    assert [type(one) for one in results] == [InDoubt, InDoubt]
    assert bench.drafts() == (2 if lost == "create" else 0)
    posted = await bench.target.look_up(bench.key(1))
    assert (posted is None) == (lost == "create")
    again = await bench.target.send([bench.receipt(1), bench.receipt(2), bench.receipt(3)])
    assert [type(one) for one in again] == [Delivered] * 3
    assert bench.wrong(1, 2, 3) == {}
    assert bench.drafts() == 0


async def test_a_target_that_does_not_look_first_books_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: it is the looking that prevents the second document."""

    async def blind(moves: Any) -> dict[str, list[Any]]:
        return {move.key: [] for move in moves}

    monkeypatch.setattr(bench.target._ledger, "find", blind)
    bench.client.losing = b"account.move.post"
    await bench.target.send([bench.receipt(1)])
    await bench.target.send([bench.receipt(1)])
    assert bench.wrong(1) == {"doubled": [bench.key(1)]}


async def test_a_session_that_tryton_forgot_is_renewed(bench: Bench) -> None:
    """The call is repeated with a new session, and booked once."""
    await bench.target.send([bench.receipt(1)])
    bench.peer.end_sessions()
    assert isinstance((await bench.target.send([bench.receipt(2)]))[0], Delivered)
    assert bench.wrong(1, 2) == {}


async def test_a_locked_database_is_busy_and_books_nothing(bench: Bench) -> None:
    """Another process writes: Tryton answers 503 in HTML, and the receipt goes out again later."""
    await bench.target.send([bench.receipt(0)])
    bench.peer.restart(lock_retries=0)
    held = sqlite3.connect(bench.peer.database, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    [busy] = await bench.target.send([bench.receipt(1)])
    held.execute("ROLLBACK")
    held.close()
    assert isinstance(busy, Transient)
    assert "503" in busy.detail
    assert isinstance((await bench.target.send([bench.receipt(1)]))[0], Delivered)
    assert bench.wrong(0, 1) == {}


async def test_a_return_and_a_tender_paid_out_have_their_sides_reversed(bench: Bench) -> None:
    """Negative amounts in the document, positive ones on the other side in the ledger."""
    tenders = [
        {"account": CARD, "debit": "36.94", "description": "tender debit"},
        {"account": CASH, "debit": "-20.00", "description": "tender cash"},
    ]
    sales = [{"account": REVENUE, "credit": "15.40"}, {"account": TAX, "credit": "1.54"}]
    batch = [bench.receipt(1, "-12.50"), bench.receipt(2, tenders=tenders, sales=sales)]
    assert [type(one) for one in await bench.target.send(batch)] == [Delivered] * 2
    assert list(bench.booked().values()) == [Decimal("-12.50"), Decimal("16.94")]


async def test_an_even_exchange_is_a_posted_document(bench: Bench) -> None:
    """Nothing is left to book, and the receipt still has its move."""
    document = bench.receipt(1, "0.00")
    assert isinstance((await bench.target.send([document]))[0], Delivered)
    assert list(bench.booked().values()) == [Decimal(0)]


async def test_a_correction_is_a_reversal_and_a_new_document(bench: Bench) -> None:
    """Three moves for two versions, and the books hold the higher one."""
    first, second = bench.receipt(1, revision=1), bench.receipt(1, "11.00", revision=2)
    results = await bench.target.send([first]) + await bench.target.send([second, second])
    assert [getattr(one, "repeated", None) for one in results] == [False, False, True]
    key = bench.key(1).removeprefix(bench.prefix)
    assert bench.booked() == {
        f"{key} revision 1": Decimal("12.50"),
        f"{key} revision 2 reversal": Decimal("-12.50"),
        f"{key} revision 2": Decimal("11.00"),
    }


async def test_a_move_cancelled_in_tryton_is_not_booked_again(bench: Bench) -> None:
    """An accountant cancels: the copy has our key, and the receipt counts as booked."""
    [first] = await bench.target.send([bench.receipt(1)])
    assert isinstance(first, Delivered)
    [original] = bench.peer.call(
        "model.account.move.search", [["number", "=", first.reference]], 0, 1, None
    )
    origin = {"origin": f"account.move,{original}"}
    [copy] = bench.peer.call("model.account.move.copy", [original], origin)
    bench.peer.call("model.account.move.post", [copy])
    assert await bench.target.look_up(bench.key(1)) == first.reference
    [again] = await bench.target.send([bench.receipt(1)])
    assert again == Delivered(first.reference, repeated=True)


async def test_a_receivable_wants_its_party(bench: Bench) -> None:
    """Told before it is sent; with the party's code the line is booked."""
    line = {"account": "1.2.1", "debit": "12.50", "description": "tender house_account"}
    without = bench.receipt(1, tenders=[line])
    named = bench.receipt(2, tenders=[{**line, "party": "HOUSE-1"}])
    refused, booked = await bench.target.send([without, named])
    assert isinstance(refused, Permanent)
    assert refused.code == "TW-4157"
    assert isinstance(booked, Delivered)


async def test_clients_that_book_at_once_double_nothing(bench: Bench) -> None:
    """Four calls in parallel; whatever was busy goes out again, and all is booked once."""
    parts = [[bench.receipt(4 * n + part) for n in range(5)] for part in range(4)]
    await bench.target.send([bench.receipt(100)])
    results = await asyncio.gather(*(bench.target.send(part) for part in parts))
    assert {type(one) for part in results for one in part} <= {Delivered, Transient}
    for part in parts:
        assert {type(one) for one in await bench.target.send(part)} == {Delivered}
    assert bench.wrong(*range(20), 100) == {}


async def test_a_user_that_may_not_book_buries_nothing(bench: Bench) -> None:
    """Without the group Accounting ping tells it, and messages wait instead of being dead."""
    login = "no-group"
    user = {"name": login, "login": login, "password": USER[1]}
    companies = {"companies": [["add", [1]]], "company": 1}
    bench.peer.call("model.res.user.create", [{**user, **companies}])
    target = bench.target_with(user=login)
    with pytest.raises(NotConnected) as found:
        await target.ping()
    assert found.value.code == "TW-4149"
    [waiting] = await target.send([bench.receipt(1)])
    assert isinstance(waiting, NotConnected)
    assert bench.booked() == {}


async def test_a_user_without_a_company_books_all_the_same(bench: Bench) -> None:
    """Every call and every move names the company, so what the user prefers does not matter."""
    groups = bench.peer.call("model.res.group.search", [["name", "=", "Accounting"]], 0, 1, None)
    login = "no-company"
    user = {"name": login, "login": login, "password": USER[1], "groups": [["add", groups]]}
    bench.peer.call("model.res.user.create", [user])
    target = bench.target_with(user=login)
    await target.ping()
    assert isinstance((await target.send([bench.receipt(1)]))[0], Delivered)
    assert bench.wrong(1) == {}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"password": Secret("wrong")}, "TW-4140"),
        ({"database": "nobody"}, "TW-4142"),
        ({"company": 7}, "TW-4158"),
        ({"journal": "NONE"}, "TW-4153"),
        ({"accounts": (CASH, "9.9.9")}, "TW-4152"),
        ({"accounts": ("1.0.0",)}, "TW-4152"),
        ({"url": "http://127.0.0.1:9"}, "TW-4101"),
    ],
)
async def test_ping_tells_what_is_wrong(bench: Bench, settings: dict[str, Any], code: str) -> None:
    """Each setting that does not fit is told by its own code; the right ones are silent."""
    with pytest.raises(TillwayError) as found:
        await bench.target_with(**settings).ping()
    assert found.value.code == code
    assert found.value.code not in {"TW-4140", "TW-4142"} or isinstance(found.value, NotConnected)
    await bench.target.ping()


def _date(year: int, month: int, day: int) -> dict[str, Any]:
    return {"__class__": "date", "year": year, "month": month, "day": day}


def _decimal(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}

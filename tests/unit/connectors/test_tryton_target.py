"""What the Tryton target does when calls go wrong, over a ledger in memory that can be told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect.http_client import HttpReply
from tillway.connect.kit import Delivered, Outbound, SendResult, TargetContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton.settings import TrytonTargetSettings
from tillway.connectors.tryton.target import TrytonTarget
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient
from tillway.security import Secret
from unit.connectors.scripted_tryton import PAGE, ScriptedTryton, answer, user_error

BROKEN = InDoubt("TW-4103", "the connection broke")
BUSY = HttpReply(503, {}, b"database is locked")
KEY = "northgate/9:31:2026-11-20:{number}"


@pytest.fixture
def books() -> ScriptedTryton:
    """Give the other side."""
    return ScriptedTryton()


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands in an open period."""
    return ManualClock(1_795_000_000 * 1_000_000)


@pytest.fixture
def target(books: ScriptedTryton, clock: ManualClock) -> TrytonTarget:
    """Give the target over it."""
    values = {
        "url": "http://tryton.test/",
        "database": "books",
        "user": "tillway",
        "password": Secret("pass-of-the-books"),
        "accounts": ["1.1.1", "1.2.1"],
    }
    settings = settings_from(TrytonTargetSettings, values, "test")
    return TrytonTarget(settings, TargetContext("books", clock, "."), books)


def receipt(number: int, amount: str = "12.50", **more: Any) -> Outbound:
    """Return a receipt as the mapping table makes it."""
    body = {
        "date": "2026-11-20",
        "currency": "USD",
        "tenders": [{"account": "1.1.1", "debit": amount, "description": "tender cash"}],
        "sales": [{"account": more.pop("account", "4.1.1"), "credit": amount}],
        **more,
    }
    return Outbound(KEY.format(number=number), "retail_transaction.completed", "lane", body)


def key(number: int) -> str:
    """Return the key of a receipt."""
    return KEY.format(number=number)


def codes(results: Sequence[SendResult]) -> list[str]:
    """Return what became of each: `delivered`, or the code."""
    return [one.code if isinstance(one, TillwayError) else "delivered" for one in results]


async def test_many_receipts_go_in_one_create_and_one_post(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A batch costs four calls, whatever its size, once the codes are known."""
    await target.send([receipt(0)])
    books.calls.clear()
    results = await target.send([receipt(number) for number in range(1, 31)])
    assert codes(results) == ["delivered"] * 30
    assert books.calls == ["search_read", "create", "post", "search_read"]
    assert books.posted() == [key(number) for number in range(31)]


async def test_a_refused_batch_is_halved_until_the_guilty_one_stands_alone(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Tryton refuses a whole create for one line; the other receipts are booked all the same."""
    carry_out = books.carry_out

    def refusing(model: str, word: str, parameters: list[Any]) -> HttpReply:
        guilty = word == "create" and any(one["description"] == key(5) for one in parameters[0])
        return user_error("Not valid.") if guilty else carry_out(model, word, parameters)

    books.carry_out = refusing  # type: ignore[method-assign]
    results = await target.send([receipt(number) for number in range(8)])
    assert codes(results) == ["delivered"] * 5 + ["TW-4145"] + ["delivered"] * 2
    assert sorted(books.posted()) == [key(number) for number in range(8) if number != 5]
    assert books.drafts() == []


async def test_a_refused_post_takes_its_own_draft_out_again(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Nothing half made is left behind, and the receipt can be sent again later."""
    books.script["post"] = [user_error("The period is closed.")]
    [refused] = await target.send([receipt(1)])
    assert isinstance(refused, Permanent)
    assert "The period is closed." in refused.detail
    assert (books.drafts(), books.posted()) == ([], [])
    assert codes(await target.send([receipt(1)])) == ["delivered"]


async def test_an_answer_lost_after_create_is_in_doubt_and_resumed(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The draft is found by its key and posted; a second one is never made."""
    books.script["create"] = [_carried_out_then_lost(books, "create")]
    [lost] = await target.send([receipt(1)])
    assert isinstance(lost, InDoubt)
    assert books.drafts() == [key(1)]
    assert await target.look_up(key(1)) is None
    [resumed] = await target.send([receipt(1)])
    assert resumed == Delivered("1")
    assert (books.drafts(), books.posted()) == ([], [key(1)])


async def test_an_answer_lost_after_post_is_in_doubt_and_found(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The posted move is found by its key, by a look-up and by the next call."""
    books.script["post"] = [_carried_out_then_lost(books, "post")]
    [lost] = await target.send([receipt(1)])
    assert isinstance(lost, InDoubt)
    assert await target.look_up(key(1)) == "1"
    assert await target.send([receipt(1)]) == [Delivered("1", repeated=True)]
    assert books.posted() == [key(1)]


async def test_a_post_that_was_done_already_counts_as_delivered(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Posting twice is refused by Tryton; its state tells that the work is done."""
    books.script["post"] = [_carried_out_then(books, "post", user_error('You can not call "post"'))]
    assert await target.send([receipt(1)]) == [Delivered("1", repeated=True)]


async def test_a_move_that_does_not_show_as_posted_is_in_doubt(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """An empty answer is no proof."""
    books.script["post"] = [answer(result=None)]
    assert codes(await target.send([receipt(1)])) == ["TW-4148"]


async def test_a_lost_number_does_not_undo_a_posting(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """It is posted; only what Tryton called it is not known."""
    await target.send([receipt(0)])
    first = books.carry_out

    def then_away(model: str, word: str, parameters: list[Any]) -> HttpReply:
        found = first(model, word, parameters)
        if word == "post":
            books.script["search_read"] = [BUSY]
        return found

    books.carry_out = then_away  # type: ignore[method-assign]
    assert await target.send([receipt(1)]) == [Delivered("")]


@pytest.mark.parametrize(
    ("word", "step", "code", "kind"),
    [
        ("create", BUSY, "TW-4144", Transient),
        ("post", BUSY, "TW-4144", Transient),
        ("search_read", BUSY, "TW-4144", Transient),
        ("search_read", InDoubt("TW-4102", "no answer"), "TW-4102", Transient),
        ("create", HttpReply(200, {}, PAGE), "TW-4147", InDoubt),
        ("create", HttpReply(504, {}, PAGE), "TW-4147", InDoubt),
        ("post", HttpReply(200, {}, PAGE), "TW-4147", InDoubt),
        ("search_read", HttpReply(200, {}, PAGE), "TW-4143", NotConnected),
        ("create", NotConnected("TW-4101", "no connection"), "TW-4101", NotConnected),
        ("login", HttpReply(401, {}, PAGE), "TW-4140", NotConnected),
        ("login", HttpReply(404, {}, PAGE), "TW-4142", NotConnected),
        ("login", InDoubt("TW-4102", "no answer"), "TW-4102", NotConnected),
        ("login", answer(result=[]), "TW-4143", NotConnected),
    ],
)
async def test_a_call_that_fails_is_every_messages_trouble_and_heals(
    target: TrytonTarget,
    books: ScriptedTryton,
    word: str,
    step: Any,
    code: str,
    kind: type[TillwayError],
) -> None:
    """Nobody is buried for it; what changed nothing is never in doubt; the next call books all."""
    books.script[word] = [step]
    results = await target.send([receipt(1), receipt(2)])
    assert [(type(one), codes([one])) for one in results] == [(kind, [code])] * 2
    assert codes(await target.send([receipt(1), receipt(2)])) == ["delivered"] * 2
    assert sorted(books.posted()) == [key(1), key(2)]
    assert books.drafts() == []


async def test_a_session_that_ended_is_renewed_once_for_all_calls(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Several calls meet the 401 together; one of them logs in and all go on."""
    await target.send([receipt(0)])
    books.valid_session = 0
    await asyncio.gather(*(target.send([receipt(number)]) for number in range(1, 6)))
    assert books.sessions == 2
    assert len(books.posted()) == 6


async def test_a_session_that_does_not_hold_is_told(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A second 401 ends the call: there is no third try, and no message is blamed."""
    books.script["create"] = [HttpReply(401, {}, b""), HttpReply(401, {}, b"")]
    [result] = await target.send([receipt(1)])
    assert isinstance(result, NotConnected)
    assert result.code == "TW-4141"


async def test_what_tryton_lacks_is_named_and_seen_as_soon_as_it_is_there(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """An account that somebody adds in Tryton counts for the next message, without a restart."""
    results = await target.send(
        [
            receipt(1, account="4.2.2"),
            receipt(2, account="4.0.0"),
            receipt(3, account="1.2.1"),
            receipt(4, currency="EUR"),
            receipt(5, date="2030-01-01"),
            receipt(6, journal="NONE"),
            receipt(7, "12.505"),
            receipt(8),
        ]
    )
    assert codes(results) == [
        "TW-4152",
        "TW-4152",
        "TW-4157",
        "TW-4155",
        "TW-4154",
        "TW-4153",
        "TW-4156",
        "delivered",
    ]
    books.accounts["4.2.2"] = {"id": 120, "type": 37, "party_required": False}
    assert codes(await target.send([receipt(1, account="4.2.2")])) == ["delivered"]


async def test_codes_are_fetched_again_after_some_minutes(
    target: TrytonTarget, books: ScriptedTryton, clock: ManualClock
) -> None:
    """A code that was given to another account in Tryton is not booked on the old one for ever."""
    await target.send([receipt(1)])
    books.accounts["4.1.1"] = {"id": 121, "type": 37, "party_required": False}
    await clock.advance(301)
    await target.send([receipt(2)])
    assert [line["account"] for line in books.moves[2]["lines."]] == [35, 121]


async def test_a_refusal_takes_no_codes_from_a_call_beside_it(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """What is fetched anew after a refusal is fetched by the next call, not lost by this one."""
    await target.send([receipt(0)])
    carry_out = books.carry_out

    def refused_meanwhile(model: str, word: str, parameters: list[Any]) -> HttpReply:
        if model == "account.move" and word == "search_read":
            target._chart.forget()
        return carry_out(model, word, parameters)

    books.carry_out = refused_meanwhile  # type: ignore[method-assign]
    assert codes(await target.send([receipt(1)])) == ["delivered"]


async def test_a_line_gets_its_party_where_the_account_wants_one(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """And only there, since Tryton refuses a party on any other account."""
    line = {"account": "1.2.1", "debit": "12.50", "party": "HOUSE-1"}
    sale = {"account": "4.1.1", "credit": "12.50", "party": "HOUSE-1"}
    document = receipt(1, tenders=[line], sales=[sale])
    unknown = receipt(2, tenders=[{**line, "party": "HOUSE-2"}], sales=[sale])
    assert codes(await target.send([document, unknown])) == ["delivered", "TW-4157"]
    assert [one.get("party") for one in books.moves[1]["lines."]] == [7, None]
    assert await target.send([document]) == [Delivered("1", repeated=True)]


async def test_one_key_twice_in_a_call_is_booked_once(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The second is looked up after the first was booked."""
    results = await target.send([receipt(1), receipt(2), receipt(1)])
    assert [getattr(one, "repeated", None) for one in results] == [False, False, True]
    assert books.posted() == [key(1), key(2)]


async def test_a_refusal_to_be_read_blames_no_message(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A user that lost its rights must not bury every receipt of the day."""
    books.script["search_read"] = [user_error("You are not allowed to access Account Move.")]
    [result] = await target.send([receipt(1)])
    assert isinstance(result, NotConnected)
    assert result.code == "TW-4149"
    books.rights = {"read": 1, "write": 1, "create": 0, "delete": 0}
    with pytest.raises(NotConnected) as lacking:
        await target.ping()
    assert "create account.move" in lacking.value.detail


async def test_ping_finds_what_a_receipt_of_today_would_lack(
    target: TrytonTarget, books: ScriptedTryton, clock: ManualClock
) -> None:
    """Company, journal, accounts and the period of today are tested, a busy Tryton is told."""
    await target.ping()
    del books.accounts["1.2.1"]
    with pytest.raises(Permanent) as missing:
        await target.ping()
    assert missing.value.code == "TW-4152"
    books.accounts["1.2.1"] = {"id": 40, "type": 22, "party_required": True}
    books.script["search_read"] = [BUSY]
    with pytest.raises(NotConnected):
        await target.ping()
    await clock.advance(90 * 86_400)
    with pytest.raises(Permanent) as closed:
        await target.ping()
    assert closed.value.code == "TW-4154"


def _carried_out_then(books: ScriptedTryton, word: str, reply: Any) -> Any:
    """Return a step that does what was asked for and then answers something else, or nothing."""

    def step() -> HttpReply:
        ids = [move["id"] for move in books.moves.values() if move["state"] == "draft"]
        if word == "post":
            books._post(ids)
        else:
            books._create([_values(1)])
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, HttpReply)
        return reply

    return step


def _carried_out_then_lost(books: ScriptedTryton, word: str) -> Any:
    return _carried_out_then(books, word, BROKEN)


def _values(number: int) -> dict[str, Any]:
    """Return what `create` gets for a receipt."""
    from decimal import Decimal

    amount, nothing = Decimal("12.50"), Decimal(0)
    lines = [
        {"account": 35, "debit": amount, "credit": nothing, "description": "tender cash"},
        {"account": 99, "debit": nothing, "credit": amount, "description": None},
    ]
    return {
        "company": 1,
        "journal": 1,
        "period": 11,
        "date": "2026-11-20",
        "description": key(number),
        "lines": [["create", lines]],
    }

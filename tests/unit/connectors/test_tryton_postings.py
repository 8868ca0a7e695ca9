"""Postings in Tryton: known by their posting key, and taken back as the books hold them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect.kit import Delivered, Outbound, SendResult, TargetContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton.moves import key_in_books
from tillway.connectors.tryton.settings import TrytonTargetSettings
from tillway.connectors.tryton.target import TrytonTarget
from tillway.errors import Permanent
from tillway.security import Secret
from unit.connectors.scripted_tryton import ScriptedTryton, user_error

DAY = "0001:2026-11-20:store_day:USD:0"
REVERSAL = "0001:2026-11-20:reversal:USD:1"


@pytest.fixture
def books() -> ScriptedTryton:
    """Give the other side."""
    return ScriptedTryton()


@pytest.fixture
def target(books: ScriptedTryton) -> TrytonTarget:
    """Give the target over it."""
    values = {
        "url": "http://tryton.test",
        "database": "books",
        "user": "tillway",
        "password": Secret("pass-of-the-books"),
    }
    settings = settings_from(TrytonTargetSettings, values, "test")
    return TrytonTarget(settings, TargetContext("books", ManualClock(), "."), books)


def posting(key: str, amount: str, cash: str = "1.1.1", **more: Any) -> Outbound:
    """Return a posting as the mapping table makes it."""
    lines = [
        {"account": cash, "debit": amount, "description": "tender cash", "set_in": "codes/x.csv"},
        {"account": "4.1.1", "debit": str(-Decimal(amount)), "description": "sales 8"},
    ]
    body = {"date": "2026-11-20", "currency": "USD", "lines": lines, **more}
    return Outbound(f"hub/posting.requested/books:{key}", "posting.requested", "lane", body)


def reversal(amount: str = "-10.00", cash: str = "1.1.1") -> Outbound:
    """Return what takes the day back."""
    return posting(REVERSAL, amount, cash, reverses=DAY)


async def one(target: TrytonTarget, message: Outbound) -> SendResult:
    """Send one message."""
    [result] = await target.send([message])
    return result


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (f"hub/posting.requested/tryton:{DAY}", DAY),
        ("hub/posting.requested/tryton:0001:2:2026-11-20:17", "0001:2:2026-11-20:17"),
        ("northgate/0001:2:2026-11-20:17", "northgate/0001:2:2026-11-20:17"),
        ("square/retail_transaction.completed/o_1", "square/retail_transaction.completed/o_1"),
        ("hub/posting.requested/", "hub/posting.requested/"),
    ],
)
def test_a_posting_is_known_by_its_posting_key(key: str, text: str) -> None:
    """Who asked and which ERP it is stand before the key and are left out; receipts keep theirs."""
    assert key_in_books(key) == text


async def test_a_posting_is_booked_and_looked_up_under_its_posting_key(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """What people read in Tryton is the key that the hub shows."""
    message = posting(DAY, "10.00")
    assert await target.look_up(message.key) is None
    assert await one(target, message) == Delivered("1")
    assert books.posted() == [DAY]
    assert await target.look_up(message.key) == "1"
    assert await one(target, message) == Delivered("1", repeated=True)


async def test_a_reversal_books_the_other_side_of_what_the_books_hold(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A code table that changed since then does not matter; each line names what it takes back."""
    await one(target, posting(DAY, "10.00"))
    assert await one(target, reversal(cash="1.1.6")) == Delivered("2")
    first, back = books.moves[1], books.moves[2]
    assert (back["description"], back["origin"]) == (REVERSAL, None)
    assert [(one_["account"], one_["debit"], one_["credit"]) for one_ in back["lines."]] == [
        (one_["account"], one_["credit"], one_["debit"]) for one_ in first["lines."]
    ]
    assert [one_["description"] for one_ in back["lines."]] == [
        f"tender cash, reverses {DAY}",
        f"sales 8, reverses {DAY}",
    ]
    assert await one(target, reversal()) == Delivered("2", repeated=True)


async def test_a_reversal_that_was_cut_off_is_taken_up(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A draft of it is posted and no second one is made."""
    await one(target, posting(DAY, "10.00"))
    books.script["post"] = [ConnectionResetError("the hub died here")]
    with pytest.raises(ConnectionResetError):
        await target.send([reversal()])
    assert books.drafts() == [REVERSAL]
    assert await one(target, reversal()) == Delivered("2")
    assert (books.drafts(), books.posted()) == ([], [DAY, REVERSAL])


async def test_what_is_not_booked_cannot_be_taken_back(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Nothing under that key, or a draft only, is a dead letter that names the key."""
    for _ in range(2):
        refused = await one(target, reversal())
        assert isinstance(refused, Permanent)
        assert (refused.code, DAY in refused.detail) == ("TW-4162", True)
        books._create([{"company": 1, "description": DAY, "lines": [["create", []]]}])
    assert books.posted() == []


async def test_what_was_cancelled_in_tryton_is_not_taken_back_twice(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """A person's own reversal carries the key and the origin: the hub's would be one too many."""
    await one(target, posting(DAY, "10.00"))
    taken_back = {**books.moves[1], "origin": "account.move,1", "lines": [["create", []]]}
    books._post(books._create([taken_back]))
    refused = await one(target, reversal())
    assert isinstance(refused, Permanent)
    assert refused.code == "TW-4163"


async def test_a_missing_account_names_the_line_and_the_code_table(target: TrytonTarget) -> None:
    """Whoever reads it knows which row of which file to correct."""
    refused = await one(target, posting(DAY, "10.00", cash="9.9.9"))
    assert isinstance(refused, Permanent)
    assert refused.code == "TW-4152"
    assert '"9.9.9"' in refused.detail
    assert refused.detail.endswith('which line "tender cash" names; it is set in codes/x.csv')


async def test_a_reversal_that_tryton_refuses_stands_alone(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Its draft is taken out again, and the posting stays as it is."""
    await one(target, posting(DAY, "10.00"))
    books.script["post"] = [user_error("The period is closed.")]
    refused = await one(target, reversal())
    assert isinstance(refused, Permanent)
    assert refused.code == "TW-4145"
    assert (books.drafts(), books.posted()) == ([], [DAY])

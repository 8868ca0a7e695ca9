"""Corrections in Tryton: a posted move is never changed, it is taken back and booked anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tillway.clock import ManualClock
from tillway.connect.http_client import HttpReply
from tillway.connect.kit import Delivered, Outbound, SendResult, TargetContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton.settings import TrytonTargetSettings
from tillway.connectors.tryton.target import TrytonTarget
from tillway.errors import InDoubt, Permanent
from tillway.security import Secret
from unit.connectors.scripted_tryton import ScriptedTryton

KEY = "square/order.sale/o_1"


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


def order(revision: int, amount: str) -> Outbound:
    """Return one version of an order."""
    lines = [{"account": "1.1.1", "debit": amount}, {"account": "4.1.1", "credit": amount}]
    body = {"date": "2026-11-20", "currency": "USD", "lines": lines}
    return Outbound(KEY, "retail_transaction.completed", "lane", body, revision=revision)


async def one(target: TrytonTarget, message: Outbound) -> SendResult:
    """Send one message."""
    [result] = await target.send([message])
    return result


async def test_a_higher_revision_takes_the_booked_one_back_and_books_anew(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Both moves are created in one call and posted in one call; the reversal names its origin."""
    assert await one(target, order(1, "10.00")) == Delivered("1")
    books.calls.clear()
    assert await one(target, order(2, "11.00")) == Delivered("3")
    assert books.calls == ["search_read", "create", "post", "search_read"]
    assert books.posted() == [
        f"{KEY} revision 1",
        f"{KEY} revision 2 reversal",
        f"{KEY} revision 2",
    ]
    first, reversal = books.moves[1], books.moves[2]
    assert reversal["origin"] == "account.move,1"
    assert [(one_["debit"], one_["credit"]) for one_ in reversal["lines."]] == [
        (one_["credit"], one_["debit"]) for one_ in first["lines."]
    ]


async def test_a_higher_revision_with_the_same_lines_books_nothing(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """What did not change for the books is no document."""
    await one(target, order(1, "10.00"))
    assert await one(target, order(4, "10.00")) == Delivered("1", repeated=True)
    assert len(books.moves) == 1
    await one(target, order(5, "12.00"))
    assert books.posted()[1:] == [f"{KEY} revision 5 reversal", f"{KEY} revision 5"]


async def test_a_lower_revision_that_comes_late_changes_nothing(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The higher one stands."""
    await one(target, order(3, "10.00"))
    assert await one(target, order(2, "9.00")) == Delivered("1", repeated=True)
    assert len(books.moves) == 1


async def test_a_first_revision_of_zero_that_comes_late_changes_nothing(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Zero is a version like any other, though its move carries the bare key."""
    await one(target, order(1, "10.00"))
    assert await one(target, order(0, "9.00")) == Delivered("1", repeated=True)
    assert len(books.moves) == 1


async def test_a_mapping_may_name_the_revision(target: TrytonTarget, books: ScriptedTryton) -> None:
    """What stands in the body wins over what delivery says."""
    named = order(1, "10.00")
    await one(target, msgspec.structs.replace(named, body={**named.body, "revision": 7}))
    assert books.posted() == [f"{KEY} revision 7"]


async def test_the_same_revision_with_other_lines_is_refused(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Nobody knows which of the two is right."""
    await one(target, order(3, "10.00"))
    result = await one(target, order(3, "9.00"))
    assert isinstance(result, Permanent)
    assert result.code == "TW-4160"
    assert len(books.moves) == 1


async def test_a_look_up_does_not_take_another_revision_for_this_one(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The key is the same for all versions, so only `send`, which knows the version, can tell."""
    await one(target, order(1, "10.00"))
    assert await target.look_up(KEY) is None
    assert await one(target, order(1, "10.00")) == Delivered("1", repeated=True)


async def test_a_correction_cut_off_between_create_and_post_is_taken_up(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """Reversal and new document were both made, and are both posted, once."""
    await one(target, order(1, "10.00"))
    books.script["post"] = [InDoubt("TW-4103", "the connection broke")]
    assert isinstance(await one(target, order(2, "11.00")), InDoubt)
    assert books.drafts() == [f"{KEY} revision 2 reversal", f"{KEY} revision 2"]
    assert await one(target, order(2, "11.00")) == Delivered("3")
    assert (books.drafts(), len(books.moves)) == ([], 3)


async def test_a_draft_that_somebody_changed_is_not_posted(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The hub posts what it was told to post and nothing else."""
    books.script["post"] = [InDoubt("TW-4103", "the connection broke")]
    await one(target, order(1, "10.00"))
    changed = await one(target, order(1, "10.01"))
    assert isinstance(changed, Permanent)
    assert changed.code == "TW-4161"
    assert books.posted() == []


async def test_a_move_that_the_accountant_cancelled_is_still_ours(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """The cancelling copy carries our key too, and names its origin; it is not taken for ours."""
    plain = order(0, "10.00")
    await one(target, plain)
    copy = {**books.moves[1], "id": 2, "number": "2", "origin": "account.move,1"}
    books.moves[2] = copy
    assert await one(target, plain) == Delivered("1", repeated=True)
    assert await target.look_up(KEY) == "1"


async def test_keys_with_signs_of_a_pattern_match_only_themselves(
    target: TrytonTarget, books: ScriptedTryton
) -> None:
    """An underscore in an id is no wildcard."""
    seen: list[Any] = []
    carry_out = books.carry_out

    def watching(model: str, word: str, parameters: list[Any]) -> HttpReply:
        seen.append(parameters[0])
        return carry_out(model, word, parameters)

    books.carry_out = watching  # type: ignore[method-assign]
    await one(target, order(1, "10.00"))
    other = msgspec.structs.replace(order(1, "12.00"), key=KEY.replace("_", "X"))
    assert await one(target, other) == Delivered("2")
    patterns = [part for domain in seen if "like" in str(domain) for part in domain[0][2:]]
    assert patterns[0] == ["description", "like", "square/order.sale/o\\_1 revision %"]

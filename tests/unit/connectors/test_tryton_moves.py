"""How a body becomes the lines of a move, and what is refused before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tillway.connectors.tryton.moves import Move, move_of, revision_of
from tillway.errors import Permanent


def body(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a body with these lines."""
    return {"date": "2026-11-20", "currency": "USD", "lines": list(lines), **more}


def booked(move: Move) -> list[tuple[str, str]]:
    """Return account and amount of each line."""
    return [(line.account, f"{line.amount:f}") for line in move.lines]


def refused(document: dict[str, Any]) -> Permanent:
    """Return why a body is refused."""
    with pytest.raises(Permanent) as found:
        move_of("k", document, "REV")
    return found.value


CASH = {"account": "1.1.1", "debit": "12.50"}
SALE = {"account": "4.1.1", "credit": "12.50"}


def test_lines_are_gathered_at_any_depth() -> None:
    """A table writes tenders, sales and taxes into lists of their own, nested where it suits."""
    document = {
        "date": "2026-11-20",
        "tenders": [CASH],
        "sales": [{"line": 1, "parts": [{"account": "4.1.1", "credit": "10.00"}]}],
        "tip": {"account": "2.2.7", "credit": Decimal("2.50")},
        "rounding": {"description": "rounding"},
    }
    assert booked(move_of("k", document, "REV")) == [
        ("1.1.1", "12.50"),
        ("4.1.1", "-10.00"),
        ("2.2.7", "-2.50"),
    ]


def test_lines_that_say_the_same_become_one() -> None:
    """Same account, description and party: one line, with what they come to."""
    half = {"account": "4.1.1", "credit": "6.25", "description": "sales"}
    other = {"account": "4.1.1", "credit": "0.00", "description": "fee"}
    move = move_of("k", body(CASH, half, half, other), "REV")
    assert booked(move) == [("1.1.1", "12.50"), ("4.1.1", "-12.50")]


def test_a_return_is_the_same_receipt_with_its_sides_reversed() -> None:
    """A negative debit is a credit."""
    back = move_of("k", body({**CASH, "debit": "-12.50"}, {**SALE, "credit": "-12.50"}), "REV")
    assert booked(back) == [("1.1.1", "-12.50"), ("4.1.1", "12.50")]


def test_an_even_exchange_keeps_its_document() -> None:
    """Where nothing is left to book, zero lines stay, so that no receipt is missing."""
    move = move_of("k", body(SALE, {**SALE, "credit": "-12.50"}), "REV")
    assert booked(move) == [("4.1.1", "0.00")]


def test_sides_that_differ_are_refused_with_the_difference() -> None:
    """Tryton on SQLite posts such a move without a word, so it never gets there."""
    error = refused(body(CASH, {**SALE, "credit": "12.49"}))
    assert (error.code, error.path, error.value) == ("TW-4151", "lines", "0.01")
    assert "debit 12.50, credit 12.49" in error.detail


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"lines": [CASH, SALE]}, "date"),
        (body(CASH, SALE, date="20.11.2026"), "date"),
        (body(), "lines"),
        (body({**CASH, "debit": 12.5}, SALE), "body.lines[0].debit"),
        (body({**CASH, "debit": True}, SALE), "body.lines[0].debit"),
        (body({**CASH, "debit": "12,50"}, SALE), "body.lines[0].debit"),
        (body({**CASH, "debit": "NaN"}, SALE), "body.lines[0].debit"),
        (body({**CASH, "debit": "1E+20"}, SALE), "body.lines[0].debit"),
        (body({**CASH, "debit": "1E-12"}, SALE), "body.lines[0].debit"),
        (body({"account": None, "debit": "1"}, SALE), "body.lines[0].account"),
        (body({"account": ["1"], "debit": "1"}, SALE), "body.lines[0].account"),
        (body({"account": "1\0", "debit": "1"}, SALE), "body.lines[0].account"),
        (body(CASH, SALE, revision="2"), "revision"),
        (body(CASH, SALE, revision=-1), "revision"),
        (body(CASH, SALE, currency=7.5), "currency"),
    ],
)
def test_a_body_that_is_no_document_names_the_field(document: dict[str, Any], path: str) -> None:
    """Nothing is guessed, and no float is money."""
    error = refused(document)
    assert (error.code, error.path) == ("TW-4150", path)


def test_a_key_that_no_database_searches_for_is_refused() -> None:
    """It would take the other documents of its call with it."""
    with pytest.raises(Permanent) as found:
        move_of("k\0", body(CASH, SALE), "REV")
    assert found.value.path == "key"


def test_a_revision_is_part_of_the_description_and_of_nothing_else() -> None:
    """The description tells key and revision; a reversal belongs to no revision."""
    move = move_of("k/1", body(CASH, SALE, revision=3), "REV")
    assert move.description == "k/1 revision 3"
    assert revision_of("k/1 revision 3", "k/1") == 3
    assert revision_of("k/1", "k/1") == 0
    assert revision_of("k/1 revision 3 reversal", "k/1") is None
    assert revision_of("k/11", "k/1") is None

"""The general ledger of the stand-in ERP: strict about what it books, and it tells all of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tillway.simulator.erp_moods import ControlRequest, Mood
from tillway.simulator.erp_posting_books import PostingBooks
from tillway.simulator.erp_postings import REPORT_COLUMNS, PostingDesk

DAY = "0001:2026-11-20:store_day:EUR:0"
BACK = "0001:2026-11-20:reversal:EUR:1"
LINES = [
    {"type": "sales", "amount": "-10.00", "tax_rate": "8", "group": "FOOD"},
    {"type": "tax", "amount": "-0.80", "tax_rate": "8"},
    {"type": "tender", "amount": "9.80", "tender": "cash"},
    {"type": "over_short", "amount": "1.00"},
]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PostingDesk]:
    """Give a ledger with nothing in it."""
    books = PostingBooks(tmp_path / "postings.db")
    yield PostingDesk(books)
    books.close()


def day(**changes: Any) -> dict[str, Any]:
    """Return a posting of 10.80, the till one short."""
    asked = {
        "posting_key": DAY,
        "posting_type": "store_day",
        "store": "0001",
        "business_date": "2026-11-20",
        "currency": "EUR",
        "amount": "10.80",
        "lines": LINES,
    }
    return {**asked, **changes}


def back(**changes: Any) -> dict[str, Any]:
    """Return what takes it back."""
    lines = [{**line, "amount": str(-Decimal(line["amount"]))} for line in LINES]
    asked = {
        "posting_key": BACK,
        "posting_type": "reversal",
        "reverses": DAY,
        "amount": "-10.80",
        "lines": lines,
    }
    return day(**{**asked, **changes})


def post(desk: PostingDesk, asked: dict[str, Any], mood: Mood | None = None) -> tuple[int, Any]:
    """Post it."""
    key = f"hub/posting.requested/ledger:{asked['posting_key']}"
    body = json.dumps(asked).encode()
    return desk.answer("POST", "/postings", {}, key, body, mood or Mood())


def get(desk: PostingDesk, path: str, **query: str) -> Any:
    """Ask for something that is there."""
    status, value = desk.answer("GET", path, query, "", b"", Mood())
    assert status == 200
    return value


def told(report: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Return key, amount and version of each row of a report."""
    return [(row["posting_key"], row["amount"], row["version"]) for row in report["postings"]]


def test_a_posting_is_booked_once_by_its_key(desk: PostingDesk) -> None:
    """The same again is repeated, other content is a conflict; both keys find it."""
    assert post(desk, day()) == (201, {"posting_key": DAY, "reference": "GL-00000001"})
    assert post(desk, day())[1]["repeated"] is True
    assert post(desk, day(store="0002"))[0] == 409
    for key in (DAY, f"hub/posting.requested/ledger:{DAY}"):
        assert get(desk, f"/postings/{key}")["reference"] == "GL-00000001"
    assert desk.answer("GET", "/postings/none", {}, "", b"", Mood())[0] == 404
    assert len(get(desk, "/postings")) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"lines": LINES[:3]}, "the lines add up to -100 and not to 0 minor units"),
        ({"lines": []}, "lines is empty"),
        ({"amount": "9.80"}, "tender and over/short lines come to 1080, the amount is 980"),
        ({"lines": [{**LINES[2], "tender": "shells"}]}, 'no account for tender "shells"'),
        ({"amount": "10.805"}, "10.805"),
        ({"reverses": BACK}, "a store_day takes nothing back"),
        ({"posting_type": "guess"}, "not a posting"),
    ],
)
def test_what_breaks_a_rule_is_refused(
    desk: PostingDesk, changes: dict[str, Any], problem: str
) -> None:
    """Nothing is booked, and the answer says which rule."""
    status, answer = post(desk, day(**changes))
    assert status == 422
    assert problem in answer["error"]
    assert (desk.refused, desk.books.report()) == (1, [])


def test_a_reversal_takes_back_exactly_what_is_booked_and_once(desk: PostingDesk) -> None:
    """Not before it is booked, not other lines, not a second time under another key."""
    assert "no posting" in post(desk, back())[1]["error"]
    assert "names no posting" in post(desk, back(reverses=None))[1]["error"]
    post(desk, day())
    other = [{**line, "amount": "0.00"} for line in LINES]
    assert "other sign" in post(desk, back(lines=other, amount="0.00"))[1]["error"]
    assert post(desk, back())[0] == 201
    assert post(desk, back())[0] == 200
    again = post(desk, back(posting_key="0001:2026-11-20:reversal:EUR:2"))
    assert "was taken back as GL-00000002 already" in again[1]["error"]
    assert sum(one.minor for one in desk.books.report()) == 0


def test_a_mood_refuses_on_purpose(desk: PostingDesk) -> None:
    """Everything, one key, or one tender; and a call without a key never counts."""
    moods = (
        ControlRequest(mode="reject"),
        ControlRequest(reject_keys=[DAY]),
        ControlRequest(reject_tender_types=["cash"]),
    )
    for change in moods:
        mood = Mood()
        mood.change(change)
        assert post(desk, day(), mood)[0] == 422
    assert desk.answer("POST", "/postings", {}, "", b"{}", Mood())[0] == 422


def test_the_report_goes_on_after_its_cursor_and_tells_changes_again(desk: PostingDesk) -> None:
    """Page by page in order of change; what is altered comes once more with a higher version."""
    post(desk, day())
    post(desk, back())
    first = get(desk, "/postings/report", limit="1")
    assert told(first) == [(DAY, "10.80", 1)]
    second = get(desk, "/postings/report", after=first["next"])
    assert told(second) == [(BACK, "-10.80", 1)]
    end = get(desk, "/postings/report", after=second["next"])
    assert end == {"postings": [], "next": second["next"]}
    alter(desk, "change", "10.79")
    alter(desk, "double")
    altered = get(desk, "/postings/report", after=second["next"])
    assert told(altered) == [(DAY, "10.79", 2), (DAY, "10.79", 1)]
    alter(desk, "remove")
    numbers = [row["document_number"] for row in get(desk, "/postings/report")["postings"]]
    assert numbers == ["GL-00000002", "GL-00000003"]


def test_the_report_file_holds_a_day(desk: PostingDesk) -> None:
    """One row for each document of that business date, or of all."""
    post(desk, day())
    post(desk, day(posting_key="b", business_date="2026-11-21"))
    for query, count in (({"business_date": "2026-11-20"}, 1), ({}, 2)):
        rows = list(
            csv.DictReader(io.StringIO(get(desk, "/postings/report.csv", **query).decode()))
        )
        assert len(rows) == count
        assert tuple(rows[0]) == REPORT_COLUMNS
        assert (rows[0]["posting_key"], rows[0]["amount"]) == (DAY, "10.80")


def test_what_was_booked_is_there_after_a_restart(tmp_path: Path, desk: PostingDesk) -> None:
    """The ledger is its file."""
    post(desk, day())
    again = PostingBooks(tmp_path / "postings.db")
    assert PostingDesk(again).answer("GET", f"/postings/{DAY}", {}, "", b"", Mood())[0] == 200
    again.close()


def test_an_alteration_that_makes_no_sense_is_refused(desk: PostingDesk) -> None:
    """No such posting, no such change, no amount."""
    post(desk, day())
    for body, status in (
        ({"posting_key": "none", "do": "remove"}, 404),
        ({"posting_key": DAY, "do": "burn"}, 400),
        ({"posting_key": DAY, "do": "change", "amount": "ten"}, 400),
    ):
        answer = desk.answer("POST", "/postings/alter", {}, "", json.dumps(body).encode(), Mood())
        assert answer[0] == status


def alter(desk: PostingDesk, do: str, amount: str = "0") -> None:
    """Spoil the day."""
    body = json.dumps({"posting_key": DAY, "do": do, "amount": amount}).encode()
    assert desk.answer("POST", "/postings/alter", {}, "", body, Mood()) == (200, {"altered": True})

"""Reading posted moves back: everything once, the cursor only after the hub has it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tillway.clock import ManualClock, settle
from tillway.connect.http_client import HttpReply
from tillway.connect.kit import SourceContext
from tillway.connect.settings import settings_from
from tillway.connectors.tryton.settings import TrytonSourceSettings
from tillway.connectors.tryton.source import CURSOR, TrytonSource
from tillway.errors import JournalFault, Refused, TillwayError, Transient
from tillway.security import Secret
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState
from unit.connectors.scripted_tryton import FIRST_WRITTEN, PAGE, ScriptedTryton

NEVER = asyncio.Event()


@pytest.fixture
def books() -> ScriptedTryton:
    """Give the other side."""
    return ScriptedTryton()


@pytest.fixture
def state() -> MemoryState:
    """Give what the source remembers."""
    return MemoryState()


@pytest.fixture
def intake() -> FakeIntake:
    """Give the hub."""
    return FakeIntake()


def source(books: ScriptedTryton, state: MemoryState, **more: Any) -> TrytonSource:
    """Return a source over the ledger in memory."""
    values = {
        "url": "http://tryton.test",
        "database": "books",
        "user": "tillway",
        "password": Secret("pass-of-the-books"),
        "page_size": 3,
        **more,
    }
    settings = settings_from(TrytonSourceSettings, values, "test")
    context = SourceContext("books", ManualClock(), state, ".", hints=MemoryHints())
    return TrytonSource(settings, context, books)


def post(books: ScriptedTryton, *descriptions: str, amount: str = "12.50") -> None:
    """Put posted moves into the ledger."""
    value, nothing = Decimal(amount), Decimal(0)
    lines = [
        {"account": 35, "debit": value, "credit": nothing, "description": "tender cash"},
        {"account": 99, "debit": nothing, "credit": value, "description": None},
    ]
    for text in descriptions:
        values = {
            "company": 1,
            "date": FIRST_WRITTEN.date(),
            "description": text,
            "lines": [["create", lines]],
        }
        books._post(books._create([values]))


def records(intake: FakeIntake) -> list[dict[str, Any]]:
    """Return every record that was handed over."""
    return [msgspec.json.decode(line) for body in intake.bodies for line in body.splitlines()]


def numbers(intake: FakeIntake) -> list[str]:
    """Return the numbers of the moves that were handed over."""
    return [record["number"] for record in records(intake)]


async def test_every_posted_move_is_handed_over_once(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Page after page, and later only what is new; drafts are no postings."""
    post(books, *(f"northgate/9:31:2026-11-20:{number}" for number in range(7)))
    books._create([{**books.moves[1], "lines": [["create", []]]}])
    reader = source(books, state)
    await reader.look(intake, NEVER)
    assert numbers(intake) == [str(number) for number in range(1, 8)]
    await reader.look(intake, NEVER)
    post(books, "northgate/9:31:2026-11-20:8")
    await reader.look(intake, NEVER)
    assert numbers(intake) == [str(number) for number in range(1, 9)]


async def test_a_record_says_what_the_ledger_holds(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Amounts are text, the parts of our key stand ready, the tenders are added up."""
    post(books, "northgate/9:31:2026-11-20:7 revision 2", "rent")
    books.moves[2]["lines."][0]["description"] = None
    books.moves[2]["origin"] = "account.move,1"
    await source(books, state).look(intake, NEVER)
    ours, other = records(intake)
    assert ours["key_parts"] == ["9", "31", "2026-11-20", "7"]
    assert (ours["tendered"], ours["debit"], ours["currency"]) == ("12.50", "12.50", "USD")
    assert (ours["date"], ours["created_at"]) == ("2026-11-20", "2026-11-20T08:00:01+00:00")
    assert ours["lines"][0] == {
        "account": "1.1.1",
        "debit": "12.50",
        "credit": "0",
        "description": "tender cash",
    }
    assert (other["key_parts"], other["reverses"], "tendered" in other) == ([], 1, False)


async def test_the_place_is_remembered_after_the_hub_has_it(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """A hub that refuses, or cuts off, is offered the same moves again."""
    post(books, "a/1:1:1:1", "a/1:1:1:2")
    reader = source(books, state)
    intake.refusal = Refused("TW-2020", "stopping", status=503)
    with pytest.raises(Refused):
        await reader.look(intake, NEVER)
    assert state.values == {}
    intake.refusal = None
    await reader.look(intake, NEVER)
    assert intake.counts == {"accepted": 2}
    assert CURSOR in state.values


async def test_a_new_process_goes_on_where_the_last_one_stopped(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """It looks a little before the place, so the last moves come again and are duplicates."""
    post(books, *(f"a/1:1:1:{number}" for number in range(5)))
    await source(books, state).look(intake, NEVER)
    post(books, "a/1:1:1:5")
    await source(books, state, overlap_seconds=2).look(intake, NEVER)
    assert intake.counts == {"accepted": 6, "duplicate": 3}


async def test_a_move_that_was_written_late_is_seen(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """A slow transaction shows its moves after later ones; the overlap finds them."""
    post(books, "a/1:1:1:1", "a/1:1:1:2", "a/1:1:1:3")
    late = books.moves[1]
    late["state"] = "draft"
    reader = source(books, state)
    await reader.look(intake, NEVER)
    late["state"] = "posted"
    await reader.look(intake, NEVER)
    assert numbers(intake) == ["2", "3", "1"]


async def test_without_an_overlap_the_late_move_is_lost(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Positive control: it is the overlap that finds it."""
    post(books, "a/1:1:1:1", "a/1:1:1:2", "a/1:1:1:3")
    books.moves[1]["state"] = "draft"
    reader = source(books, state, overlap_seconds=0)
    await reader.look(intake, NEVER)
    books.moves[1]["state"] = "posted"
    await reader.look(intake, NEVER)
    assert numbers(intake) == ["2", "3"]


async def test_many_moves_of_one_moment_are_all_read(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Posted in one call they share a time; the id tells them apart from page to page."""
    post(books, *(f"a/1:1:1:{number}" for number in range(10)))
    for move in books.moves.values():
        move["write_date"] = FIRST_WRITTEN + timedelta(seconds=1)
    await source(books, state).look(intake, NEVER)
    assert intake.counts == {"accepted": 10}


async def test_only_moves_with_the_prefix_are_read(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """One of several hubs may read its own moves alone."""
    post(books, "north_gate/1:1:1:1", "northXgate/1:1:1:2", "rent")
    await source(books, state, prefix="north_gate/").look(intake, NEVER)
    assert numbers(intake) == ["1"]


@pytest.mark.parametrize("away", [HttpReply(503, {}, b""), HttpReply(200, {}, PAGE)])
async def test_a_tryton_that_is_away_only_makes_the_next_look_come_later(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake, away: HttpReply
) -> None:
    """The run goes on, and reads everything when it is back."""
    post(books, "a/1:1:1:1")
    books.script["search_read"] = [away]
    reader, stop = source(books, state, poll_seconds=5.0), asyncio.Event()
    clock = reader._context.clock
    assert isinstance(clock, ManualClock)
    run = asyncio.create_task(reader.run(intake, stop))
    await settle()
    assert intake.counts == {}
    await clock.advance(5.0)
    assert intake.counts == {"accepted": 1}
    stop.set()
    await run
    assert books.closed == 1


async def test_a_journal_that_fails_ends_the_run(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Nothing more is read into a hub that must leave."""
    post(books, "a/1:1:1:1")
    intake.bug = JournalFault("TW-5001", "the disk is gone")
    with pytest.raises(JournalFault):
        await source(books, state).run(intake, asyncio.Event())


async def test_a_cut_off_hand_over_is_repeated(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake, monkeypatch: Any
) -> None:
    """What the hub did not take whole is not passed."""
    post(books, "a/1:1:1:1")
    submit = intake.submit

    async def cut(submission: Any, *, keep_items: bool = True) -> Any:
        result = await submit(submission, keep_items=keep_items)
        result.complete = False
        return result

    monkeypatch.setattr(intake, "submit", cut)
    with pytest.raises(Transient):
        await source(books, state).look(intake, NEVER)
    assert state.values == {}


async def test_ping_tells_what_stands_in_the_way(books: ScriptedTryton, state: MemoryState) -> None:
    """Nothing listens at the address of these settings."""
    with pytest.raises(TillwayError) as away:
        await source(books, state, url="http://127.0.0.1:9").ping()
    assert away.value.code == "TW-4101"


async def test_a_posting_is_told_with_its_day_its_amount_and_what_it_takes_back(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Tender and over/short lines make the amount; the revision is when Tryton last wrote it."""
    key, back = "0001:2026-11-19:store_day:USD:0", "0001:2026-11-19:reversal:USD:1"
    post(books, key, back, "0001:2:2026-11-20:17:e2")
    zero, short = Decimal(0), Decimal("0.75")
    books.moves[1]["lines."].append(
        {"account": 99, "debit": short, "credit": zero, "description": "over_short"}
    )
    for line in books.moves[2]["lines."]:
        line["description"] = f"{line['description'] or ''}, reverses {key}"
    await source(books, state).look(intake, NEVER)
    day, reversal, receipt = records(intake)
    assert (day["store"], day["business_date"], day["tendered"]) == ("0001", "2026-11-19", "13.25")
    assert (day["reverses_key"], reversal["reverses_key"]) == ("", key)
    assert reversal["tendered"] == "12.50"
    assert (receipt["store"], receipt["business_date"]) == ("0001", "2026-11-20")
    seconds = int(FIRST_WRITTEN.timestamp())
    assert [one["revision"] // 1_000_000 - seconds for one in records(intake)] == [1, 2, 3]


async def test_what_tryton_wrote_again_is_a_new_revision(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """The same document with a later time of writing is handed over again, with a higher number."""
    post(books, "0001:2026-11-20:store_day:USD:0")
    reader = source(books, state)
    await reader.look(intake, NEVER)
    books.moves[1]["write_date"] += timedelta(seconds=9)
    await reader.look(intake, NEVER)
    first, second = records(intake)
    assert (first["number"], second["number"]) == ("1", "1")
    assert second["revision"] - first["revision"] == 9_000_000


async def test_another_day_to_begin_at_reads_again(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """Moves before the day are left out, and each day to begin at has a place of its own."""
    post(books, "a", "b")
    books.moves[1]["date"] -= timedelta(days=1)
    since = FIRST_WRITTEN.date().isoformat()
    await source(books, state).look(intake, NEVER)
    await source(books, state, since=since).look(intake, NEVER)
    await source(books, state, since=since).look(intake, NEVER)
    assert numbers(intake) == ["1", "2", "2", "2"]
    assert sorted(state.values) == [CURSOR, f"{CURSOR} since {since}"]


async def test_only_our_keys_can_be_asked_for(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """What carries no business date in its description is no posting of ours."""
    post(books, "rent", "0001:2026-11-20:store_day:USD:0", "northgate/0001:2:2026-11-20:17", "a:b")
    await source(books, state, only_our_keys=True).look(intake, NEVER)
    assert numbers(intake) == ["2", "3"]


async def test_what_a_person_cancelled_in_tryton_is_no_second_document_of_the_key(
    books: ScriptedTryton, state: MemoryState, intake: FakeIntake
) -> None:
    """The copy tells what it takes back and claims no key; a reversal of the hub keeps its own."""
    key = "0001:2026-11-20:store_day:USD:0"
    post(books, key, key, "square/order.sale/o_1 revision 2 reversal")
    for id_ in (2, 3):
        books.moves[id_]["origin"] = "account.move,1"
    await source(books, state).look(intake, NEVER)
    told = [(one["key"], one["reverses"], one["reverses_key"]) for one in records(intake)]
    own = "square/order.sale/o_1 revision 2 reversal"
    assert told == [(key, 0, ""), ("", 1, key), (own, 1, "")]

"""The life of a store-day in the books: what moves it, what it says, and what a restart forgets."""

from __future__ import annotations

from datetime import date, time

import pytest

from tillway.journal.projection import Change
from tillway.project.records import PostingSetting
from tillway.reconcile.bookkeeper import Bookkeeper
from tillway.reconcile.desk import Decision, Desk
from unit.reconcile.books import Books, close, count, later, no_sale, pickup, receipt
from unit.reconcile.days import DAY, STORE

TILL, CLOSED = "till.settled", "business_day.closed"
NEXT = "2026-11-21"


def totals_of(*numbers: int) -> object:
    """Return the close of a day whose receipts are example sales, of numbers first to last."""
    plain = close(totals=None, tenders=())
    [register] = plain.workstations
    told = later(
        register,
        first_sequence=min(numbers),
        last_sequence=max(numbers),
        transaction_count=len(numbers),
    )
    return later(plain, workstations=(told,))


async def test_a_day_is_there_before_anything_arrives() -> None:
    """Created from the calendar and open; without data by the cut-off it is an exception."""
    books = Books(CLOSED)
    day = (await books.caught_up()).day
    assert (day.state, day.messages) == ("open", 0)
    await books.clock.advance(12 * 3600)
    day = (await books.caught_up()).day
    assert day.state == "exceptions"
    assert list(await books.open_findings()) == [("STORE_DAY_NO_DATA", "")]


@pytest.mark.parametrize(
    "calendar",
    [
        {"closed": {"": frozenset({date(2026, 11, 20)})}},
        {"weekdays_closed": {STORE: frozenset({4})}},
    ],
)
async def test_a_day_the_shop_is_closed_is_not_missed(calendar: dict[str, object]) -> None:
    """By date for all shops, or by weekday for one; it is not created either."""
    books = Books(CLOSED, **calendar)
    await books.keeper.catch_up()
    assert await books.journal.ask(
        "SELECT count(*) FROM recon_day WHERE business_date = ?", (DAY,)
    ) == [(0,)]
    await books.take(receipt(1))
    assert (await books.caught_up()).day.state == "receiving"


async def test_from_receiving_to_approved() -> None:
    """The history says each step and who took it."""
    books = Books(CLOSED, approve="person")
    await books.take(receipt(1), no_sale(2))
    assert (await books.caught_up()).day.state == "receiving"
    await books.take(totals_of(1, 2))
    entry = await books.caught_up()
    assert entry.day.state == "balanced"
    await Desk(books.keeper).approve(STORE, DAY, Decision("ann", "looked at it", 9))
    assert [step for step in await books.moves(entry) if step[1] != "ann"] == [
        ("receiving", "hub"),
        ("complete", "hub"),
        ("balanced", "hub"),
    ]
    assert (await books.moves(entry))[-1] == ("approved", "ann")


async def test_the_cut_off_may_differ_by_shop() -> None:
    """A shop that closes late has until its own hour."""
    books = Books(CLOSED, cut_offs={STORE: time(8)})
    await books.take(receipt(1))
    await books.clock.advance(8 * 3600)
    assert (await books.caught_up()).day.state == "receiving"
    await books.clock.advance(2 * 3600)
    assert (await books.caught_up()).day.state == "exceptions"


async def test_a_late_message_opens_an_approved_day_again() -> None:
    """It counts, it is told, and whoever released the day has to look again."""
    books = Books(CLOSED, approve="person")
    await books.take(receipt(1), totals_of(1))
    await books.caught_up()
    await Desk(books.keeper).approve(STORE, DAY, Decision("ann", "fine", 9))
    await books.take(receipt(3))
    entry = await books.caught_up()
    assert (entry.day.state, entry.day.approved_by) == ("receiving", "")
    found = await books.open_findings()
    assert ("LATE_TRANSACTION", f"{STORE}:03:{DAY}:3") in found
    assert ("SEQ_GAP", "03:2") in found


async def test_audited_anew_a_late_message_stays_late() -> None:
    """Whether it was late is known when it arrives and kept with it."""
    books = Books(CLOSED)
    await books.take(receipt(1), totals_of(1), receipt(2))
    await books.caught_up()
    before = await books.open_findings()
    desk = Desk(books.keeper)
    days = [day async for day in desk.rerun(DAY, DAY, STORE, Decision("ann", "again", 9))]
    assert [day.business_date for day in days] == [DAY]
    after = await books.open_findings()
    assert after.keys() == before.keys()
    assert ("LATE_TRANSACTION", f"{STORE}:03:{DAY}:2") in after


async def test_nothing_to_audit_before_a_hub_ran_is_no_fault() -> None:
    """The books make their tables first; the wish is recorded all the same."""
    books = Books(CLOSED)
    desk = Desk(books.keeper)
    assert [day async for day in desk.rerun(DAY, DAY, STORE, Decision("ann", "again", 9))] == []
    assert [one.verb for one in await books.journal.actions(9)] == ["recon.run"]


@pytest.mark.parametrize("under", [DAY, NEXT])
async def test_a_gap_goes_when_its_number_comes(under: str) -> None:
    """Under its own date or misdated by one; nobody has to close it."""
    books = Books()
    await books.take(receipt(1), receipt(3), receipt(4, day=NEXT))
    entry = await books.caught_up()
    assert entry.day.gaps == 1
    assert list(await books.open_findings()) == [("SEQ_GAP", "03:2")]
    await books.clock.advance(12 * 3600)
    await books.take(receipt(2, day=under))
    entry = await books.caught_up()
    assert entry.day.gaps == 0
    assert ("SEQ_GAP", "03:2") not in await books.open_findings()
    known = await books.keeper.log.known(STORE, DAY)
    assert known["SEQ_GAP", "03:2"].state == "gone"


async def test_a_gap_between_two_days_goes_when_the_evening_comes_late() -> None:
    """It is listed in the morning that begins too high, and the evening before fills it."""
    books = Books()
    await books.take(receipt(1), receipt(4, day=NEXT))
    await books.caught_up()
    assert set(await books.open_findings(NEXT)) >= {("SEQ_GAP", "03:2"), ("SEQ_GAP", "03:3")}
    await books.take(receipt(2), receipt(3))
    await books.caught_up()
    assert not [rule for rule, _ in await books.open_findings(NEXT) if rule == "SEQ_GAP"]
    assert not [rule for rule, _ in await books.open_findings() if rule == "SEQ_GAP"]


async def test_one_number_under_two_dates_is_told_on_both() -> None:
    """Whichever comes last, both days say it."""
    books = Books()
    await books.take(receipt(1), receipt(2), receipt(3, day=NEXT))
    await books.caught_up()
    await books.take(receipt(2, day=NEXT))
    await books.caught_up()
    for day in (DAY, NEXT):
        assert ("SEQ_DUPLICATE", "03:2") in await books.open_findings(day)


async def test_a_person_accounts_for_a_missing_number() -> None:
    """The day is whole without it; the number stays on record with reason and name."""
    books = Books(CLOSED, approve="person")
    await books.take(receipt(1), receipt(3), totals_of(1, 2, 3))
    assert (await books.caught_up()).day.gaps == 1
    decision = Decision("ann", "paper torn", 9)
    await Desk(books.keeper).override(STORE, DAY, [("SEQ_GAP", "03:2")], decision)
    entry = await books.caught_up()
    assert (entry.day.state, entry.day.gaps) == ("balanced", 0)
    known = await books.keeper.log.known(STORE, DAY)
    found = known["SEQ_GAP", "03:2"]
    assert (found.state, found.decided_by, found.reason) == ("overridden", "ann", "paper torn")


async def test_a_young_gap_of_a_live_feed_holds_the_day() -> None:
    """A close with a hole before it is not whole; after a minute the hole is told."""
    books = Books(CLOSED, connector="http")
    await books.take(
        receipt(1), receipt(3), later(close(), workstations=(), totals=None, tenders=())
    )
    entry = await books.caught_up()
    assert (entry.day.state, await books.open_findings()) == ("receiving", {})
    await books.clock.advance(61)
    entry = await books.caught_up()
    assert list(await books.open_findings()) == [("SEQ_GAP", "03:2")]
    assert entry.day.state == "receiving"


async def test_tills_and_movements_are_balanced_through_the_books() -> None:
    """The example till holds 0.30 too little by its own words, and it says what it sold wrongly."""
    books = Books(TILL)
    await books.take(receipt(1), pickup(2), later(count(), till_id="03"))
    await books.caught_up()
    found = await books.open_findings()
    assert found["OVER_SHORT", "till 03"].difference == "-0.30"
    assert found["TOTALS_MISMATCH", "till 03"].severity == "error"


async def test_a_shop_nobody_knows_is_kept_and_told() -> None:
    """Its day exists, adds up and waits."""
    books = Books()
    await books.take(receipt(1, business_unit_id="9999"))
    entry = await books.caught_up("9999")
    assert str(entry.book.sums["EUR"].grand) == "17.48"
    known = await books.keeper.log.known("9999", DAY)
    assert ("UNKNOWN_STORE", "") in known


async def test_a_restart_between_reading_and_judging_loses_nothing() -> None:
    """What was read and not yet judged is judged by whoever comes next."""
    books = Books()
    await books.take(receipt(1), receipt(3))
    assert await books.keeper.step()
    books.restart()
    entry = await books.caught_up()
    assert (entry.day.messages, entry.day.gaps) == (2, 1)


async def test_a_failed_commit_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is remembered, and nothing counts twice."""
    books = Books()
    await books.take(receipt(1), receipt(2))
    project = books.journal.project

    async def fail(_change: Change) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(books.journal, "project", fail)
    with pytest.raises(OSError, match="disk full"):
        await books.keeper.step()
    monkeypatch.setattr(books.journal, "project", project)
    entry = await books.caught_up()
    assert entry.book.messages == 2
    assert str(entry.book.sums["EUR"].grand) == "34.96"
    assert isinstance(books.keeper, Bookkeeper)


async def test_what_the_bank_says_later_shows_on_the_day_and_holds_nothing() -> None:
    """A finding about another system comes without a message of the day; explained, it goes."""
    books = Books(CLOSED)
    await books.take(receipt(1), no_sale(2), totals_of(1, 2))
    before = (await books.caught_up()).day.state
    log, rule = books.keeper.log, "DEPOSIT_MISMATCH"
    for found in (books.keeper.judge.finding(rule, STORE, DAY, subject="bag 1"), []):
        change = Change()
        await log.report(STORE, DAY, (rule,), found, 1, change, subject="bag 1")
        await books.journal.project(change)
        day = (await books.caught_up()).day
        assert (day.state, day.findings) == (before, len(found))


async def test_what_another_system_says_of_an_unknown_day_makes_no_day() -> None:
    """Its finding stays on record by itself."""
    books = Books(CLOSED)
    await books.take(receipt(1))
    await books.caught_up()
    days = await books.journal.ask("SELECT count(*) FROM recon_day")
    change, rule = Change(), "MISSING_IN_HUB"
    found = books.keeper.judge.finding(rule, "", "", subject="FAKE/1")
    await books.keeper.log.report("", "", (rule,), found, 1, change, subject="FAKE/1")
    await books.journal.project(change)
    await books.keeper.catch_up()
    assert await books.journal.ask("SELECT count(*) FROM recon_day") == days


async def test_a_currency_nobody_knows_is_posted_as_it_was_told() -> None:
    """It holds its day as a finding; accounted for by a person, it stops nothing."""
    books = Books(CLOSED, posting=PostingSetting(mode="store_day", erp="ledger"))
    await books.take(receipt(1, currency="ZZZ"), totals_of(1))
    entry = await books.caught_up()
    assert entry.day.state == "exceptions"
    standing = [key for key, one in (await books.open_findings()).items() if one.blocks]
    assert "CURRENCY_UNKNOWN" in {rule for rule, _ in standing}
    await Desk(books.keeper).override(STORE, DAY, standing, Decision("ann", "a voucher", 9))
    await books.keeper.catch_up()
    postings = await books.journal.ask("SELECT currency, state FROM recon_posting")
    assert ("ZZZ", "said") in postings

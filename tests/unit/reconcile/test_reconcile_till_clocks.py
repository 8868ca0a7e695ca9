"""The clocks of tills: what shows that one is ahead or behind, and what shows nothing."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.clock import MICROSECONDS
from tillway.reconcile.till_clocks import FORGOTTEN_AFTER, HALF_HOUR, TillClock, till_clocks
from unit.reconcile.books import EVENING, Books, receipt
from unit.reconcile.days import STORE

NOW = round(EVENING.timestamp())
MINUTE = 60


def told(*offsets: int, every: int = MINUTE) -> TillClock:
    """Return what is known of a till whose messages came so often and said these offsets."""
    clock = TillClock(STORE, "03")
    for number, offset in enumerate(offsets):
        at = NOW + number * every
        clock.hear(at + offset, at * MICROSECONDS)
    return clock


def test_a_message_from_the_future_shows_a_clock_that_is_ahead() -> None:
    """At once, and the largest counts: no message comes before it happened."""
    assert told(12 * MINUTE).offset_seconds == 12 * MINUTE
    assert told(12 * MINUTE, 2, 14 * MINUTE, -90).offset_seconds == 14 * MINUTE


def test_messages_that_come_late_show_nothing_until_half_an_hour_of_them_did() -> None:
    """A shop that was offline sends late too; a single quick message clears the till."""
    assert told(*[-8 * MINUTE] * 30).offset_seconds == 0
    assert told(*[-8 * MINUTE] * 31).offset_seconds == -8 * MINUTE
    assert told(*[-8 * MINUTE] * 30, -3).offset_seconds == -3


def test_a_day_loaded_from_history_tells_nothing_of_a_clock() -> None:
    """What is half a day old when it comes is not compared."""
    assert told(*[-20 * 3600] * 60) == TillClock(STORE, "03")


def test_a_clock_that_was_set_right_is_known_within_an_hour_and_a_half() -> None:
    """The hour with wrong messages ends, and half an hour of right ones follows."""
    wrong, right = [12 * MINUTE] * 10, [-2] * 90
    assert told(*wrong, *right[:40]).offset_seconds == 12 * MINUTE
    assert told(*wrong, *right).offset_seconds == -2


@given(st.lists(st.integers(0, 3600), min_size=1, max_size=80), st.integers(-3600, 3600))
@settings(deadline=None)
def test_no_clock_is_told_worse_than_its_quickest_message(delays: list[int], off: int) -> None:
    """However late messages come: ahead never by more than it is, behind never without reason."""
    clock = told(*(off - delay for delay in delays))
    known = clock.offset_seconds
    if known > 0:
        assert known <= off
    else:
        assert known == 0 or (known <= off and len(delays) * MINUTE * MICROSECONDS > HALF_HOUR)


async def test_the_books_keep_the_clock_of_every_till() -> None:
    """Once a minute, over a restart, for each till; what is gone for a month is forgotten."""
    books = Books()
    ahead = EVENING + timedelta(minutes=20)
    await books.take(receipt(1, end_at=ahead), receipt(2, end_at=EVENING, workstation_id="04"))
    await books.caught_up()
    found = {one.workstation: one.offset_seconds for one in await till_clocks(books.journal)}
    assert found == {"03": 20 * MINUTE, "04": 0}

    books.restart()
    await books.clock.advance(5)
    await books.take(receipt(3, end_at=ahead + timedelta(hours=1)))
    await books.caught_up()
    [first, _] = await till_clocks(books.journal)
    assert first.offset_seconds == 80 * MINUTE - 5, "it went on from what was kept"

    await books.clock.advance(FORGOTTEN_AFTER / MICROSECONDS + 60)
    await books.take(receipt(4))
    await books.caught_up()
    assert [one.workstation for one in await till_clocks(books.journal)] == []


async def test_a_journal_of_an_older_version_knows_no_clocks() -> None:
    """A command that reads beside it, before its hub was started anew, finds nothing."""
    assert await till_clocks(Books().journal) == []

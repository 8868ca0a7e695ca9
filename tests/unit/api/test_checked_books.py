"""The books on a page: checked beside it, and shown as they were last where that takes long."""

from __future__ import annotations

import asyncio

import pytest

from operating_world import release
from tillway.api.checked_books import SHARE, WAIT_SECONDS, BooksSeen, CheckedBooks
from tillway.clock import ManualClock, settle
from tillway.errors import ConfigurationError
from tillway.journal.memory import MemoryJournal
from tillway.journal.queries import IntakeTotals
from tillway.testing.journal import candidate


class SlowJournal(MemoryJournal):
    """A journal whose books are read when it is let; fault is raised then."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.fault: Exception | None = None
        self.reads = 0

    async def intake_totals(self) -> IntakeTotals:
        """Wait, then read."""
        self.reads += 1
        await self.let.wait()
        if self.fault:
            raise self.fault
        return await super().intake_totals()


@pytest.fixture
async def journal() -> SlowJournal:
    """Two messages."""
    made = SlowJournal()
    await made.append([candidate(1), candidate(3)])
    return made


@pytest.fixture
def clock() -> ManualClock:
    """Stands still until it is turned."""
    return ManualClock()


@pytest.fixture
def books(journal: SlowJournal, clock: ManualClock) -> CheckedBooks:
    """The books of the journal."""
    return CheckedBooks(journal, release(), clock)


async def looked(books: CheckedBooks, clock: ManualClock) -> BooksSeen:
    """Look while a check takes longer than a page waits."""
    task = asyncio.create_task(books.seen())
    await settle()
    await clock.advance(2 * WAIT_SECONDS)
    return await task


async def test_a_quick_check_is_waited_for_and_done_anew_each_time(
    books: CheckedBooks, journal: SlowJournal
) -> None:
    """What a small journal shows is how things stand now."""
    journal.let.set()
    found = await books.seen()
    assert found.books is not None
    assert found.books.balanced
    assert [gap.first for gap in found.gaps] == [2]
    await journal.append([candidate(2)])
    again = await books.seen()
    assert (again.gaps, again.running, journal.reads) == ([], False, 2)


async def test_a_slow_check_is_not_waited_for(
    books: CheckedBooks, journal: SlowJournal, clock: ManualClock
) -> None:
    """The page says that it runs; who looks later sees the result, and it ran once for both."""
    first = await looked(books, clock)
    assert (first.books, first.at, first.running) == (None, "", True)
    second = await looked(books, clock)
    assert (second.running, journal.reads) == (True, 1)
    journal.let.set()
    await settle()
    third = await books.seen()
    assert third.books is not None
    assert (third.running, third.at != "", journal.reads) == (False, True, 1)


async def test_a_slow_check_is_kept_for_a_while_and_shown_while_the_next_runs(
    books: CheckedBooks, journal: SlowJournal, clock: ManualClock
) -> None:
    """It takes a small share of the time, however often somebody looks."""
    await looked(books, clock)
    journal.let.set()
    await settle()
    kept = await books.seen()
    assert (await books.seen(), journal.reads) == (kept, 1)
    await clock.advance(SHARE * 3 * WAIT_SECONDS)
    journal.let.clear()
    old = await looked(books, clock)
    assert (old.books, old.at, old.running, journal.reads) == (kept.books, kept.at, True, 2)


async def test_books_that_cannot_be_had_say_why(books: CheckedBooks, journal: SlowJournal) -> None:
    """The reason stands where the books would, beside the gaps."""
    journal.let.set()
    journal.fault = ConfigurationError("TW-5102", "the journal is newer")
    found = await books.seen()
    assert (found.books, found.unsteady) == (None, "the journal is newer")
    assert found.at


async def test_a_fault_of_the_check_is_told_to_who_looks(
    books: CheckedBooks, journal: SlowJournal, clock: ManualClock
) -> None:
    """It is not shown as books without an end, and the next look checks anew."""
    await looked(books, clock)
    journal.fault = RuntimeError("a fault of the program")
    journal.let.set()
    await settle()
    with pytest.raises(RuntimeError, match="a fault of the program"):
        await books.seen()
    journal.fault = None
    assert (await books.seen()).books is not None

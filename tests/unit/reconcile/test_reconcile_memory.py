"""What stays in memory: a day that was audited anew leaves nothing behind, however many there are."""

from __future__ import annotations

import gc
from collections import Counter
from datetime import date, timedelta

import pytest

from tillway.reconcile import finding_log
from tillway.reconcile.day_book import DayBook
from tillway.reconcile.desk import Decision, Desk
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.shelf import Entry
from tillway.reconcile.store_day import StoreDay
from unit.reconcile.books import Books, receipt
from unit.reconcile.days import DAY, STORE

KINDS = (DayBook, Entry, Finding, StoreDay)
DAYS = [(date.fromisoformat(DAY) - timedelta(days=at)).isoformat() for at in range(8)]


def held() -> Counter[str]:
    """Return how many objects of each kind that is made for a day are alive."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KINDS))


async def books_of_many_days() -> Books:
    """Return books of days with a gap each and a tax that is wrong, kept by a new process."""
    books = Books(tax_rates={"DE": frozenset()})
    for day in DAYS:
        await books.take(receipt(1, day=day), receipt(3, day=day))
    await books.keeper.catch_up()
    books.restart()
    async with books.keeper.alone():
        return books


async def rerun(books: Books) -> list[str]:
    """Audit all days anew; return them."""
    decision = Decision("ann", "again", 9)
    return [
        day.business_date async for day in Desk(books.keeper).rerun(DAYS[-1], DAYS[0], "", decision)
    ]


async def test_days_audited_anew_leave_nothing_behind() -> None:
    """Neither a day, nor its book, nor a finding of it stays when it is done."""
    books = await books_of_many_days()
    before = held()
    assert await rerun(books) == sorted(DAYS)
    assert held() == before
    assert not books.keeper.log.touched()


async def test_what_was_in_memory_stays_there() -> None:
    """Audited anew or not; and without letting go, the books and findings of all days stay."""
    books = await books_of_many_days()
    entry = await books.keeper.shelf.entry(STORE, DAY)
    known = await books.keeper.log.known(STORE, DAY)
    await rerun(books)
    assert await books.keeper.shelf.entry(STORE, DAY) is entry
    assert await books.keeper.log.known(STORE, DAY) is known
    before = held()
    for day in DAYS:
        await books.keeper.shelf.entry(STORE, day)
        await books.keeper.log.known(STORE, day)
    assert held()["DayBook"] == before["DayBook"] + len(DAYS) - 1
    assert held()["Finding"] > before["Finding"]


async def test_findings_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their number and not by their days; the rest is read again when it is asked for."""
    books = await books_of_many_days()
    monkeypatch.setattr(finding_log, "FINDINGS_IN_MEMORY", 5)
    log = FindingLog(books.journal)
    found = [await log.known(STORE, day) for day in DAYS]
    assert sum(map(len, found)) > 5
    log.committed()
    newest = await log.known(STORE, DAYS[-1])
    assert newest is found[-1]
    oldest = await log.known(STORE, DAYS[0])
    assert oldest is not found[0]
    assert oldest == found[0]
    assert await log.knows(STORE, DAYS[0], "03:2")

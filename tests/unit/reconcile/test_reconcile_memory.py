"""What stays in memory: a day that was audited anew leaves nothing behind."""

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
from tillway.reconcile.waiting import Waiting
from unit.reconcile.books import Books, receipt
from unit.reconcile.days import DAY, STORE
from unit.reconcile.money_book import MoneyBook, entry, payment, payout, sale

KINDS = (DayBook, Entry, Finding, StoreDay)
DAYS = [(date.fromisoformat(DAY) - timedelta(days=at)).isoformat() for at in range(8)]


def held() -> Counter[str]:
    """Return how many objects of each kind that is made for a day are alive."""
    gc.collect()
    # What holds no other object is not among those the collector knows, but in one that is.
    known = gc.get_objects()
    alive = {id(one): one for one in (*known, *gc.get_referents(*known)) if isinstance(one, KINDS)}
    return Counter(type(one).__name__ for one in alive.values())


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
    day = await books.keeper.shelf.entry(STORE, DAY)
    known = await books.keeper.log.known(STORE, DAY)
    await rerun(books)
    assert await books.keeper.shelf.entry(STORE, DAY) is day
    assert await books.keeper.log.known(STORE, DAY) is known
    before = held()
    for one in DAYS:
        await books.keeper.shelf.entry(STORE, one)
        await books.keeper.log.known(STORE, one)
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
    assert "03:2" in await log.subjects(STORE, DAYS[0])


def test_payouts_that_found_their_tenders_leave_nothing_behind() -> None:
    """An entry waits under all its names until it has its tender, and then under none."""
    waiting = Waiting()
    waiting.add(1, ("P1", "", "order-1"))
    waiting.add(2, ("P2", "order-1"))
    waiting.add(1, ("capture-1",))
    assert (set(waiting.under("order-1")), set(waiting.under("capture-1"))) == ({1, 2}, {1})
    assert not waiting.under("")
    waiting.leave(1)
    assert (set(waiting.under("order-1")), len(waiting)) == ({2}, 1)
    for name in ("P1", "capture-1"):
        assert not waiting.under(name)
    waiting.leave(2)
    waiting.leave(2)
    assert len(waiting) == 0
    assert waiting._by_name == {}


async def test_what_a_payout_waits_for_is_forgotten_when_it_came() -> None:
    """Whatever names the messages about the payment gave it."""
    book = MoneyBook()
    told = [payout("PO1", entry("P1", "10"), entry("P2", "20")), payment("P1", "captured", "10")]
    await book.take(told)
    matching = book._fresh()
    await book._open(matching)
    assert len(matching._waiting) == 2
    await book._read(matching, [sale("P1", "10"), sale("P2", "20", 2)], 2)
    assert len(matching._waiting) == 0

"""A store-day from its first receipt to its balance: with the NCR file, and with one of our own.

The files hold a quarter of an hour without a day open or close, so the close is written here, with
the totals that the file's own receipts have.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from flows.test_flow_poslog_ncr import NCR, Story, story
from flows.turned_clock import TurnedClock
from flows.world import Running, World
from tillway.reconcile.day_book import DayBook
from tillway.reconcile.findings import Finding
from tillway.reconcile.shelf import Entry

__all__ = ["story"]
TRANSACTION = re.compile(rb"<Transaction>.*?</Transaction>", re.DOTALL)
HEAD = (
    '<?xml version="1.0"?><POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"'
    ' xmlns:acs="http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1">'
)


@dataclass(frozen=True, slots=True)
class Register:
    """One register of the close record."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Close:
    """What a close record declares."""

    store: str
    day: str
    registers: Mapping[str, Register]
    totals: Mapping[str, Decimal]
    tenders: Mapping[str, Decimal]


def day_of(story: Story) -> str:
    """Return the business date of a story's file."""
    return "2017-10-01" if story is NCR else "2026-03-14"


def afternoon(story: Story) -> TurnedClock:
    """Return a clock that shows the afternoon of the day."""
    return TurnedClock(f"{day_of(story)}T18:00:00-05:00")


def past_cut_off(story: Story) -> str:
    """Return a moment after the cut-off, the next morning."""
    date = day_of(story)
    return f"{date[:-2]}{int(date[-2:]) + 1:02d}T05:30:00-05:00"


def close_of(story: Story, book: DayBook) -> Close:
    """Return the close record a till would write that has the same day in its memory."""
    registers = {
        name: Register(one.numbers[0].first, one.numbers[0].last, len(one.numbers[0]))
        for name, one in book.registers.items()
    }
    sums = book.sums["USD"]
    names = ("Gross", "Discount", "Net", "Tax", "Grand")
    return Close(
        story.store,
        day_of(story),
        registers,
        {name: getattr(sums, name.lower()) for name in names},
        {kind: total.amount for kind, total in sums.tenders.items()},
    )


def poslog_of(close: Close) -> bytes:
    """Return the close record as POSLog; it takes the next number of the first register."""
    closing = min(close.registers)
    registers = dict(close.registers)
    one = registers[closing]
    registers[closing] = Register(one.first, one.last + 1, one.count + 1)
    summaries = "".join(
        f"<WorkstationSummary><WorkstationID>{name}</WorkstationID>"
        f"<OpenTransactionSequenceNumber>{one.first}</OpenTransactionSequenceNumber>"
        f"<LastTransactionSequenceNumber>{one.last}</LastTransactionSequenceNumber>"
        f"<TransactionCount>{one.count}</TransactionCount></WorkstationSummary>"
        for name, one in registers.items()
    )
    totals = "".join(f"<{name}>{amount}</{name}>" for name, amount in close.totals.items())
    totals += "".join(
        f"<TenderTotal><TenderType>{kind}</TenderType><Amount>{amount}</Amount></TenderTotal>"
        for kind, amount in close.tenders.items()
    )
    # One of the files trades past midnight, and a day is closed after its last receipt.
    moment = f"{close.day[:-2]}{int(close.day[-2:]) + 1:02d}T03:00:00"
    return (
        f"{HEAD}<Transaction><RetailStoreID>{close.store}</RetailStoreID>"
        f"<WorkstationID>{closing}</WorkstationID>"
        f"<SequenceNumber>{registers[closing].last}</SequenceNumber>"
        f"<BusinessDayDate>{close.day}</BusinessDayDate><EndDateTime>{moment}</EndDateTime>"
        f"<CurrencyCode>USD</CurrencyCode><ControlTransaction><BusinessEOD>"
        f"<EndDateTimestamp>{moment}</EndDateTimestamp>{summaries}</BusinessEOD>"
        f"<acs:DayTotals>{totals}</acs:DayTotals></ControlTransaction></Transaction></POSLog>"
    ).encode()


def prepared(world: World, story: Story) -> None:
    """List the shop; its tills are not counted in these files, and nothing is posted."""
    world.add_store(story.store, "northgate")
    recon = "recon/store-day.toml"
    world.replace(recon, "[rules.OVER_SHORT]", '[rules.MISSING_DECLARATION]\nseverity = "off"\n\n'
                  "[rules.OVER_SHORT]")  # fmt: skip
    world.replace(recon, "[tax_rates]", "[tax_rates]\n# of the files: stated roughly, not checked")
    world.replace(recon, 'US = ["0", "7", "9.25"]\n', "")


async def in_the_books(running: Running, story: Story) -> Entry:
    """Return the store-day once everything that was accepted is in the books."""
    books = running.hub.bookkeeper
    assert books is not None
    await books.catch_up()
    return await books.shelf.entry(story.store, day_of(story))


async def open_findings(running: Running, story: Story) -> dict[tuple[str, str], Finding]:
    """Return what is found and not gone: (rule, subject) -> finding."""
    books = running.hub.bookkeeper
    assert books is not None
    known = await books.log.known(story.store, day_of(story))
    return {key: one for key, one in known.items() if one.state == "open"}


async def test_it_is_receiving_until_it_is_closed_and_then_balanced(
    world: World, story: Story
) -> None:
    """The sums are those of the file, nothing is missing; the close with its totals balances it."""
    prepared(world, story)
    async with world.running(afternoon(story)) as running:
        await running.take("northgate", "day.xml", story.file.read_bytes())
        entry = await in_the_books(running, story)
        assert (entry.day.state, entry.day.gaps) == ("receiving", 0)
        assert await open_findings(running, story) == {}
        sums = entry.book.sums["USD"]
        cash = sums.tenders["cash"].amount
        assert (str(sums.grand), str(sums.tax), str(cash)) == (story.grand, story.tax, story.cash)
        card = sum(one.amount for kind, one in sums.tenders.items() if kind != "cash")
        assert str(card) == story.card
        assert entry.book.messages == story.receipts + story.controls
        close = poslog_of(close_of(story, entry.book))
        await running.take("northgate", "close.xml", close)
        entry = await in_the_books(running, story)
        assert await open_findings(running, story) == {}
        # A balanced day is released by policy in this project.
        assert entry.day.state == "approved"


async def test_without_a_close_it_is_an_exception_that_says_so(world: World, story: Story) -> None:
    """Past the cut-off a day that never closed is an exception, and nothing else is wrong."""
    prepared(world, story)
    clock = afternoon(story)
    async with world.running(clock) as running:
        await running.take("northgate", "day.xml", story.file.read_bytes())
        assert (await in_the_books(running, story)).day.state == "receiving"
        clock.turn_to(past_cut_off(story))
        assert (await in_the_books(running, story)).day.state == "exceptions"
        assert list(await open_findings(running, story)) == [("STORE_DAY_NOT_CLOSED", "")]


async def test_a_removed_transaction_is_exactly_the_number_that_is_missing(
    world: World, story: Story
) -> None:
    """Without one receipt its number is missing, and count and totals lack just that receipt."""
    prepared(world, story)
    content = story.file.read_bytes()
    close = await whole_day(world, story)
    lost = a_receipt_in_the_middle(content, close)
    async with world.running(afternoon(story)) as running:
        await running.take("northgate", "day.xml", content.replace(lost.text, b""))
        await in_the_books(running, story)
        gap = ("SEQ_GAP", f"{lost.workstation}:{lost.number}")
        assert list(await open_findings(running, story)) == [gap]
        await running.take("northgate", "close.xml", poslog_of(close))
        entry = await in_the_books(running, story)
        found = await open_findings(running, story)
        totals = ("TOTALS_MISMATCH", "day")
        assert set(found) == {gap, ("COUNT_MISMATCH", lost.workstation), totals}
        assert f"grand: declared {close.totals['Grand']}" in found[totals].detail
        assert entry.day.state == "receiving", "it may still arrive"


async def test_a_changed_tender_is_exactly_that_difference(world: World, story: Story) -> None:
    """With one tender declared a cent higher, the day differs by that cent and by nothing else."""
    prepared(world, story)
    close = await whole_day(world, story)
    tenders = {**close.tenders, "cash": close.tenders["cash"] + Decimal("0.01")}
    async with world.running(afternoon(story)) as running:
        await running.take("northgate", "day.xml", story.file.read_bytes())
        await running.take("northgate", "close.xml", poslog_of(replace(close, tenders=tenders)))
        entry = await in_the_books(running, story)
        found = await open_findings(running, story)
        assert list(found) == [("TOTALS_MISMATCH", "day")]
        [finding] = found.values()
        assert (finding.difference, finding.currency) == ("-0.01", "USD")
        assert finding.detail == f"tender cash: declared {tenders['cash']}, received {story.cash}"
        assert (entry.day.state, entry.day.difference) == ("exceptions", {"USD": "-0.01"})


@dataclass(frozen=True, slots=True)
class Lost:
    """A transaction of the file."""

    text: bytes
    workstation: str
    number: int


def a_receipt_in_the_middle(content: bytes, close: Close) -> Lost:
    """Return a receipt with a tender whose number is neither the first nor the last of its till."""
    for text in TRANSACTION.findall(content):
        workstation = tag(text, b"WorkstationID")
        number = int(tag(text, b"SequenceNumber"))
        register = close.registers[workstation]
        if b"<Tender " in text and register.first < number < register.last:
            return Lost(text, workstation, number)
    raise AssertionError("the file has no such receipt")


def tag(text: bytes, name: bytes) -> str:
    """Return the text of the first element of this name."""
    found = re.search(b"<" + name + b">([^<]*)<", text)
    assert found is not None
    return found.group(1).decode()


async def whole_day(world: World, story: Story) -> Close:
    """Take the file in once, return the close record that fits it, and forget the journal."""
    async with world.running(afternoon(story)) as running:
        await running.take("northgate", "whole.xml", story.file.read_bytes())
        close = close_of(story, (await in_the_books(running, story)).book)
    shutil.rmtree(world.folder / ".state")
    return close

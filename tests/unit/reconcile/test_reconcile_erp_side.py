"""What the ERP reports against what was asked: each difference named, and gone when explained."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any, cast

from tillway.journal.base import StoredMessage
from tillway.journal.memory import MemoryJournal
from tillway.journal.projection import Change
from tillway.message import Envelope
from tillway.model.postings import PostingConfirmed, PostingReported
from tillway.project.records import PostingSetting
from tillway.reconcile.erp_side import ErpSide
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import tables, write

SETTING = PostingSetting(mode="store_day", erp="ledger", reported_within_days=1)
KEY, STORE, DAY = "0001:2026-11-20:store_day:EUR:0", "0001", "2026-11-20"
MISSING, APART, TWICE = "MISSING_IN_ERP", "AMOUNT_DIFF", "DUPLICATE_POSTING"
UNKNOWN = "MISSING_IN_HUB"
TWO_DAYS = 2 * 24 * 3600 * 1_000_000


class Ledger:
    """The ERP side over tables in memory, with one posting of 134.90 asked for."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.position = 0

    async def ask_for(self, key: str = KEY) -> None:
        """Note that the day was asked for under this key."""
        await self.journal.open_tables(tables())
        change = Change()
        change.run(write("day"), (1, STORE, DAY, "approved", b"", b""))
        row = ("ledger", key, 1, 0, "store_day", "EUR", "134.90", b"", 0)
        change.run(write("posting"), row)
        await self.journal.project(change)

    async def hear(self, *told: PostingReported | PostingConfirmed, windows: bool = False) -> None:
        """Take what the ERP says: all in one window, or each in its own, read by a fresh book."""
        side, change = await self._fresh(), Change()
        for message in told:
            self.position += 1
            kind = "posting.reported"
            if isinstance(message, PostingConfirmed):
                kind = "posting.confirmed"
            envelope = Envelope(
                message_id="",
                message_type=kind,
                schema_version=1,
                system="ledger",
                door="",
                natural_key=str(self.position),
                lane_key="",
                received_at=0,
                trace_id="",
                release="",
            )
            stored = StoredMessage(self.position, envelope)
            await side.take(Entered(stored, message, None), change)
            if windows:
                await self.journal.project(change)
                side, change = await self._fresh(), Change()
        await self.journal.project(change)

    async def look(self, now: int = TWO_DAYS) -> None:
        """Find what should have been reported by a moment."""
        side, change = await self._fresh(), Change()
        await side.look(now, change)
        await self.journal.project(change)

    async def found(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return (rule, subject) -> expected and found, of what is open."""
        rows = await self.journal.ask(
            "SELECT rule, subject, expected, found FROM recon_finding WHERE state = 'open'"
        )
        return {(rule, subject): (wanted, seen) for rule, subject, wanted, seen in rows}

    async def rules(self) -> Collection[str]:
        """Return the rules with something open."""
        return {rule for rule, _ in await self.found()}

    async def _fresh(self) -> ErpSide:
        log = FindingLog(self.journal)
        side = ErpSide(SETTING, cast("Any", self.journal), log, Judge({}))
        await side.open()
        return side


def document(number: str, amount: str = "134.90", key: str | None = KEY, **more: Any) -> Any:
    """Return one document the ERP reports."""
    told = {"business_unit_id": STORE, "business_date": date(2026, 11, 20), "currency": "EUR"}
    return PostingReported(
        erp="ledger",
        document_number=number,
        posting_key=key,
        amount=Decimal(amount),
        **(told | more),
    )


def confirmed() -> PostingConfirmed:
    """Return the confirmation of the posting."""
    return PostingConfirmed(erp="ledger", posting_key=KEY, document_number="D1")


async def ledger() -> Ledger:
    """Give a ledger that was asked for one posting."""
    made = Ledger()
    await made.ask_for()
    return made


async def test_what_is_reported_as_asked_is_no_difference() -> None:
    """The same document again, and its confirmation, change nothing."""
    books = await ledger()
    await books.hear(confirmed(), document("D1"), document("D1"))
    await books.look()
    assert await books.found() == {}


async def test_two_documents_in_one_window_are_one_too_many() -> None:
    """Both come with one answer of the ERP, and are seen as in two."""
    for windows in (False, True):
        books = await ledger()
        await books.hear(document("D1"), document("D2"), windows=windows)
        assert await books.found() == {(TWICE, KEY): ("1 document", "D1, D2")}


async def test_a_copy_that_a_person_cancels_is_explained() -> None:
    """By a document that takes it back, or by an amount of 0."""
    books = await ledger()
    await books.hear(document("D1"), document("D2"))
    back = document("D3", "-134.90", None, reverses_posting_key=KEY)
    await books.hear(back)
    assert await books.found() == {}
    books = await ledger()
    await books.hear(document("D1"), document("D2"), document("D2", "0"))
    assert await books.found() == {}


async def test_our_posting_cancelled_by_hand_is_an_amount_that_differs() -> None:
    """The ERP holds nothing of it any more."""
    books = await ledger()
    await books.hear(document("D1"))
    await books.hear(document("D2", "-134.90", None, reverses_posting_key=KEY))
    assert await books.found() == {(APART, KEY): ("134.90", "0.00")}


async def test_an_amount_that_differs_is_gone_when_it_is_put_right() -> None:
    """A cent less, a copy with another amount, another currency."""
    books = await ledger()
    await books.hear(document("D1", "134.89"))
    assert await books.found() == {(APART, KEY): ("134.90", "134.89")}
    await books.hear(document("D1"), document("D2", "1.00"))
    assert await books.rules() == {APART, TWICE}
    await books.hear(document("D2", "0"))
    assert await books.found() == {}
    await books.hear(document("D1", currency="USD"))
    assert await books.found() == {(APART, KEY): ("134.90", "134.90 USD")}


async def test_what_is_not_reported_in_time_is_missing_until_it_comes() -> None:
    """Confirmed two days ago; one that was reported before it was confirmed is not awaited."""
    books = await ledger()
    await books.hear(confirmed())
    await books.look(0)
    assert await books.found() == {}
    await books.look()
    assert await books.found() == {(MISSING, KEY): ("134.90", "nothing")}
    await books.look()
    assert await books.rules() == {MISSING}
    await books.hear(document("D1"))
    assert await books.found() == {}
    early = await ledger()
    await early.hear(document("D1"), confirmed())
    await early.look()
    assert await early.found() == {}


async def test_a_document_nobody_asked_for_is_gone_when_its_key_is_mended() -> None:
    """It had a wrong key in the ERP; somebody writes the right one."""
    books = await ledger()
    await books.hear(document("D1", key=f"{KEY}9"))
    assert await books.found() == {(UNKNOWN, f"{KEY}9"): ("nothing", "134.90")}
    await books.hear(document("D1"))
    assert await books.found() == {}
    await books.hear(document("D7", key=f"{KEY}7"))
    await books.hear(document("D7", "0", key=f"{KEY}7"))
    assert await books.found() == {}

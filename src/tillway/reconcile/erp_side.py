"""What the ERP says it holds, against what it was asked to book.

All documents of one posting key are judged together: a copy that a person cancels again explains
itself. What is removed from an ERP without a trace is not seen here, for nothing reports it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Change, ProjectingJournal, Row
from tillway.model.postings import PostingConfirmed, PostingReported
from tillway.project.records import PostingSetting
from tillway.reconcile.facts import ZERO
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import match as sql

AT_ONCE = 1000
REMEMBERED = 300
"""Reports of which is known what this process did with them before it is committed."""
DAY_MICROSECONDS = 24 * 3600 * MICROSECONDS
REPORTED, CONFIRMED = "posting.reported", "posting.confirmed"


class Report(msgspec.Struct, frozen=True):
    """One document of the ERP; amount is text, "" where it states none.

    posting_key: of the posting it is; with cancels, of the posting it takes back by hand.
    """

    erp: str
    document_number: str
    posting_key: str
    store: str
    business_date: str
    currency: str
    amount: str
    position: int
    cancels: int = 0

    @property
    def money(self) -> Decimal:
        """Return the amount, 0 where it states none."""
        return Decimal(self.amount) if self.amount else ZERO


class ErpSide:
    """Compares reports of the ERP with the postings, a side book of the bookkeeper."""

    reads = (REPORTED, CONFIRMED)

    def __init__(
        self,
        settings: PostingSetting,
        journal: ProjectingJournal,
        log: FindingLog,
        judge: Judge,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._log = log
        self._judge = judge
        self._recent: OrderedDict[tuple[str, str], Report] = OrderedDict()

    async def open(self) -> None:
        """Forget what was not committed."""
        self._recent.clear()

    async def take(self, entered: Entered, change: Change) -> None:
        """Take one document the ERP reports, or what it confirmed and has to report."""
        kind = entered.stored.envelope.message_type
        if entered.history or kind not in (REPORTED, CONFIRMED):
            return
        if kind == CONFIRMED:
            await self._expect(entered.message, entered.stored.envelope.received_at, change)
            return
        told = _report(entered.message, entered.stored.position)
        before = await self._known(told.erp, told.document_number)
        self._remember(told)
        change.run(sql("reported"), msgspec.structs.astuple(told))
        at = entered.stored.envelope.received_at
        if before is not None and before.posting_key != told.posting_key:
            await self._judge_key(before, at, change)
        await self._judge_key(told, at, change)

    async def look(self, now: int, change: Change) -> None:
        """Find postings the ERP confirmed and does not report."""
        if not self._settings.reported_within_days:
            return
        before = now - self._settings.reported_within_days * DAY_MICROSECONDS
        rows = await self._journal.ask(sql("unreported"), (before, AT_ONCE))
        for erp, key, store, business_date, currency, amount in rows:
            found = self._judge.finding(
                "MISSING_IN_ERP",
                store,
                business_date,
                subject=key,
                currency=currency,
                expected=amount,
                found="nothing",
                difference=str(-Decimal(amount)),
            )
            await self._log.report(
                store, business_date, ("MISSING_IN_ERP",), found, now, change, subject=key
            )
            change.run(sql("told_unreported"), (erp, key))

    async def _expect(self, message: PostingConfirmed, at: int, change: Change) -> None:
        """Wait for the report of a posting, if the ERP reports any and has not done so."""
        place = (message.erp, message.posting_key)
        if self._settings.reported_within_days and not await self._documents(*place):
            change.run(sql("await_report"), (*place, at))

    async def _judge_key(self, told: Report, at: int, change: Change) -> None:
        """Judge everything the ERP holds under one key."""
        key = told.posting_key
        documents = await self._documents(told.erp, key) if key else [told]
        change.run(sql("report_came"), (told.erp, key))
        rows = await self._journal.ask(sql("posting_place"), (told.erp, key))
        if not rows:
            found = self._unknown(told, documents)
            place, rules = (told.store, told.business_date), {"MISSING_IN_HUB": found}
        else:
            [(store, business_date, currency, amount)] = rows
            place, rules = (store, business_date), {"MISSING_IN_ERP": []}
            asked = _Asked(key, *place, currency, Decimal(amount), told.position)
            rules["DUPLICATE_POSTING"] = self._twice(asked, documents)
            rules["AMOUNT_DIFF"] = self._apart(asked, documents)
        subject = key or told.document_number
        for rule, found in rules.items():
            await self._log.report(*place, (rule,), found, at, change, subject=subject)

    def _twice(self, asked: _Asked, documents: Iterable[Report]) -> list[Finding]:
        if _standing(documents) < 2:
            return []
        numbers = sorted(one.document_number for one in documents if not one.cancels)
        return self._judge.finding(
            "DUPLICATE_POSTING",
            asked.store,
            asked.business_date,
            subject=asked.key,
            currency=asked.currency,
            position=asked.position,
            expected="1 document",
            found=", ".join(numbers),
        )

    def _apart(self, asked: _Asked, documents: list[Report]) -> list[Finding]:
        """Compare what the ERP holds: each document where one stands twice, else their sum."""
        if not documents or any(not one.amount for one in documents):
            return []
        held = [sum((one.money for one in documents), ZERO)]
        if _standing(documents) > 1:
            held = [one.money for one in documents if not one.cancels]
        foreign = next((one for one in documents if one.currency not in ("", asked.currency)), None)
        tolerance = self._judge.tolerance("AMOUNT_DIFF")
        wrong = next((one for one in held if abs(one - asked.amount) > tolerance), None)
        if foreign is None and wrong is None:
            return []
        amount = foreign.money if foreign is not None else wrong
        assert amount is not None, "one of the two is there"
        return self._judge.finding(
            "AMOUNT_DIFF",
            asked.store,
            asked.business_date,
            subject=asked.key,
            currency=asked.currency,
            position=asked.position,
            expected=str(asked.amount),
            found=f"{amount} {foreign.currency}" if foreign is not None else str(amount),
            difference=str(amount - asked.amount),
        )

    def _unknown(self, told: Report, documents: list[Report]) -> list[Finding]:
        """Return what is found of documents of ours that nobody here asked for."""
        standing = [one for one in documents if one.money or not one.amount]
        if not standing or (not sum((one.money for one in standing), ZERO) and standing[0].amount):
            return []
        amount = str(sum((one.money for one in standing), ZERO)) if standing[0].amount else ""
        return self._judge.finding(
            "MISSING_IN_HUB",
            told.store,
            told.business_date,
            subject=told.posting_key or told.document_number,
            currency=told.currency,
            expected="nothing",
            found=amount,
            difference=amount,
            detail="document " + ", ".join(one.document_number for one in standing),
            position=told.position,
        )

    async def _known(self, erp: str, document_number: str) -> Report | None:
        """Return what was reported of a document before."""
        found = self._recent.get((erp, document_number))
        if found is None:
            for row in await self._journal.ask(sql("report"), (erp, document_number)):
                found = Report(*row)
        return found

    async def _documents(self, erp: str, key: str) -> list[Report]:
        """Return the documents of a key, by number, as they were reported last."""
        rows: list[Row] = await self._journal.ask(sql("reports_of_key"), (erp, key))
        found = {row[1]: Report(*row) for row in rows}
        for (where, number), one in self._recent.items():
            if where == erp and (one.posting_key == key or number in found):
                found[number] = one
        return [one for _, one in sorted(found.items()) if one.posting_key == key]

    def _remember(self, told: Report) -> None:
        self._recent[told.erp, told.document_number] = told
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


class _Asked(msgspec.Struct, frozen=True):
    """What the ERP was asked to book, and where in the hub it belongs."""

    key: str
    store: str
    business_date: str
    currency: str
    amount: Decimal
    position: int


def _standing(documents: Iterable[Report]) -> int:
    """Return how many documents stand: what was cancelled or brought to nothing does not."""
    told = list(documents)
    worth = [one for one in told if not one.cancels and (one.money or not one.amount)]
    return len(worth) - sum(1 for one in told if one.cancels)


def _report(message: PostingReported, position: int) -> Report:
    cancels = not message.posting_key and bool(message.reverses_posting_key)
    return Report(
        erp=message.erp,
        document_number=message.document_number,
        posting_key=message.posting_key or message.reverses_posting_key or "",
        store=message.business_unit_id or "",
        business_date=str(message.business_date or ""),
        currency=message.currency or "",
        amount="" if message.amount is None else str(message.amount),
        position=position,
        cancels=int(cancels),
    )

"""What the ERP says it holds, against what it was asked to book."""

from __future__ import annotations

from decimal import Decimal

from tillway.clock import MICROSECONDS
from tillway.journal.projection import Change, ProjectingJournal
from tillway.model.postings import PostingReported
from tillway.project.records import PostingSetting
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import match as sql

AT_ONCE = 1000
DAY_MICROSECONDS = 24 * 3600 * MICROSECONDS
REPORTED = "posting.reported"


class ErpSide:
    """Compares reports of the ERP with the postings, a side book of the bookkeeper."""

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

    async def open(self) -> None:
        """Nothing is remembered between two runs."""

    async def take(self, entered: Entered, change: Change) -> None:
        """Take one document the ERP reports."""
        if entered.stored.envelope.message_type != REPORTED or entered.history:
            return
        message: PostingReported = entered.message
        amount = "" if message.amount is None else str(message.amount)
        change.run(
            sql("reported"),
            (
                message.erp,
                message.document_number,
                message.posting_key or "",
                message.business_unit_id or "",
                str(message.business_date or ""),
                message.currency or "",
                amount,
                entered.stored.position,
            ),
        )
        await self._compare(message, entered, change)

    async def look(self, now: int, change: Change) -> None:
        """Find postings the ERP confirmed and does not report."""
        if not self._settings.reported_within_days:
            return
        before = now - self._settings.reported_within_days * DAY_MICROSECONDS
        rows = await self._journal.ask(sql("unreported"), (before, AT_ONCE))
        for key, store, business_date, currency, amount in rows:
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

    async def _compare(self, message: PostingReported, entered: Entered, change: Change) -> None:
        at = entered.stored.envelope.received_at
        key = message.posting_key or ""
        rows = await self._journal.ask(sql("posting_place"), (message.erp, key))
        if not rows:
            await self._unknown(message, entered, change)
            return
        [(store, business_date, currency, amount)] = rows
        told = {"subject": key, "currency": currency, "position": entered.stored.position}
        apart: list[Finding] = []
        if message.amount is not None:
            difference = message.amount - Decimal(amount)
            other = message.currency not in (None, currency)
            if other or abs(difference) > self._judge.tolerance("AMOUNT_DIFF"):
                apart = self._judge.finding(
                    "AMOUNT_DIFF",
                    store,
                    business_date,
                    **told,
                    expected=amount,
                    found=f"{message.amount} {message.currency}" if other else str(message.amount),
                    difference=str(difference),
                )
        documents = {
            row[0] for row in await self._journal.ask(sql("reports_of_key"), (message.erp, key))
        }
        documents.add(message.document_number)
        twice: list[Finding] = []
        if len(documents) > 1:
            twice = self._judge.finding(
                "DUPLICATE_POSTING",
                store,
                business_date,
                **told,
                expected="1 document",
                found=", ".join(sorted(documents)),
            )
        for rule, found in (
            ("AMOUNT_DIFF", apart),
            ("DUPLICATE_POSTING", twice),
            ("MISSING_IN_ERP", []),
        ):
            await self._log.report(store, business_date, (rule,), found, at, change, subject=key)

    async def _unknown(self, message: PostingReported, entered: Entered, change: Change) -> None:
        """Note a document of ours that nobody here asked for."""
        store, business_date = message.business_unit_id or "", str(message.business_date or "")
        found = self._judge.finding(
            "MISSING_IN_HUB",
            store,
            business_date,
            subject=message.posting_key or message.document_number,
            currency=message.currency or "",
            expected="nothing",
            found="" if message.amount is None else str(message.amount),
            difference="" if message.amount is None else str(message.amount),
            detail=f"document {message.document_number}",
            position=entered.stored.position,
        )
        await self._log.report(
            store,
            business_date,
            ("MISSING_IN_HUB",),
            found,
            entered.stored.envelope.received_at,
            change,
            subject=message.posting_key or message.document_number,
        )

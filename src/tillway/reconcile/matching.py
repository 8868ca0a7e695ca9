"""Card money and cash followed to the bank: tender, payout entry, payout, credit on the statement.

Each step waits for its counterpart as an open item. Counterparts are found by reference; where a
bank line bears none, by amount and time if only one fits. Amounts that differ and counterparts that
do not come in time are findings, and go when the money does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tillway.journal.projection import Change, ProjectingJournal
from tillway.project.records import ProcessorSetting, Reconciliation, Release
from tillway.reconcile.facts import Breach, Fact
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.items import Item, Items
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.store_day import local_date

AT_ONCE = 2000
"""Overdue items that are judged in one look."""
SHORTEST_REFERENCE = 5
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.\-]*")
_OVERDUE = {
    "tender": "TENDER_NO_PAYMENT",
    "entry": "PAYMENT_NO_TENDER",
    "payout": "PAYOUT_DIFF",
    "deposit": "DEPOSIT_MISMATCH",
}
_APART = {"tender": "AMOUNT_DIFF", "payout": "PAYOUT_DIFF", "deposit": "DEPOSIT_MISMATCH"}


class Matching:
    """Follows money from the till to the bank, a side book of the bookkeeper."""

    def __init__(
        self,
        release: Release,
        settings: Reconciliation,
        journal: ProjectingJournal,
        log: FindingLog,
        judge: Judge,
    ) -> None:
        self._release = release
        self._settings = settings
        self._items = Items(journal)
        self._log = log
        self._judge = judge
        self._entries: set[str] = set()
        self._credits: set[str] = set()

    async def open(self) -> None:
        """Learn what waits for a tender or a payout: few things do."""
        await self._items.open()
        self._entries = {one.reference for one in await self._items.open_of("entry")}
        waiting = await self._items.open_of("credit")
        self._credits = {word for one in waiting for word in _words(one.reference)}

    async def take(self, entered: Entered, change: Change) -> None:
        """Take what a message says of money that goes from one system to the next."""
        if entered.history:
            return
        fact = entered.fact
        if fact is not None:
            if fact.kind in ("receipt", "void"):
                await self._receipt(fact, entered, change)
            elif fact.kind == "cash" and fact.subtype == "bank_deposit":
                await self._deposit(fact, entered, change)
        elif entered.stored.envelope.message_type == "settlement.posted":
            await self._settlement(entered, change)
        elif entered.stored.envelope.message_type == "bank.statement_line":
            await self._bank_line(entered, change)

    async def look(self, now: int, change: Change) -> None:
        """Find what should have come by now."""
        today = local_date(now, self._release.hub.time_zone).isoformat()
        for item in await self._items.overdue(today, AT_ONCE):
            await self._report(_OVERDUE[item.kind], item, now, change, self._absent(item))

    # --- what messages say ------------------------------------------------------------------

    async def _receipt(self, fact: Fact, entered: Entered, change: Change) -> None:
        envelope = entered.stored.envelope
        for paid in fact.tenders:
            processor = self._processor_of(paid.tender_type, fact.system)
            if processor is None or not paid.reference:
                continue
            tender = self._items.add(
                change,
                "tender",
                processor.name,
                reference=paid.reference,
                other_reference="",
                store=envelope.store,
                business_date=envelope.business_date,
                currency=fact.currency,
                amount=paid.amount,
                position=entered.stored.position,
                due=_after(envelope.business_date, processor.within_days),
            )
            if paid.reference in self._entries:
                for entry in await self._items.find("entry", [paid.reference]):
                    await self._pair(tender, entry, envelope.received_at, change)
                    self._entries.discard(paid.reference)
                    break

    async def _deposit(self, fact: Fact, entered: Entered, change: Change) -> None:
        envelope = entered.stored.envelope
        if not self._settings.deposit_bank:
            return
        deposit = self._items.add(
            change,
            "deposit",
            self._settings.deposit_bank,
            reference=fact.reference,
            other_reference="",
            store=envelope.store,
            business_date=envelope.business_date,
            currency=fact.currency,
            amount=abs(fact.amount),
            position=entered.stored.position,
            due=_after(envelope.business_date, self._settings.deposit_within_days),
        )
        await self._credited(deposit, envelope.received_at, change)

    async def _settlement(self, entered: Entered, change: Change) -> None:
        """Answer tenders with the entries of a payout, and expect the payout at the bank."""
        message, envelope = entered.message, entered.stored.envelope
        processor = self._settings.processors.get(message.psp)
        if processor is None:
            return
        stores = set()
        day = str(message.period_to or message.expected_bank_date or envelope.business_date or "")
        day = day or local_date(envelope.received_at, self._release.hub.time_zone).isoformat()
        tenders = await self._tenders_of(message.entries)
        for entry in message.entries:
            if entry.entry_type not in ("charge", "refund"):
                continue
            item = self._items.add(
                change,
                "entry",
                processor.name,
                reference=entry.psp_reference or "",
                other_reference=entry.merchant_reference or "",
                store="",
                business_date="",
                currency=message.currency,
                amount=entry.gross,
                position=entered.stored.position,
                due=_after(day, processor.within_days),
            )
            tender = _best(tenders, entry)
            if tender is None:
                self._entries.add(item.reference)
                continue
            stores.add(tender.store)
            await self._pair(tender, item, envelope.received_at, change)
        payout = self._items.add(
            change,
            "payout",
            processor.bank,
            reference=message.payout_id,
            other_reference=message.bank_reference or "",
            store=stores.pop() if len(stores) == 1 else "",
            business_date=day,
            currency=message.currency,
            amount=message.net,
            position=entered.stored.position,
            due=_after(str(message.expected_bank_date or day), processor.bank_within_days),
        )
        found = self._own_breaches(payout, entered.breaches)
        await self._report("PAYOUT_DIFF", payout, envelope.received_at, change, found)
        if not found:
            await self._credited(payout, envelope.received_at, change)

    async def _bank_line(self, entered: Entered, change: Change) -> None:
        line, envelope = entered.message, entered.stored.envelope
        if line.document not in (None, "statement") or line.status not in (None, "booked"):
            return
        told = " ".join(filter(None, (line.reference, line.entry_reference, line.text)))
        credit = self._items.add(
            change,
            "credit",
            envelope.system,
            reference=line.reference or told,
            other_reference="",
            store="",
            business_date=line.value_date.isoformat(),
            currency=line.currency,
            amount=line.amount,
            position=entered.stored.position,
            due="",
        )
        for kind in ("payout", "deposit"):
            expected = [
                one
                for one in await self._items.find(kind, _words(told))
                if one.party in ("", envelope.system)
            ]
            if expected:
                await self._pair(expected[0], credit, envelope.received_at, change)
                return
        self._credits.update(_words(credit.reference))

    # --- pairs ------------------------------------------------------------------------------

    async def _tenders_of(self, entries: Iterable[Any]) -> dict[str, list[Item]]:
        references = {name for entry in entries for name in _names(entry)}
        found: dict[str, list[Item]] = {}
        for tender in await self._items.find("tender", references):
            found.setdefault(tender.reference, []).append(tender)
        return found

    async def _credited(self, expected: Item, at: int, change: Change) -> None:
        """Pair what is expected at the bank with a line that came before it."""
        names = [expected.reference, expected.other_reference]
        if self._credits.isdisjoint(names):
            return
        for credit in await self._items.open_of("credit"):
            if not _words(credit.reference).isdisjoint(names):
                await self._pair(expected, credit, at, change)
                return

    async def _pair(self, expected: Item, seen: Item, at: int, change: Change) -> None:
        """Join two items; amounts that differ beyond the tolerance are a finding."""
        self._items.match(expected, seen, change)
        rule = _APART[expected.kind]
        apart = seen.amount - expected.amount
        found: list[Finding] = []
        if expected.currency != seen.currency or abs(apart) > self._judge.tolerance(rule):
            found = self._judge.finding(
                rule,
                expected.store,
                expected.business_date,
                subject=expected.reference,
                currency=expected.currency,
                expected=str(expected.amount),
                found=f"{seen.amount}"
                if seen.currency == expected.currency
                else f"{seen.amount} {seen.currency}",
                difference=str(apart),
                position=expected.position,
            )
        await self._report(rule, expected, at, change, found)
        for item in (expected, seen):
            absent = _OVERDUE.get(item.kind)
            if absent not in (None, rule):
                await self._report(absent, item, at, change, [])

    async def _report(
        self, rule: str, item: Item, at: int, change: Change, found: list[Finding]
    ) -> None:
        await self._log.report(
            item.store,
            item.business_date,
            (rule,),
            found,
            at,
            change,
            subject=item.reference,
        )

    def _absent(self, item: Item) -> list[Finding]:
        return self._judge.finding(
            _OVERDUE[item.kind],
            item.store,
            item.business_date,
            subject=item.reference,
            currency=item.currency,
            expected=str(item.amount),
            found="nothing",
            difference=str(-item.amount),
            detail=f"due by {item.due} at {item.party}",
            position=item.position,
        )

    def _own_breaches(self, payout: Item, breaches: Iterable[Breach]) -> list[Finding]:
        """Return what is wrong inside a payout: its entries do not make up what it pays."""
        for breach in breaches:
            if breach.rule == "PAYOUT_DIFF":
                return self._judge.finding(
                    "PAYOUT_DIFF",
                    payout.store,
                    payout.business_date,
                    subject=payout.reference,
                    currency=payout.currency,
                    expected=breach.expected,
                    found=breach.found,
                    difference=str(breach.difference or Decimal(0)),
                    detail=breach.path,
                    position=payout.position,
                )
        return []

    def _processor_of(self, tender_type: str, system: str) -> ProcessorSetting | None:
        for processor in self._settings.processors.values():
            if tender_type in processor.tender_types and (
                not processor.systems or system in processor.systems
            ):
                return processor
        return None


def _best(tenders: dict[str, list[Item]], entry: Any) -> Item | None:
    """Return the open tender of an entry: of several, the one with the same amount."""
    for name in _names(entry):
        found = [one for one in tenders.get(name, ()) if not one.match_id]
        if found:
            return min(found, key=lambda one: abs(one.amount - entry.gross))
    return None


def _names(entry: Any) -> list[str]:
    names = (entry.psp_reference, entry.original_reference, entry.merchant_reference)
    return [name for name in names if name]


def _words(text: str) -> set[str]:
    """Return what may be a reference in the text of a bank line, the whole of it too."""
    return {text, *(word for word in _WORD.findall(text) if len(word) >= SHORTEST_REFERENCE)}


def _after(business_date: str, days: int) -> str:
    return (date.fromisoformat(business_date) + timedelta(days=days)).isoformat()

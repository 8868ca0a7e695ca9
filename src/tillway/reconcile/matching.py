"""Card money and cash followed to the bank: tender, payout entry, payout, line on the statement.

Each step waits for its counterpart as an open item, and is found by reference: the entry of a
payout by the payment it is about, or by another name that a message about the payment gave it.
Amounts that differ and counterparts that do not come in time are findings, and go when the money
does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from tillway.journal.projection import Change, ProjectingJournal
from tillway.project.records import ProcessorSetting, Reconciliation, Release
from tillway.reconcile.bank_side import RULES as BANK_RULES
from tillway.reconcile.bank_side import BankSide, name_in
from tillway.reconcile.facts import Breach, Fact, Paid
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.items import Item, Items, answers, best_tender
from tillway.reconcile.payment_names import PaymentNames, link_names
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.store_day import local_date
from tillway.reconcile.waiting import Waiting

AT_ONCE = 2000
"""Overdue items that are judged in one look; the next look goes on from there."""
FOLLOWED = ("charge", "refund")
"""Entries that answer a tender; fees, chargebacks and adjustments are between shop and bank."""
FAILED = ("declined", "cancelled")
_OVERDUE = {"tender": "TENDER_NO_PAYMENT", "entry": "PAYMENT_NO_TENDER", **BANK_RULES}
_FIRST_PLACE = ("", 0)


class Matching:
    """Follows money from the till to the bank, a side book of the bookkeeper."""

    reads = (
        "retail_transaction.completed",
        "retail_transaction.voided",
        "cash.moved",
        "payment.updated",
        "settlement.posted",
        "bank.statement_line",
    )

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
        self._bank = BankSide(self._items, log, judge)
        self._names = PaymentNames(journal)
        self._log = log
        self._judge = judge
        self._waiting = Waiting()
        self._looked_to = _FIRST_PLACE

    async def open(self) -> None:
        """Learn what waits for a tender: few entries do."""
        await self._items.open()
        self._names.open()
        self._waiting.clear()
        self._looked_to = _FIRST_PLACE
        entries = await self._items.waiting_entries()
        names = await self._names.of([one.reference for one in entries])
        for one in entries:
            self._wait(one, names.get(one.reference, ()))

    async def take(self, entered: Entered, change: Change) -> None:
        """Take what a message says of money that goes from one system to the next."""
        if entered.history:
            return
        fact, envelope = entered.fact, entered.stored.envelope
        if fact is not None:
            if fact.kind in ("receipt", "void"):
                await self._receipt(fact, entered, change)
            elif fact.kind == "cash" and fact.subtype == "bank_deposit":
                await self._deposit(fact, entered, change)
        elif envelope.message_type == "payment.updated":
            await self._payment(entered, change)
        elif envelope.message_type == "settlement.posted":
            await self._settlement(entered, change)
        elif envelope.message_type == "bank.statement_line":
            place = (envelope.system, entered.stored.position, envelope.received_at)
            await self._bank.line(entered.message, *place, change)

    async def look(self, now: int, change: Change) -> None:
        """Find what should have come by now."""
        today = local_date(now, self._release.hub.time_zone).isoformat()
        items = await self._items.overdue(today, self._looked_to, AT_ONCE)
        last = items[-1] if len(items) == AT_ONCE else None
        self._looked_to = (last.due, last.item_id) if last else _FIRST_PLACE
        for item in items:
            detail = f"due by {item.due} at {item.party}"
            if item.kind in BANK_RULES:
                detail = await self._bank.find_by_amount(item, now, change)
            if not item.match_id:
                found = self._absent(item, detail)
                await self._report(_OVERDUE[item.kind], item, now, change, found)

    # --- what messages say ------------------------------------------------------------------

    async def _receipt(self, fact: Fact, entered: Entered, change: Change) -> None:
        origin = _origin(entered)
        if origin:
            await self._withdraw(origin, entered.stored.envelope.received_at, change)
        for paid in fact.tenders:
            processor = self._processor_of(paid.tender_type, fact.system)
            if processor is not None:
                await self._tender(processor, fact, paid, entered, change)

    async def _tender(
        self,
        processor: ProcessorSetting,
        fact: Fact,
        paid: Paid,
        entered: Entered,
        change: Change,
    ) -> None:
        """Keep a tender; one without a reference only explains a payment that names its receipt."""
        envelope = entered.stored.envelope
        receipt = "" if paid.reference else getattr(entered.message, "receipt_number", None) or ""
        if not paid.reference and not receipt:
            return
        tender = self._items.add(
            change,
            "tender",
            processor.name,
            reference=paid.reference or fact.natural_key,
            other_reference=receipt,
            store=envelope.store,
            business_date=envelope.business_date,
            currency=fact.currency,
            amount=paid.amount,
            position=entered.stored.position,
            due=_after(envelope.business_date, processor.within_days) if paid.reference else "",
            origin=_origin(entered),
        )
        waiting: set[int] = set()
        for name in (tender.reference, tender.other_reference):
            waiting.update(self._waiting.under(name))
        for item_id in sorted(waiting):
            entry = await self._items.item("entry", item_id)
            if entry is not None and not entry.match_id and answers(tender, entry):
                await self._pair(tender, entry, envelope.received_at, change)
                return

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
        await self._bank.expect(deposit, envelope.received_at, change)

    async def _payment(self, entered: Entered, change: Change) -> None:
        """Learn the names of a payment; one that failed leaves its tender without money."""
        message, at = entered.message, entered.stored.envelope.received_at
        if message.psp not in self._settings.processors:
            return
        learned = self._names.learn(message, change)
        for reference, names in learned.items():
            for item_id in sorted(self._waiting.under(reference)):
                await self._named(item_id, names, at, change)
        if message.status in FAILED and message.amount:
            names = {message.psp_reference, *learned.get(message.psp_reference, ())}
            for tender in await self._items.find("tender", names):
                if tender.amount * message.amount > 0 and tender.due:
                    found = self._absent(tender, f"{message.status} at {message.psp}")
                    await self._report("TENDER_NO_PAYMENT", tender, at, change, found)

    async def _named(self, entry_id: int, names: set[str], at: int, change: Change) -> None:
        """Look for the tender of an entry that waits, now that it has more names."""
        entry = await self._items.item("entry", entry_id)
        if entry is None or entry.match_id:
            return
        self._wait(entry, names)
        if tender := best_tender(await self._items.find("tender", names), entry, names):
            await self._pair(tender, entry, at, change)

    async def _settlement(self, entered: Entered, change: Change) -> None:
        """Answer tenders with the entries of a payout, and expect the payout at the bank."""
        message, envelope = entered.message, entered.stored.envelope
        processor = self._settings.processors.get(message.psp)
        if processor is None:
            return
        origin, at = _origin(entered), envelope.received_at
        if origin:
            await self._withdraw(origin, at, change)
        day = str(message.period_to or message.expected_bank_date or envelope.business_date or "")
        day = day or local_date(at, self._release.hub.time_zone).isoformat()
        stores = (
            await self._entries(processor, day, entered, change)
            if processor.tender_types
            else set()
        )
        own = next((one for one in entered.breaches if one.rule == "PAYOUT_DIFF"), None)
        payout = self._items.add(
            change,
            "payout",
            processor.bank,
            reference=message.payout_id,
            other_reference=name_in(message.bank_reference or ""),
            store=stores.pop() if len(stores) == 1 else "",
            business_date=day,
            currency=message.currency,
            amount=message.net,
            position=entered.stored.position,
            # A payout that failed is 0: its money stands in a later one.
            due=_after(str(message.expected_bank_date or day), processor.bank_within_days)
            if message.net
            else "",
            origin=origin,
            flawed=int(own is not None),
        )
        await self._report("PAYOUT_DIFF", payout, at, change, self._flaw(payout, own))
        if message.net:
            await self._bank.expect(payout, at, change)

    async def _entries(
        self, processor: ProcessorSetting, day: str, entered: Entered, change: Change
    ) -> set[str]:
        """Keep what a payout consists of; return the shops whose tenders it answers."""
        message, at = entered.message, entered.stored.envelope.received_at
        followed = [one for one in message.entries if one.entry_type in FOLLOWED]
        links = await self._names.of([one.psp_reference or "" for one in followed])
        names = [link_names(one, links.get(one.psp_reference or "", ())) for one in followed]
        wanted = {name for some in names for name in some}
        tenders: dict[str, list[Item]] = {}
        for tender in await self._items.find("tender", wanted):
            for name in filter(None, (tender.reference, tender.other_reference)):
                tenders.setdefault(name, []).append(tender)
        stores = set()
        for entry, some in zip(followed, names, strict=True):
            item = self._items.add(
                change,
                "entry",
                processor.name,
                reference=entry.psp_reference or entry.merchant_reference or "",
                other_reference=entry.merchant_reference or "",
                store="",
                business_date="",
                currency=message.currency,
                amount=entry.gross,
                position=entered.stored.position,
                due=_after(day, processor.within_days),
                origin=_origin(entered),
            )
            known = [tender for name in some for tender in tenders.get(name, ())]
            found = best_tender(known, item, some)
            if found is None:
                self._wait(item, some)
                self._names.keep(entry.psp_reference, entry.original_reference, change)
                continue
            stores.add(found.store)
            await self._pair(found, item, at, change)
        return stores

    # --- pairs ------------------------------------------------------------------------------

    def _wait(self, entry: Item, names: Iterable[str]) -> None:
        """Note by which names an entry waits for its tender."""
        self._waiting.add(entry.item_id, (entry.reference, entry.other_reference, *names))

    async def _pair(self, tender: Item, entry: Item, at: int, change: Change) -> None:
        """Join a tender and an entry; amounts that differ beyond the tolerance are a finding."""
        self._items.match(tender, entry, change)
        self._waiting.leave(entry.item_id)
        apart = entry.amount - tender.amount
        same = tender.currency == entry.currency
        found: list[Finding] = []
        if not same or abs(apart) > self._judge.tolerance("AMOUNT_DIFF"):
            found = self._judge.finding(
                "AMOUNT_DIFF",
                tender.store,
                tender.business_date,
                subject=tender.reference,
                currency=tender.currency,
                expected=str(tender.amount),
                found=str(entry.amount) if same else f"{entry.amount} {entry.currency}",
                difference=str(apart),
                position=tender.position,
            )
        await self._report("AMOUNT_DIFF", tender, at, change, found)
        await self._report("TENDER_NO_PAYMENT", tender, at, change, [])
        await self._report("PAYMENT_NO_TENDER", entry, at, change, [])

    async def _withdraw(self, origin: str, at: int, change: Change) -> None:
        """Take away what an older revision of an object said."""
        for item in await self._items.of_origin(origin):
            if item.kind == "payout":
                if item.match_id:
                    await self._bank.leave(item, at, change)
            else:
                other = await self._counterpart(item)
                if other is not None:
                    self._items.join([other], 0, change)
                    await self._report("AMOUNT_DIFF", other, at, change, [])
                    if other.kind == "entry":
                        links = await self._names.of([other.reference])
                        self._wait(other, links.get(other.reference, ()))
            for rule in (_OVERDUE[item.kind], "AMOUNT_DIFF"):
                await self._report(rule, item, at, change, [])
            self._waiting.leave(item.item_id)
            self._items.withdraw(item, change)

    async def _counterpart(self, item: Item) -> Item | None:
        if not item.match_id:
            return None
        return await self._items.item("tender" if item.kind == "entry" else "entry", item.match_id)

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

    def _absent(self, item: Item, detail: str) -> list[Finding]:
        return self._judge.finding(
            _OVERDUE[item.kind],
            item.store,
            item.business_date,
            subject=item.reference,
            currency=item.currency,
            expected=str(item.amount),
            found="nothing",
            difference=str(-item.amount),
            detail=detail,
            position=item.position,
        )

    def _flaw(self, payout: Item, own: Breach | None) -> list[Finding]:
        if own is None:
            return []
        return self._judge.finding(
            "PAYOUT_DIFF",
            payout.store,
            payout.business_date,
            subject=payout.reference,
            currency=payout.currency,
            expected=own.expected,
            found=own.found,
            difference=str(own.difference or 0),
            detail=own.path,
            position=payout.position,
        )

    def _processor_of(self, tender_type: str, system: str) -> ProcessorSetting | None:
        for processor in self._settings.processors.values():
            if tender_type in processor.tender_types and (
                not processor.systems or system in processor.systems
            ):
                return processor
        return None


def _origin(entered: Entered) -> str:
    """Return the object of a message whose source revises it, "" for any other."""
    digest = entered.stored.envelope.object_digest
    return "" if digest is None else digest.hex()


@lru_cache(maxsize=1024)
def _after(business_date: str, days: int) -> str:
    return (date.fromisoformat(business_date) + timedelta(days=days)).isoformat()

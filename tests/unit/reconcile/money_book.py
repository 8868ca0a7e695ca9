"""Money followed by the matching alone: messages in, items and findings out, on tables in memory.

What is taken is committed window by window, and each window may end in a crash first: then it is
read again by a book that knows only what was committed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from tillway.journal.base import StoredMessage
from tillway.journal.memory import MemoryJournal
from tillway.journal.projection import Change
from tillway.message import Envelope
from tillway.model.payments import BankStatementLine, PaymentUpdate, Settlement, SettlementEntry
from tillway.project.records import ProcessorSetting, Reconciliation
from tillway.reconcile.facts import Breach, Fact, Paid
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.matching import Matching
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import tables

DAY = "2026-11-20"
PSP, BANK, SHOP = "cardco", "bank", "0001"
SETTINGS = Reconciliation(
    processors={PSP: ProcessorSetting(PSP, bank=BANK)}, deposit_bank=BANK, deposit_within_days=3
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATE = datetime(2026, 12, 20, 12, tzinfo=UTC)
Key = tuple[str, str]


@dataclass(slots=True)
class Told:
    """One message as the matching sees it, before it has a place in the journal."""

    kind: str
    message: Any
    fact: Fact | None = None
    system: str = "till"
    digest: bytes | None = None
    breaches: tuple[Breach, ...] = ()
    store: str = SHOP


@dataclass(slots=True)
class MoneyBook:
    """The matching over tables in memory."""

    settings: Reconciliation = SETTINGS
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    position: int = 0

    async def take(
        self, told: Sequence[Told], *, cuts: Collection[int] = (), crashes: Collection[int] = ()
    ) -> None:
        """Take messages in windows that end before the cuts; some windows crash once first."""
        await self.journal.open_tables(tables())
        ends = sorted({cut for cut in cuts if 0 < cut < len(told)} | {len(told)})
        begin, matching = 0, self._fresh()
        await self._open(matching)
        for window, end in enumerate(ends):
            if window in crashes:
                await self._read(matching, told[begin:end], begin)
                matching = self._fresh()
                await self._open(matching)
            change = await self._read(matching, told[begin:end], begin)
            await self.journal.project(change)
            begin = end
        self.position += len(told)

    async def look(self, now: datetime = LATE) -> None:
        """Find what should have come by a moment."""
        matching, change = self._fresh(), Change()
        await self._open(matching)
        await matching.look(round(now.timestamp() * 1_000_000), change)
        await self.journal.project(change)

    async def findings(self) -> dict[Key, tuple[str, str]]:
        """Return (rule, subject) -> expected and found, of what is open."""
        rows = await self.journal.ask(
            "SELECT rule, subject, expected, found FROM recon_finding WHERE state = 'open'"
        )
        return {(rule, subject): (wanted, found) for rule, subject, wanted, found in rows}

    async def detail(self, rule: str) -> str:
        """Return what an open finding of a rule says."""
        [[detail]] = await self.journal.ask(
            "SELECT detail FROM recon_finding WHERE state = 'open' AND rule = ?", (rule,)
        )
        return str(detail)

    async def state(self) -> tuple[Any, Any]:
        """Return items and open findings without numbers that depend on how they came."""
        items = await self.journal.ask(
            "SELECT one.kind, one.reference, one.amount, one.position, coalesce(other.kind, ''),"
            " coalesce(other.position, 0), one.match_id <> 0 FROM recon_item AS one"
            " LEFT JOIN recon_item AS other ON other.item_id = one.match_id ORDER BY 4, 1, 2, 3"
        )
        return items, await self.findings()

    def _fresh(self) -> Matching:
        release: Any = SimpleNamespace(hub=SimpleNamespace(time_zone="UTC"))
        self.log = FindingLog(self.journal)
        judge = Judge(self.settings.rules)
        return Matching(release, self.settings, cast("Any", self.journal), self.log, judge)

    async def _open(self, matching: Matching) -> None:
        self.log.open()
        await matching.open()

    async def _read(self, matching: Matching, told: Sequence[Told], begin: int) -> Change:
        change = Change()
        for number, one in enumerate(told, begin + 1):
            envelope = Envelope(
                message_id=f"{number:032x}",
                message_type=one.kind,
                schema_version=1,
                system=one.system,
                door=one.system,
                natural_key=one.fact.natural_key if one.fact else str(number),
                lane_key="",
                received_at=round(NOON.timestamp() * 1_000_000),
                trace_id="",
                release="",
                store=one.store,
                business_date=DAY,
                object_digest=one.digest,
            )
            stored = StoredMessage(self.position + number, envelope)
            entered = Entered(stored, one.message, one.fact, breaches=one.breaches)
            await matching.take(entered, change)
        return change

    log: FindingLog = field(init=False)


def sale(reference: str, amount: str, number: int = 1, **more: Any) -> Told:
    """Return a receipt paid by card; without a reference only its number is known."""
    paid = (Paid("credit", Decimal(amount), reference),)
    key = f"{SHOP}:1:{DAY}:{number}"
    fact = Fact("receipt", key, "till", "EUR", tenders=paid)
    told = SimpleNamespace(receipt_number=more.pop("receipt", None))
    return Told("retail_transaction.completed", told, fact, **more)


def deposit(reference: str, amount: str) -> Told:
    """Return cash on its way to the bank."""
    money = -Decimal(amount)
    fact = Fact("cash", reference, "till", "EUR", subtype="bank_deposit", amount=money)
    fact.reference = reference
    return Told("cash.moved", None, fact)


def payment(reference: str, status: Any, amount: str, **more: Any) -> Told:
    """Return a step of a payment."""
    money = Decimal(amount)
    message = PaymentUpdate(
        psp=PSP, psp_reference=reference, status=status, amount=money, currency="EUR", **more
    )
    return Told("payment.updated", message, system=PSP)


def entry(reference: str, gross: str, kind: Any = "charge", **more: Any) -> SettlementEntry:
    """Return an entry of a payout, without a fee."""
    money = Decimal(gross)
    return SettlementEntry(entry_type=kind, gross=money, net=money, psp_reference=reference, **more)


def payout(
    name: str,
    *entries: SettlementEntry,
    net: str = "",
    bank_reference: str | None = None,
    digest: bytes | None = None,
    breaches: tuple[Breach, ...] = (),
) -> Told:
    """Return a payout; its net is that of its entries unless it says otherwise."""
    money = Decimal(net) if net else sum((one.net for one in entries), Decimal(0))
    message = Settlement(
        psp=PSP,
        payout_id=name,
        currency="EUR",
        gross=money,
        net=money,
        period_to=date.fromisoformat(DAY),
        expected_bank_date=date(2026, 11, 21),
        bank_reference=bank_reference,
        entries=entries,
    )
    return Told(
        "settlement.posted", message, system=PSP, digest=digest, breaches=breaches, store=""
    )


def line(amount: str, text: str = "", reference: str | None = None, **more: Any) -> Told:
    """Return a booked line of a statement."""
    told = {"document": "statement", "status": "booked", "value_date": date(2026, 11, 23), **more}
    message = BankStatementLine(
        account="ours",
        statement_id="S1",
        line_no=1,
        amount=Decimal(amount),
        currency="EUR",
        reference=reference,
        text=text or None,
        **told,
    )
    return Told("bank.statement_line", message, system=BANK, store="")

"""What acquirer and bank get wrong, and the findings that must come of it.

A payment can only be missed that the hub has a receipt for: what got lost on both sides is found by
nobody. What it has no receipt for is told here by `unseen`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tillway.simulator.expected import ExpectedFinding, of_place, unknown_payment
from tillway.simulator.facts import Fact
from tillway.simulator.fault_plan import FaultKind, FaultPlan
from tillway.simulator.finance import Treasury, credit_of, entry_of
from tillway.simulator.finance_facts import BankStatement, Payout, StatementLine
from tillway.simulator.plan import ChainPlan
from tillway.simulator.record_faults import RecordFaults

Morning = tuple[Payout | BankStatement, FaultKind | None, str, tuple[ExpectedFinding, ...]]
"""What is told, its fault, the detail of it, and what must be found."""


class MoneyOffice:
    """Acquirer and bank of a chain, day by day."""

    def __init__(self, plan: ChainPlan, faults: FaultPlan) -> None:
        self._treasury = Treasury(plan)
        self._faults = RecordFaults(plan, faults)
        self._unseen: set[str] = set()
        self._day: date | None = None

    def see(self, fact: Fact) -> None:
        """Take what happened in a shop."""
        self._day = fact.day
        self._treasury.see(fact)

    def unseen(self, references: list[str]) -> None:
        """Note card payments whose receipt the hub will not have, or has with another amount."""
        self._unseen.update(references)

    def morning(self, new_day: date | None) -> Iterator[Morning]:
        """Yield what comes the morning after, once a fact of another day (or none) is next."""
        day = self._day
        if day is None or day == new_day:
            return
        self._day = None
        lines: list[StatementLine] = []
        for payout in self._treasury.payouts(day):
            told = self._told(payout)
            yield told
            lines.append(self._credit(payout))
        deposits = [self._deposit(line) for line in self._treasury.deposits()]
        missing = [line for line in deposits if line.fault == "deposit_missing"]
        lines += [line for line in deposits if line.fault != "deposit_missing"]
        for statement in self._treasury.statements(day, lines, missing):
            yield statement, None, "", ()
        self._unseen = set()

    def _told(self, payout: Payout) -> Morning:
        """Return the payout as the acquirer tells it: by one entry short, or by one too long."""
        fault = self._faults.of_payout(payout.payout_id)
        chance = self._faults.chance(payout.payout_id)
        store = payout.store.business_unit_id
        if fault == "payment_missing":
            known = [
                entry
                for entry in payout.entries
                if entry.reference not in self._unseen and entry.gross > 0
            ]
            if known and len(payout.entries) > 1:
                lost = chance.choice(known)
                payout.entries.remove(lost)
                finding = of_place("TENDER_NO_PAYMENT", lost.store, lost.day, lost.reference)
                return payout, fault, lost.reference, (finding,)
        if fault == "payment_unknown":
            reference = f"PWX{store}D{payout.day:%y%m%d}"
            amount = chance.randrange(300, 9000)
            payout.entries.append(entry_of(reference, amount, store, payout.day))
            return payout, fault, reference, (unknown_payment(reference),)
        return payout, None, "", ()

    def _credit(self, payout: Payout) -> StatementLine:
        line = credit_of(payout)
        if self._faults.of_payout(payout.payout_id) == "payout_off":
            self._off_by_a_cent(line, "payout_off")
        return line

    def _deposit(self, line: StatementLine) -> StatementLine:
        fault = self._faults.of_deposit(line.reference)
        if fault == "deposit_off":
            self._off_by_a_cent(line, fault)
        line.fault = fault
        return line

    def _off_by_a_cent(self, line: StatementLine, fault: FaultKind) -> None:
        cent = self._faults.chance(line.reference).choice((-1, 1))
        line.amount += cent
        line.fault, line.detail = fault, "0.01" if cent > 0 else "-0.01"


def finding_of_line(line: StatementLine) -> ExpectedFinding:
    """Return what must be found because of a line's fault."""
    rule = "PAYOUT_DIFF" if line.fault == "payout_off" else "DEPOSIT_MISMATCH"
    return of_place(rule, line.store, line.day, line.reference)

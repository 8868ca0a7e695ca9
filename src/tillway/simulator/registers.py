"""One register of a shop: its running number and what a till session and a day have summed up."""

from __future__ import annotations

import msgspec

from tillway.simulator.facts import CashMove, DaySums, Paid, Receipt, TenderLedger


class Register(msgspec.Struct):
    """A workstation. next_number and epoch rise for ever; the rest starts again each day.

    used: numbers taken today. epoch: how often the counter has started again.
    """

    till: str
    next_number: int = 1
    epoch: int = 0
    first_number: int = 1
    used: int = 0
    free_at: int = 0
    operator: str = ""
    cash: int = 0
    ledgers: dict[str, TenderLedger] = msgspec.field(default_factory=dict)
    line_voids: tuple[int, int] = (0, 0)
    post_voids: tuple[int, int] = (0, 0)
    cancelled: int = 0

    def take_number(self) -> int:
        """Return the next number of the register; every number is used exactly once."""
        number = self.next_number
        self.next_number += 1
        self.used += 1
        return number

    def lose_counter(self) -> None:
        """Start again at 1, as a register does whose memory was cleared."""
        self.next_number = 1
        self.epoch += 1

    def start_day(self, opening_second: int) -> None:
        """Forget yesterday's session."""
        self.first_number = self.next_number
        self.used = 0
        self.free_at = opening_second
        self.cash = 0
        self.ledgers = {}
        self.line_voids = self.post_voids = (0, 0)
        self.cancelled = 0

    def take_tenders(self, tenders: list[Paid]) -> None:
        """Add the tenders of a receipt or post-void to the session."""
        for paid in tenders:
            ledger = self.ledgers.setdefault(paid.kind, TenderLedger(paid.kind))
            if paid.amount < 0:
                ledger.returns -= paid.amount
            else:
                ledger.sales += paid.amount
            if paid.kind == "cash":
                self.cash += paid.amount

    def take_move(self, move: CashMove) -> None:
        """Add a cash movement to the session; a deposit comes from the safe, out of no drawer."""
        ledger = self.ledgers.setdefault("cash", TenderLedger("cash"))
        if move.kind == "float_in":
            ledger.loans += move.amount
        elif move.kind == "pickup":
            ledger.pickups -= move.amount
        elif move.kind == "bank_deposit":
            return
        else:
            ledger.paid_out -= move.amount
        self.cash += move.amount

    def take_voids(self, receipt: Receipt) -> None:
        """Count the struck-out lines of a receipt."""
        struck = [line.gross for line in receipt.lines if line.voided]
        if struck:
            count, amount = self.line_voids
            self.line_voids = (count + len(struck), amount + sum(struck))


def add_to_day(sums: DaySums, receipt: Receipt) -> None:
    """Add a receipt, or the reversed receipt of a post-void, to the day."""
    sums.gross += receipt.gross
    sums.discount += receipt.discount
    sums.tax += receipt.tax
    sums.grand += receipt.grand
    sums.returns += sum(
        line.net for line in receipt.lines if line.kind == "return" and not line.voided
    )
    for tax in receipt.taxes:
        taxable, amount = sums.taxes.get(tax.rate, (0, 0))
        sums.taxes[tax.rate] = (taxable + tax.taxable, amount + tax.tax)
    for paid in receipt.tenders:
        count, money = sums.tenders.get(paid.kind, (0, 0))
        sums.tenders[paid.kind] = (count + 1, money + paid.amount)

"""What the acquirer and the bank tell of the chain's money: payouts, and statements of account.

Both are invented. A payout belongs to one shop and one business day; a statement has the credits of
all shops with one currency, so it belongs to none of them and bears the first one's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import msgspec

from tillway.simulator.facts import Fact
from tillway.simulator.fault_plan import FaultKind

ACQUIRER = "paywell"
BANK = "harbourbank"
ACCOUNTS: Mapping[str, str] = {"EUR": "NL32HBNK0000004201", "USD": "HB0000007702"}
"""Currency -> the chain's account at the bank."""


class PayoutEntry(msgspec.Struct):
    """One card payment in a payout; a refund is negative and costs no fee.

    key and day are those of its receipt, "" and the payout's own day for one that has none.
    """

    reference: str
    gross: int
    fee: int
    store: str
    day: date
    key: str = ""

    @property
    def net(self) -> int:
        """What is paid out of it."""
        return self.gross - self.fee


class Payout(Fact, kw_only=True):
    """The card money of one shop and business day; bank_day is when the bank will show it."""

    message_type: ClassVar[str] = "settlement.posted"
    payout_id: str
    entries: list[PayoutEntry]
    bank_day: date

    @property
    def system(self) -> str:
        """The acquirer tells it, not the shop."""
        return ACQUIRER

    @property
    def sender(self) -> str:
        """The acquirer."""
        return ACQUIRER

    @property
    def unnumbered_key(self) -> tuple[str, ...]:
        """The acquirer and its number of the payout."""
        return ACQUIRER, self.payout_id

    @property
    def gross(self) -> int:
        """All entries before fees."""
        return sum(entry.gross for entry in self.entries)

    @property
    def fee(self) -> int:
        """All fees."""
        return sum(entry.fee for entry in self.entries)

    @property
    def net(self) -> int:
        """What reaches the bank."""
        return self.gross - self.fee

    @property
    def money(self) -> int:
        """The gross amount."""
        return self.gross


class StatementLine(msgspec.Struct):
    """One credit (or debit, below zero) of an account; reference is what its payer called it."""

    reference: str
    amount: int
    text: str
    payer: str
    store: str
    day: date
    fault: FaultKind | None = None
    detail: str = ""


class BankStatement(Fact, kw_only=True):
    """The statement of one account and day.

    missing: deposits that should be on it and are not; they are no part of it.
    """

    message_type: ClassVar[str] = "bank.statement_line"
    statement_id: str
    account: str
    opening: int
    lines: list[StatementLine]
    missing: list[StatementLine]

    @property
    def system(self) -> str:
        """The bank tells it."""
        return BANK

    @property
    def sender(self) -> str:
        """The bank."""
        return BANK

    @property
    def account_name(self) -> str:
        """The account as the project's mapping calls it: of its number the last four are kept."""
        return f"{BANK}-{self.account[-4:]}"

    @property
    def unnumbered_key(self) -> tuple[str, ...]:
        """Account and statement; each line adds its place."""
        return self.account_name, self.statement_id

    @property
    def closing(self) -> int:
        """The balance after its lines."""
        return self.opening + sum(line.amount for line in self.lines)

    def line_key(self, place: int) -> str:
        """Return the natural key of a line; place counts from 1."""
        return ":".join((*self.unnumbered_key, str(place)))

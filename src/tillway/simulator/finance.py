"""The money after the till: what acquirer and bank do each morning with what the shops did.

They know what happened, not what the shops told of it: a sale whose receipt gets lost is paid out
all the same. Faults of theirs are added by `finance_faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from tillway.simulator.expected import tenders_of
from tillway.simulator.facts import CashMove, Fact
from tillway.simulator.finance_facts import (
    ACCOUNTS,
    BankStatement,
    Payout,
    PayoutEntry,
    StatementLine,
)
from tillway.simulator.plan import ChainPlan
from tillway.simulator.receipts import half_up

PAYOUT_TIME = time(6)
STATEMENT_TIME = time(6, 30)
FEE_CENTS = 10
FEE_BASIS_POINTS = 90
WHOLE_BASIS_POINTS = 10_000


class Treasury:
    """Collects a business day's card payments and deposits, and makes the next morning of them."""

    def __init__(self, plan: ChainPlan) -> None:
        self._stores = {store.business_unit_id: store for store in plan.store_plans()}
        self._balances = dict.fromkeys(ACCOUNTS, 0)
        self._payments: dict[str, list[PayoutEntry]] = {}
        self._deposits: dict[str, StatementLine] = {}

    def see(self, fact: Fact) -> None:
        """Take what a fact means for acquirer and bank, if anything."""
        store = fact.store.business_unit_id
        for paid in tenders_of(fact):
            if paid.payment_ref:
                entry = entry_of(paid.payment_ref, paid.amount, store, fact.day)
                entry.key = fact.natural_key
                self._payments.setdefault(store, []).append(entry)
        if isinstance(fact, CashMove) and fact.kind == "bank_deposit":
            text = f"CASH DEPOSIT {fact.envelope} STORE {store}"
            self._deposits[store] = StatementLine(
                fact.envelope, -fact.amount, text, "Cash centre", store, fact.day
            )

    def payouts(self, day: date) -> Iterator[Payout]:
        """Yield one payout for each shop with card payments on a day, and forget the payments."""
        for store, entries in sorted(self._payments.items()):
            plan, moment = self._stores[store], _morning(day, PAYOUT_TIME)
            yield Payout(
                store=plan,
                till="",
                day=day,
                number=None,
                begin=moment,
                end=moment,
                payout_id=f"PO{day:%y%m%d}S{store}{plan.currency}",
                entries=entries,
                bank_day=moment.date(),
            )
        self._payments = {}

    def deposits(self) -> list[StatementLine]:
        """Return the deposits of the day, and forget them."""
        found = [line for _, line in sorted(self._deposits.items())]
        self._deposits = {}
        return found

    def statements(
        self, day: date, lines: list[StatementLine], missing: list[StatementLine]
    ) -> Iterator[BankStatement]:
        """Yield the statement of each account that has lines; balances go on from day to day."""
        moment = _morning(day, STATEMENT_TIME)
        for currency, account in sorted(ACCOUNTS.items()):
            mine = self._in(currency, lines)
            lost = self._in(currency, missing)
            if not mine and not lost:
                continue
            first = self._stores[(mine or lost)[0].store]
            statement = BankStatement(
                store=first,
                till="",
                day=moment.date(),
                number=None,
                begin=moment,
                end=moment,
                statement_id=f"HB{moment:%y%m%d}{currency}",
                account=account,
                opening=self._balances[currency],
                lines=mine,
                missing=lost,
            )
            self._balances[currency] = statement.closing
            yield statement

    def _in(self, currency: str, lines: list[StatementLine]) -> list[StatementLine]:
        return [line for line in lines if self._stores[line.store].currency == currency]


def entry_of(reference: str, gross: int, store: str, day: date) -> PayoutEntry:
    """Return the entry of a payment with its fee: so much for each, and a share of the amount."""
    share = half_up(gross * FEE_BASIS_POINTS, WHOLE_BASIS_POINTS)
    return PayoutEntry(reference, gross, FEE_CENTS + share if gross > 0 else 0, store, day)


def credit_of(payout: Payout) -> StatementLine:
    """Return the line by which a payout reaches the bank."""
    text = f"PAYWELL PAYOUT {payout.payout_id}"
    store = payout.store.business_unit_id
    return StatementLine(payout.payout_id, payout.net, text, "Paywell", store, payout.day)


def _morning(day: date, hour: time) -> datetime:
    return datetime.combine(day + timedelta(days=1), hour)

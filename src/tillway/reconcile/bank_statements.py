"""Bank statements one after the other: each begins with the balance the one before it ended with.

Where it does not, a statement is missing, and every line on it. Balances prove it where numbers do
not: banks count anew each year, and send nothing for a day on which nothing was booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

import msgspec

from tillway.journal.projection import Change, ProjectingJournal
from tillway.reconcile.answers import findings
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge
from tillway.reconcile.side_book import Entered
from tillway.reconcile.tables import match as sql

RULE = "STATEMENT_GAP"
REMEMBERED = 10_000
"""Statements of which is known that they are kept; one forgotten is offered to its table again."""
Account = tuple[str, str, str]
"""System, account and currency."""


class BankStatement(msgspec.Struct, frozen=True):
    """A statement of one account in one currency; closed_on: ISO date of the closing balance."""

    statement_id: str
    closed_on: str
    opening: Decimal
    closing: Decimal
    position: int


class BankStatements:
    """Finds statements that are missing, a side book of the bookkeeper."""

    reads = ("bank.statement_line",)

    def __init__(self, journal: ProjectingJournal, log: FindingLog, judge: Judge) -> None:
        self._journal = journal
        self._log = log
        self._judge = judge
        self._kept: set[tuple[Account, str]] = set()
        self._changed: set[Account] = set()

    async def open(self) -> None:
        """Judge every account anew: nobody knows which were when the process ended."""
        self._kept.clear()
        self._changed = set(await self._journal.ask(sql("statement_accounts")))

    async def take(self, entered: Entered, change: Change) -> None:
        """Keep the statement that a line stands on; each line of it tells of all of it."""
        line, envelope = entered.message, entered.stored.envelope
        is_statement = line.document in (None, "statement")
        balances = (line.opening_balance, line.closing_balance)
        if entered.history or not is_statement or None in balances:
            return
        account = (envelope.system, line.account, line.currency)
        if (account, line.statement_id) in self._kept:
            return
        if len(self._kept) >= REMEMBERED:
            self._kept.clear()
        self._kept.add((account, line.statement_id))
        self._changed.add(account)
        closed_on = line.statement_date or line.booking_date or line.value_date
        row = (line.statement_id, closed_on.isoformat(), *map(str, balances))
        change.run(sql("statement"), (*account, *row, entered.stored.position))

    async def look(self, now: int, change: Change) -> None:
        """Judge the accounts that have a new statement."""
        for account in sorted(self._changed):
            await self._judge_account(account, now, change)
        self._changed.clear()

    async def _judge_account(self, account: Account, now: int, change: Change) -> None:
        rows = await self._journal.ask(sql("statements_of"), account)
        allowed = self._judge.tolerance(RULE)
        found = [
            one
            for before, after in gaps(map(_statement, rows))
            if abs(after.opening - before.closing) > allowed
            for one in self._gap(account, before, after)
        ]
        for one in (*found, *await self._told(account)):
            day, subject = one.business_date, one.subject
            still = [gap for gap in found if gap.identity == one.identity]
            await self._log.report("", day, (RULE,), still, now, change, subject=subject)

    def _gap(self, account: Account, before: BankStatement, after: BankStatement) -> list[Finding]:
        _, name, currency = account
        return self._judge.finding(
            RULE,
            "",
            after.closed_on,
            subject=f"{name} {after.statement_id}",
            currency=currency,
            expected=str(before.closing),
            found=str(after.opening),
            difference=str(after.opening - before.closing),
            detail=f"the statement before it is {before.statement_id} of {before.closed_on}",
            position=after.position,
        )

    async def _told(self, account: Account) -> list[Finding]:
        """Return the gaps of an account that are open on record."""
        _, name, currency = account
        return [
            one
            for one in await findings(self._journal, rule=RULE)
            if one.currency == currency and one.subject.startswith(f"{name} ")
        ]


def gaps(statements: Iterable[BankStatement]) -> Iterator[tuple[BankStatement, BankStatement]]:
    """Yield two statements of one account that follow one another and do not belong together.

    Those of one day may come in any order: what the balances say is their order.
    """
    before: BankStatement | None = None
    in_order = sorted(statements, key=attrgetter("closed_on", "position"))
    for _, day in groupby(in_order, key=attrgetter("closed_on")):
        waiting = list(day)
        while waiting:
            after = _next(before, waiting)
            waiting.remove(after)
            if before is not None and after.opening != before.closing:
                yield before, after
            before = after


def _next(before: BankStatement | None, waiting: list[BankStatement]) -> BankStatement:
    """Return the statement that goes on from the one before, else the one that begins a chain."""
    if before is not None:
        for one in waiting:
            if one.opening == before.closing:
                return one
    closings = {one.closing for one in waiting}
    return next((one for one in waiting if one.opening not in closings), waiting[0])


def _statement(row: tuple[str, str, str, str, int]) -> BankStatement:
    statement_id, closed_on, opening, closing, position = row
    return BankStatement(statement_id, closed_on, Decimal(opening), Decimal(closing), position)

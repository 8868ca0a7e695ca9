"""Store-days for tests of what is told about them: one balanced, one with a number missing.

Names that a spreadsheet would take for a formula are among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from operating_world import RecordedOperations
from tillway.api import Changes, Questions, Snapshot, api_app, token_admission
from tillway.console import console_app
from tillway.journal.projection import Change
from tillway.reconcile import Desk
from tillway.reconcile.tables import match, write
from unit.reconcile.books import Books, close, later, receipt
from unit.reconcile.days import DAY, STORE

CLOSED = "business_day.closed"
GAP_DAY = "2026-11-19"
TOKEN = "the-token-of-these-days"  # a made-up one


def close_of(numbers: range) -> Any:
    """Return a close record that declares these numbers and no totals."""
    plain = close(totals=None, tenders=())
    [register] = plain.workstations
    told = later(
        register,
        first_sequence=numbers[0],
        last_sequence=numbers[-1],
        transaction_count=len(numbers),
    )
    return later(plain, workstations=(told,))


async def told_days(books: Books | None = None) -> Books:
    """Return books with a balanced day and, the day before, one with number 2 missing."""
    books = books or Books(CLOSED, approve="person")
    await books.take(receipt(1, day=GAP_DAY), receipt(3, day=GAP_DAY))
    await books.take(receipt(4), receipt(5), close_of(range(4, 6)))
    await books.keeper.catch_up()
    change = Change()
    change.run(match("item"), *items())
    change.run(write("posting"), *postings())
    await books.journal.project(change)
    return books


def items() -> list[tuple[Any, ...]]:
    """Return one overdue tender, one that found its entry, and a credit nobody knows."""
    place = (STORE, DAY, "EUR")
    return [
        (9001, "tender", "cardco", "=PSP1", "", *place, "12.50", 1, "2026-11-19", 0, "", 0),
        (9002, "tender", "cardco", "PSP2", "", *place, "7.50", 1, "2026-11-25", 9003, "", 0),
        (9003, "entry", "cardco", "PSP2", "", "", "", "EUR", "7.50", 2, "", 9002, "", 0),
        (9004, "credit", "bank", "R1", "", "", "2026-11-20", "JPY", "1200", 3, "", 0, "", 0),
    ]


def postings() -> list[tuple[Any, ...]]:
    """Return one posting of the first day, wanted."""
    key = f"{STORE}:{GAP_DAY}:store_day:EUR:0"
    return [("ledger", key, 1, 0, "store_day", "EUR", "23.80", b"{}", 1)]


@dataclass
class Deciding(RecordedOperations):
    """Operations with a desk over these books."""

    desk: Desk | None = None


class Told:
    """API and console over the same days."""

    def __init__(self, books: Books) -> None:
        self.books = books
        operations = Deciding(desk=Desk(books.keeper))
        journal, known, clock = books.journal, books.release, books.clock
        snapshot = Snapshot(journal, known, clock)
        self.api = api_app(
            Questions(journal, known, snapshot, clock),
            Changes(operations, journal, known),
            admission=token_admission(TOKEN),
        )
        self.console = console_app(
            reader=journal, release=known, snapshot=snapshot, operations=operations, clock=clock
        )


def minor_amounts() -> list[tuple[str, str, str]]:
    """Return (amount, currency, as it is written)."""
    cases = [("1200", "JPY", "1200"), ("1.5", "KWD", "1.500"), ("2", "EUR", "2.00")]
    return [*cases, ("0.00950", "EUR", "0.0095"), (str(Decimal("-3.10")), "USD", "-3.10")]

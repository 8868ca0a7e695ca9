"""What people ask about store-days: lists, one day in full, the matrix of shops and days.

Only reads, beside a running hub or without one; amounts come out as text, in the currency beside
them, and times as microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.reconcile.day_book import DayBook, Sums, decode_book
from tillway.reconcile.facts import ZERO
from tillway.reconcile.findings import Finding, finding_from
from tillway.reconcile.rules import CATALOGUE
from tillway.reconcile.shelf import decode_day
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read

ANY_FIRST, ANY_LAST = "", "9999-99-99"
"""Dates around all there are; card money without a receipt has none."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One document the ERP was asked for; state is wanted, said or confirmed."""

    erp: str
    posting_key: str
    revision: int
    posting_type: str
    currency: str
    amount: str
    state: str
    asked_at: int
    position: int
    document_number: str
    confirmed_at: int


@dataclass(frozen=True, slots=True)
class Move:
    """One step in the life of a day."""

    at: int
    state: str
    revision: int
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a day in one currency: as declared by the shop (None: not), and as received."""

    name: str
    currency: str
    declared: str | None
    received: str
    difference: str | None


@dataclass(frozen=True, slots=True)
class DayInFull:
    """Everything about one store-day."""

    day: StoreDay
    measures: list[Measure]
    findings: list[Finding]
    moves: list[Move]
    postings: list[Posting]
    workstations: dict[str, dict[str, Any]]


async def ready(tables: Asking) -> None:
    """Raise ConfigurationError TW-6902 while nothing was reconciled in this journal yet."""
    if not await tables.ask("SELECT 1 FROM projection WHERE name = 'recon'"):
        raise ConfigurationError("TW-6902", "no store-day was kept in this journal yet")


async def store_days(
    tables: Asking, *, first: str = ANY_FIRST, last: str = ANY_LAST, store: str = ""
) -> list[StoreDay]:
    """Return the days of a range (ISO dates, both included), by shop and date."""
    rows = await tables.ask(read("days_of"), (first, last, store))
    return [decode_day(record) for [record] in rows]


async def findings(
    tables: Asking,
    *,
    first: str = ANY_FIRST,
    last: str = ANY_LAST,
    store: str = "",
    state: str = "open",
    rule: str = "",
) -> list[Finding]:
    """Return findings by date, shop and rule; state "" for all."""
    rows = await tables.ask(read("findings"), (store, first, last, state, rule))
    return [finding_from(row) for row in rows]


async def day_in_full(tables: Asking, store: str, business_date: str) -> DayInFull | None:
    """Return one day with its figures, findings, life and postings; None when there is none."""
    rows = await tables.ask(read("day"), (business_date, store))
    if not rows:
        return None
    [(record, stored)] = rows
    day, book = decode_day(record), decode_book(stored)
    return DayInFull(
        day=day,
        measures=list(measures(book)),
        findings=[
            finding_from(row)
            for row in await tables.ask(read("findings_of"), (store, business_date))
        ],
        moves=[Move(*row) for row in await tables.ask(read("moves"), (day.day_id,))],
        postings=[
            Posting(*row) for row in await tables.ask(read("postings_of_day"), (day.day_id,))
        ],
        workstations=_workstations(book),
    )


def measures(book: DayBook) -> Iterable[Measure]:
    """Yield the figures of a day, each as declared and as received."""
    for currency, sums in sorted(book.sums.items()):
        declared = book.closed if book.closed_currency == currency else None
        yield Measure("receipts", currency, None, str(sums.count), None)
        for name in ("gross", "discount", "net", "tax", "rounding", "tip", "grand", "returns"):
            stated = getattr(declared, name, None) if declared else None
            yield _measure(name, currency, stated, getattr(sums, name))
        taxes = declared.taxes if declared else {}
        for rate in sorted(sums.taxes.keys() | taxes.keys()):
            received = sums.taxes[rate].tax if rate in sums.taxes else ZERO
            stated = taxes.get(rate, ZERO) if taxes else None
            yield _measure(f"tax {rate} %" if rate else "tax", currency, stated, received)
        yield from _tenders(sums, declared.tenders if declared else {}, currency)


def _tenders(sums: Sums, declared: dict[str, Decimal], currency: str) -> Iterable[Measure]:
    for kind in sorted(sums.tenders.keys() | declared.keys()):
        received = sums.tenders[kind].amount if kind in sums.tenders else ZERO
        stated = declared.get(kind, ZERO) if declared else None
        yield _measure(f"tender {kind}", currency, stated, received)


def _measure(name: str, currency: str, declared: Decimal | None, received: Decimal) -> Measure:
    if declared is None:
        return Measure(name, currency, None, str(received), None)
    return Measure(name, currency, str(declared), str(received), str(received - declared))


def _workstations(book: DayBook) -> dict[str, dict[str, Any]]:
    found = {}
    for name, register in sorted(book.registers.items()):
        declared = book.closed.registers.get(name) if book.closed else None
        found[name] = {
            "messages": register.count,
            "numbers": {
                str(epoch): [numbers.first, numbers.last, len(numbers)]
                for epoch, numbers in register.numbers.items()
            },
            "quarantined": sum(len(one) for one in register.quarantined.values()),
            "declared": list(declared) if declared else None,
        }
    return found


SYMBOLS = {
    "open": "·",
    "receiving": "…",
    "complete": "…",
    "exceptions": "?",
    "balanced": "=",
    "approved": "✓",
    "posted": "P",
    "reopened": "R",
}
MISSING, GAP = "!", "#"


def symbol_of(day: StoreDay) -> str:
    """Return the sign of a day in the matrix; a gap is drawn over any state."""
    if day.gaps:
        return GAP
    if day.state == "exceptions" and not day.messages:
        return MISSING
    return SYMBOLS[day.state]


def as_json(value: Any) -> Any:
    """Return a record of this room as plain values; severity and code of findings stand beside."""
    plain = msgspec.to_builtins(value)
    if isinstance(value, Finding):
        plain["code"] = CATALOGUE[value.rule].code
    return plain

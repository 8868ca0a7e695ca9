"""Facts, books and surroundings of one invented store-day, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tillway.project.records import HubSettings, Reconciliation, Release, RuleSetting, Store
from tillway.reconcile.audit_day import Surroundings, audit_day
from tillway.reconcile.day_book import DayBook
from tillway.reconcile.facts import Declared, Fact, Kind, Owed, Paid, Sold, TaxSum
from tillway.reconcile.rules import Judge

STORE, DAY = "0145", "2026-11-20"
NOON = 1_795_172_400_000_000
"""Noon of the day in Berlin, microseconds UTC."""
SECOND = 1_000_000
Found = dict[tuple[str, str], Any]


def fact(kind: Kind, number: int | None = None, *, till: str = "03", **more: Any) -> Fact:
    """Return a fact of the day that took place and arrived `number` seconds after noon."""
    at = number or 0
    key = f"{STORE}:{till}:{DAY}:{number}"
    told: dict[str, Any] = {
        "currency": "EUR",
        "till": till,
        "operator": "op-1",
        "happened_at": NOON // SECOND + at,
        "received_at": NOON + at * SECOND,
    }
    told |= more
    return Fact(kind, key, "quayside", workstation=till, number=number, **told)


def sale(number: int, cash: str = "11.90", *, till: str = "03", **more: Any) -> Fact:
    """Return a receipt of one line at 19 %, tax contained, paid in cash."""
    grand = Decimal(cash)
    tax = (grand * 19 / 119).quantize(Decimal("0.01"))
    figures: dict[str, Any] = {
        "gross": grand,
        "net": grand,
        "tax": tax,
        "grand": grand,
        "taxes": (TaxSum("19", grand, tax, included=True, judged=True),),
        "tenders": (Paid("cash", grand),),
        "sales": (Sold("food", "19", grand - tax),),
    }
    return fact("receipt", number, till=till, **(figures | more))


def liabilities(number: int) -> Fact:
    """Return a receipt of 61.00: 10.00 of goods at 0 %, and the rest owed to somebody."""
    owed = (
        Owed("gift_card", Decimal("25.00")),
        Owed("deposit", Decimal("4.00")),
        Owed("account_payment", Decimal("20.00")),
    )
    return fact(
        "receipt",
        number,
        gross=Decimal("59.00"),
        net=Decimal("59.00"),
        tip=Decimal("2.00"),
        grand=Decimal("61.00"),
        tenders=(Paid("debit", Decimal("61.00")),),
        sales=(Sold("food", "0", Decimal("10.00")),),
        owed=owed,
    )


def moved(number: int, subtype: str, amount: str, **more: Any) -> Fact:
    """Return a cash movement; into the drawer is positive."""
    tenders = (Paid("cash", Decimal(amount)),)
    return fact("cash", number, subtype=subtype, amount=Decimal(amount), tenders=tenders, **more)


def settled(till: str = "03", *, session: str = "1", **declared: Any) -> Fact:
    """Return a till settlement with these figures of cash."""
    figures = Declared(counted=True)
    for name, amount in declared.items():
        setattr(figures, name, {"cash": Decimal(amount)})
    found = fact("till", till=till, declared=figures, operator=f"op-{till}")
    found.natural_key = f"{STORE}:{till}:{session}"
    return found


def closed(number: int, **declared: Any) -> Fact:
    """Return the close record of the day."""
    return fact("closed", number, declared=Declared(**declared))


def book_of(facts: Iterable[Fact], *, by_operator: bool = False) -> DayBook:
    """Return the book of these facts, in this order."""
    book = DayBook()
    for position, one in enumerate(facts, 1):
        book.add(one, position, by_operator=by_operator)
    return book


def judge(**rules: RuleSetting) -> Judge:
    """Return a judge; every rule not named is taken as it is by default."""
    return Judge(rules)


def around(**changes: Any) -> Surroundings:
    """Return the surroundings of the day, long after every grace."""
    told: dict[str, Any] = {"now": NOON + 3600 * SECOND, "currency": "EUR", "counts_tills": False}
    return Surroundings(STORE, DAY, **(told | changes))


def found_in(
    book: DayBook, rules: Mapping[str, RuleSetting] | None = None, **changes: Any
) -> Found:
    """Return what the rules of a day find: (rule, subject) -> finding."""
    audit = audit_day(book, around(**changes), Judge(rules or {}))
    return {(one.rule, one.subject): one for one in audit.findings}


def release(settings: Reconciliation | None = None) -> Release:
    """Return a release with one shop in Berlin."""
    store = Store(STORE, "Elm Street", "Europe/Berlin", "DE", "EUR", "quayside")
    none: dict[str, Any] = {}
    return Release(
        digest="00",
        folder=Path(),
        hub=HubSettings("test"),
        sources=none,
        targets=none,
        routes=none,
        mappings=none,
        contracts=none,
        retries=none,
        breakers=none,
        stores={STORE: store},
        reconciliation=settings,
    )

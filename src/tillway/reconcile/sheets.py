"""The five tables of an export: days, figures, findings, postings and open items.

Each table stands for itself: shop, business date and currency are on every row, so that finance can
filter and sum it without the others.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from tillway.clock import utc_text
from tillway.journal.projection import Asking
from tillway.reconcile import answers
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST, OpenItem, Posting
from tillway.reconcile.export import Amount, Cell, Sheet
from tillway.reconcile.findings import Finding
from tillway.reconcile.measures import Measure
from tillway.reconcile.store_day import StoreDay

Kind = Literal["days", "figures", "findings", "postings", "items"]
KINDS: tuple[Kind, ...] = ("days", "figures", "findings", "postings", "items")
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "days": (
        *("store", "business_date", "state", "revision", "messages", "currency", "grand_total"),
        *("open_findings", "missing_numbers", "largest_difference", "approved_by", "since"),
    ),
    "figures": (
        *("store", "business_date", "figure", "currency"),
        *("declared", "received", "difference"),
    ),
    "findings": (
        *("store", "business_date", "rule", "subject", "severity", "state", "currency"),
        *("expected", "found", "difference", "detail", "owner", "first_seen"),
        *("decided_by", "reason"),
    ),
    "postings": (
        *("store", "business_date", "erp", "posting_key", "revision", "type", "currency"),
        *("amount", "state", "document_number", "asked", "confirmed", "trouble"),
    ),
    "items": (
        *("kind", "waits_for", "store", "business_date", "reference", "currency", "amount"),
        *("due", "days", "overdue"),
    ),
}


async def sheets(
    tables: Asking,
    kinds: Collection[Kind] = KINDS,
    *,
    today: str,
    first: str = ANY_FIRST,
    last: str = ANY_LAST,
    store: str = "",
) -> list[Sheet]:
    """Return the tables of an export for business dates from first to last (ISO, both included).

    What belongs to no day, such as card money without a receipt, is in every export of all shops.
    """
    made = []
    for kind in KINDS:
        if kind in kinds:
            rows = await _rows(tables, kind, today, first, last, store)
            made.append(Sheet(kind.capitalize(), COLUMNS[kind], rows))
    return made


async def _rows(
    tables: Asking, kind: Kind, today: str, first: str, last: str, store: str
) -> list[tuple[Cell, ...]]:
    asked = {"first": first, "last": last, "store": store}
    undated = {"first": "", "last": "", "store": store}
    more = first != ANY_FIRST and not store
    if kind == "days":
        days = await answers.store_days(tables, first=first, last=last, store=store)
        return [row for day in days for row in day_rows(day)]
    if kind == "figures":
        found = await answers.figures(tables, **asked)
        return [figure_row(shop, day, one) for shop, day, all_ in found for one in all_]
    if kind == "postings":
        return [posting_row(*one) for one in await answers.postings(tables, **asked)]
    if kind == "findings":
        listed = await answers.findings(tables, state="", **asked)
        listed += await answers.findings(tables, state="", **undated) if more else []
        return [finding_row(one) for one in listed]
    items = await answers.open_items(tables, today=today, **asked)
    items += await answers.open_items(tables, today=today, **undated) if more else []
    return [item_row(one) for one in items]


def day_rows(day: StoreDay) -> list[tuple[Cell, ...]]:
    """Return the rows of a day, one for each currency."""
    return [
        (
            *(day.store, _date(day.business_date), day.state, day.revision, day.messages),
            *(currency, _amount(amount, currency), day.findings, day.gaps),
            _amount(day.difference.get(currency, ""), currency),
            *(day.approved_by, _moment(day.since)),
        )
        for currency, amount in sorted((day.money or {"": ""}).items())
    ]


def figure_row(store: str, business_date: str, one: Measure) -> tuple[Cell, ...]:
    """Return the row of one figure; the number of receipts is no money."""
    place = (store, _date(business_date), one.name, one.currency)
    if one.name == "receipts":
        return (*place, None, int(one.received), None)
    amounts = (one.declared, one.received, one.difference)
    return (*place, *(_amount(amount or "", one.currency) for amount in amounts))


def finding_row(one: Finding) -> tuple[Cell, ...]:
    """Return the row of a finding."""
    return (
        *(one.store, _date(one.business_date), one.rule, one.subject, one.severity, one.state),
        *(one.currency, *(_figure(text, one) for text in (one.expected, one.found))),
        *(_figure(one.difference, one), one.detail, one.owner, _moment(one.first_seen)),
        *(one.decided_by, one.reason),
    )


def posting_row(store: str, business_date: str, one: Posting) -> tuple[Cell, ...]:
    """Return the row of a posting."""
    return (
        *(store, _date(business_date), one.erp, one.posting_key, one.revision, one.posting_type),
        *(one.currency, _amount(one.amount, one.currency), one.state, one.document_number),
        *(_moment(one.asked_at), _moment(one.confirmed_at), one.trouble),
    )


def item_row(one: OpenItem) -> tuple[Cell, ...]:
    """Return the row of an open item."""
    return (
        *(one.kind, one.waits_for, one.store, _date(one.business_date), one.reference),
        *(one.currency, _amount(one.amount, one.currency), _date(one.due)),
        *(one.days if one.days >= 0 else None, "yes" if one.overdue else "no"),
    )


def _figure(text: str, one: Finding) -> Cell:
    """Return what a rule compared: money where it is, else its words."""
    try:
        return _amount(text, one.currency) if one.currency else text
    except InvalidOperation:
        return text


def _amount(text: str, currency: str) -> Amount | None:
    return Amount(Decimal(text), currency) if text else None


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(microseconds: int) -> str:
    return utc_text(microseconds) if microseconds else ""

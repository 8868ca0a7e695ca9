"""What people ask about store-days: lists, one day in full, the matrix of shops and days.

Only reads, beside a running hub or without one; amounts come out as text, in the currency beside
them, and times as microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.reconcile.day_book import decode_book
from tillway.reconcile.facts import ZERO
from tillway.reconcile.findings import Finding, finding_from
from tillway.reconcile.measures import Measure, measures, registers_of
from tillway.reconcile.rules import CATALOGUE
from tillway.reconcile.shelf import decode_day, decode_shown
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.summaries import Alike, Matrix, matrix_of
from tillway.reconcile.tables import answer, read

ANY_FIRST, ANY_LAST = "", "9999-99-99"
"""Dates around all there are; card money without a receipt has none."""


class Posting(msgspec.Struct, frozen=True):
    """One document the ERP was asked for; state is wanted, said or confirmed.

    trouble: why the ERP refused it, "" when it did not.
    """

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
    trouble: str = ""


class Move(msgspec.Struct, frozen=True):
    """One step in the life of a day."""

    at: int
    state: str
    revision: int
    who: str
    why: str


class OpenItem(msgspec.Struct, frozen=True):
    """Money that waits for its counterpart.

    kind is tender, entry, payout, deposit or credit; waits_for says for what, in words. amount is
    signed as its own system sees it. days: since its business date, -1 when it has none; overdue:
    the counterpart should be there.
    """

    item_id: int
    kind: str
    waits_for: str
    party: str
    reference: str
    store: str
    business_date: str
    currency: str
    amount: str
    position: int
    due: str
    days: int
    overdue: bool


class OnItsWay(msgspec.Struct, frozen=True):
    """Money of one day that another system must show: card tenders, deposits at the bank.

    amount and count are all of it, found the part whose counterpart is there, overdue the part
    whose counterpart should be there.
    """

    kind: str
    party: str
    currency: str
    count: int
    amount: str
    found: str
    waiting: str
    overdue: str


class Reported(msgspec.Struct, frozen=True):
    """One document that the ERP says it holds for the day."""

    erp: str
    document_number: str
    posting_key: str
    currency: str
    amount: str


class DayInFull(msgspec.Struct, frozen=True):
    """Everything about one store-day. in_erp: currency -> what the ERP confirmed, net."""

    day: StoreDay
    measures: list[Measure]
    findings: list[Finding]
    moves: list[Move]
    postings: list[Posting]
    workstations: dict[str, dict[str, Any]]
    in_erp: dict[str, str]
    on_its_way: list[OnItsWay]
    reported: list[Reported]


def business_date(text: str, default: str = "", *, field: str = "") -> str:
    """Return a business date as it is kept (ISO), or the default for none.

    Raises ConfigurationError TW-6904 with the field it stood in.
    """
    if not text:
        return default
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ConfigurationError(
            "TW-6904", f'"{text}" is no business date', path=field, value=text
        ) from None


async def is_kept(tables: Asking) -> bool:
    """Say whether store-days were ever kept in this journal."""
    return bool(await tables.ask("SELECT 1 FROM sqlite_master WHERE name = 'recon_day'"))


async def ready(tables: Asking, *, wanted: bool = True) -> None:
    """Raise ConfigurationError while nothing was reconciled in this journal yet.

    TW-6902; TW-6901 for a project that does not want it (no recon/store-day.toml).
    """
    if await is_kept(tables):
        return
    if wanted:
        raise ConfigurationError("TW-6902", "no store-day was kept in this journal yet")
    raise ConfigurationError("TW-6901", "this project has no recon/store-day.toml")


async def store_days(
    tables: Asking,
    *,
    first: str = ANY_FIRST,
    last: str = ANY_LAST,
    store: str = "",
    state: str = "",
    limit: int = -1,
    offset: int = 0,
) -> list[StoreDay]:
    """Return the days of a range (ISO dates, both included), by shop and date.

    state "" for all; limit -1 for no limit.
    """
    asked = (first, last, store, state, limit, offset)
    rows = await tables.ask(answer("days_page"), asked)
    return [decode_day(record) for [record] in rows]


async def matrix(
    tables: Asking,
    sees: Callable[[str], bool],
    *,
    first: str = ANY_FIRST,
    last: str = ANY_LAST,
    store: str = "",
) -> Matrix:
    """Return the days of a range (ISO dates, both included) as a matrix, of the shops one sees."""
    rows = await tables.ask(read("days_of"), (first, last, store))
    days = (decode_shown(record) for [record] in rows)
    return matrix_of(day for day in days if sees(day.store))


async def unfinished_days(tables: Asking) -> list[StoreDay]:
    """Return every day that is not posted, oldest first."""
    return [decode_day(record) for [record] in await tables.ask(read("unfinished"))]


async def open_findings_by_store(tables: Asking) -> dict[str, int]:
    """Return shop -> open findings that block; "" for those that belong to no shop."""
    return dict(await tables.ask(answer("open_findings_by_store")))


async def open_items(
    tables: Asking,
    *,
    today: str,
    kind: str = "",
    store: str = "",
    first: str = ANY_FIRST,
    last: str = ANY_LAST,
) -> list[OpenItem]:
    """Return the money that waits for its counterpart, oldest first. today: ISO date."""
    rows = await tables.ask(answer("open_items"), (kind, store, first, last))
    return [_open_item(row, today) for row in rows]


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


async def alike_findings(
    tables: Asking, *, first: str = ANY_FIRST, last: str = ANY_LAST, store: str = ""
) -> list[Alike]:
    """Return the open findings of a range, counted where they are alike: for screens of groups."""
    rows = await tables.ask(answer("alike_findings"), (first, last, store))
    return [Alike(*row) for row in rows]


async def day_in_full(
    tables: Asking, store: str, business_date: str, *, today: str = ""
) -> DayInFull | None:
    """Return one day with its figures, findings, life and postings; None when there is none.

    today (ISO date) tells what is overdue; "" leaves it out.
    """
    rows = await tables.ask(read("day"), (business_date, store))
    if not rows:
        return None
    [(record, stored)] = rows
    day, book = decode_day(record), decode_book(stored)
    place = (store, business_date)
    postings = [Posting(*row) for row in await tables.ask(read("postings_of_day"), (day.day_id,))]
    return DayInFull(
        day=day,
        measures=list(measures(book)),
        findings=[finding_from(row) for row in await tables.ask(read("findings_of"), place)],
        moves=[Move(*row) for row in await tables.ask(read("moves"), (day.day_id,))],
        postings=postings,
        workstations=registers_of(book),
        in_erp=in_erp(postings),
        on_its_way=_on_its_way(await tables.ask(answer("money_on_its_way"), place), today),
        reported=[Reported(*row) for row in await tables.ask(answer("reported_of_day"), place)],
    )


async def figures(
    tables: Asking, *, first: str = ANY_FIRST, last: str = ANY_LAST, store: str = ""
) -> list[tuple[str, str, list[Measure]]]:
    """Return shop, business date and figures of each day of a range."""
    rows = await tables.ask(answer("books_of"), (first, last, store))
    return [(shop, day, list(measures(decode_book(book)))) for shop, day, book in rows]


async def postings(
    tables: Asking, *, first: str = ANY_FIRST, last: str = ANY_LAST, store: str = ""
) -> list[tuple[str, str, Posting]]:
    """Return shop, business date and posting of everything the ERP was asked for in a range."""
    rows = await tables.ask(answer("postings_between"), (first, last, store))
    return [(shop, day, Posting(*row)) for shop, day, *row in rows]


async def count_days(
    tables: Asking, *, first: str = ANY_FIRST, last: str = ANY_LAST, store: str = ""
) -> int:
    """Return how many days a range has."""
    [(count,)] = await tables.ask(answer("count_days"), (first, last, store))
    return int(count)


async def is_up_to_date(tables: Asking, position: int) -> bool:
    """Say whether everything up to a message is read and judged, and no posting is on its way."""
    cursors: dict[str, int] = dict(await tables.ask(read("cursors")))
    if cursors.get("message", 0) < position:
        return False
    if await tables.ask(read("unaudited"), (cursors.get("audited", 0),)):
        return False
    return not await tables.ask(answer("postings_under_way"))


def in_erp(postings: Iterable[Posting]) -> dict[str, str]:
    """Return currency -> what the ERP confirmed; a reversal takes away what it reverses."""
    sums: dict[str, Decimal] = {}
    for one in postings:
        if one.state == "confirmed":
            sums[one.currency] = sums.get(one.currency, ZERO) + Decimal(one.amount)
    return {currency: str(amount) for currency, amount in sorted(sums.items())}


WAITS_FOR = {
    "tender": "card money from",
    "entry": "a receipt for card money from",
    "payout": "a credit at",
    "deposit": "a credit at",
    "credit": "a payout or a deposit for the credit at",
}


def _open_item(row: tuple[Any, ...], today: str) -> OpenItem:
    item_id, kind, party, reference, store, day, currency, amount, position, due = row
    return OpenItem(
        item_id=item_id,
        kind=kind,
        waits_for=f"{WAITS_FOR[kind]} {party}",
        party=party,
        reference=reference,
        store=store,
        business_date=day,
        currency=currency,
        amount=amount,
        position=position,
        due=due,
        days=(date.fromisoformat(today) - date.fromisoformat(day)).days if day else -1,
        overdue=_is_overdue(due, today),
    )


def _is_overdue(due: str, today: str) -> bool:
    return bool(due and today) and due < today


def _on_its_way(rows: Iterable[tuple[Any, ...]], today: str) -> list[OnItsWay]:
    groups: dict[tuple[str, str, str], list[tuple[Decimal, bool, str]]] = {}
    for kind, party, currency, amount, found, due in rows:
        groups.setdefault((kind, party, currency), []).append((Decimal(amount), bool(found), due))
    return [
        OnItsWay(
            *key,
            count=len(items),
            amount=str(sum((amount for amount, _, _ in items), ZERO)),
            found=str(sum((amount for amount, found, _ in items if found), ZERO)),
            waiting=str(sum((amount for amount, found, _ in items if not found), ZERO)),
            overdue=str(
                sum(
                    (
                        amount
                        for amount, found, due in items
                        if not found and _is_overdue(due, today)
                    ),
                    ZERO,
                )
            ),
        )
        for key, items in sorted(groups.items())
    ]


def as_json(value: Any) -> Any:
    """Return a record of this room as plain values; severity and code of findings stand beside."""
    plain = msgspec.to_builtins(value)
    if isinstance(value, Finding):
        plain["code"] = CATALOGUE[value.rule].code
    return plain

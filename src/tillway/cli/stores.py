"""`tillway stores`: which shops have unsent sales, how old, how much money; their days."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from tillway.api.stores import (
    StoreStanding,
    money_together,
    standings_as_json,
    store_named,
    store_standings,
)
from tillway.cli import exit_codes
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, table
from tillway.cli.reading import opened
from tillway.observe import status as read_status
from tillway.observe.moments import age_text
from tillway.reconcile import StoreBooks

SHOWN = 200
CLOCK_SECONDS = 60
"""A till's clock that is off by less is not worth a line."""


def stores(
    store: str = "",
    /,
    *,
    unsent: Annotated[
        bool,
        Parameter(
            name="--unsent", negative=(), help="Only shops with sales that no target has yet."
        ),
    ] = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Show shops: last heard, unsent sales with age and money, days that are not posted, findings.

    Most unsent money first. Leaves with 2 when a shop needs somebody.

    Example: tillway stores --unsent

    Parameters
    ----------
    store
        One shop by its number; nothing for all.
    """
    found = asyncio.run(_read(project))
    if store:
        found = [store_named(found, store)]
    elif unsent:
        found = [one for one in found if one.line.unsent]
    emit("stores", standings_as_json(found), lambda console: _draw(console, found, unsent), json)
    wrong = any(one.needs_attention for one in found)
    return exit_codes.ATTENTION if wrong else exit_codes.DONE


async def _read(project: Path) -> list[StoreStanding]:
    async with opened(project) as journal:
        found = await read_status(journal.reader, now=journal.now, release=journal.release)
        return await store_standings(found, journal.reader)


def _draw(console: Console, found: list[StoreStanding], unsent: bool) -> None:
    if not found:
        console.print(
            "No store has unsent sales: every target has what it should."
            if unsent
            else "No store is known: list yours in stores.csv, or let one send its first sale."
        )
        return
    late = [one.line for one in found if one.line.unsent]
    console.print(
        f"{len(late)} of {len(found)} stores have unsent sales: "
        f"{sum(line.unsent for line in late):,} messages, {money_text(money_together(found))}, "
        f"oldest {age_text(max((line.oldest_seconds for line in late), default=0))}"
        if late
        else f"{len(found)} stores, none with unsent sales",
        style="bold",
    )
    numbers = ("unsent", "oldest", "money", "days", "not posted", "findings")
    drawn = table("store", "state", *numbers, "since", "last heard", "why", right=numbers)
    for one in found[:SHOWN]:
        line = one.line
        drawn.add_row(
            *(f"{line.store} {line.name}".strip(), line.state, f"{line.unsent:,}"),
            *(age_text(line.oldest_seconds) if line.unsent else "-", money_text(line.money)),
            *_books(one),
            f"{age_text(line.silent_seconds)} ago" if line.last_seen_at else "never",
            line.reason,
        )
    console.print(drawn)
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN:,} more; --json lists all")
    console.print("days, not posted: store-days with sales that the ERP has not confirmed")
    for one in found:
        if one.books is not None and abs(one.books.clock_offset_seconds) >= CLOCK_SECONDS:
            console.print(_clock(one.line.store, one.books))


def _clock(store: str, books: StoreBooks) -> str:
    """Return a sentence about the till whose clock is off the most."""
    off = age_text(abs(books.clock_offset_seconds))
    told = f"ahead by {off}" if books.clock_offset_seconds > 0 else f"behind by {off}, or late"
    return f"store {store}: the clock of till {books.clock_till} is {told}"


def _books(one: StoreStanding) -> tuple[str, str, str, str]:
    """Return unposted days, their money, findings and the oldest date; empty without recon."""
    if one.books is None:
        return "", "", "", ""
    books = one.books
    days = f"{books.unposted_days}"
    if books.exceptions:
        days = f"{days} ({books.exceptions} wrong)"
    return days, money_text(books.unposted), f"{books.findings:,}", books.oldest_date

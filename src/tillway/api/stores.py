"""Shops over the API: last heard, unsent sales with their age and money, and unfinished store-days.

Two kinds of money stand side by side and are never added: messages on their way to a target, and
store-days that have sales and are not posted to the ERP yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.snapshot import Snapshot
from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.observe import Status
from tillway.observe.amounts import Money, added
from tillway.observe.stores import StoreLine
from tillway.reconcile import (
    StoreBooks,
    is_kept,
    largest,
    open_findings_by_store,
    store_books,
    till_clocks,
    unfinished_days,
)
from tillway.spelling import nearest

NO_BOOKS = StoreBooks()


class StoreStanding(msgspec.Struct, frozen=True):
    """One shop: its line of the status, and its books; None where nothing is reconciled."""

    line: StoreLine
    books: StoreBooks | None

    @property
    def needs_attention(self) -> bool:
        """Say whether a person should look: the shop is stuck, late or silent, or a day is off."""
        return self.line.needs_attention or bool(self.books and self.books.exceptions)


async def store_standings(found: Status, tables: Asking) -> list[StoreStanding]:
    """Return how every shop stands: most money unsent first, then most money not posted.

    The shops are those of the status, so a status of some shops gives those.
    """
    books: Mapping[str, StoreBooks] | None = None
    if await is_kept(tables):
        books = store_books(
            await unfinished_days(tables),
            await open_findings_by_store(tables),
            await till_clocks(tables),
        )
    standings = [
        StoreStanding(line, None if books is None else books.get(line.store, NO_BOOKS))
        for line in found.stores
    ]
    return sorted(standings, key=_most_urgent)


def store_named(standings: list[StoreStanding], name: str) -> StoreStanding:
    """Return one shop. Raises ConfigurationError TW-6905 for one that nobody knows."""
    for one in standings:
        if one.line.store == name:
            return one
    known = [one.line.store for one in standings]
    raise ConfigurationError(
        "TW-6905",
        f"there is no store {name}",
        path="store",
        value=name,
        advice=f"{nearest(name, known)}`tillway stores` lists them all.",
    )


def standing_as_json(one: StoreStanding) -> dict[str, Any]:
    """Return a shop as plain values; books is null where nothing is reconciled."""
    return {
        **msgspec.to_builtins(one.line),
        "needs_attention": one.needs_attention,
        "books": msgspec.to_builtins(one.books),
    }


def standings_as_json(shown: list[StoreStanding]) -> dict[str, Any]:
    """Return shops with what they have unsent together, money per currency."""
    money = money_together(shown)
    return {
        "unsent": sum(one.line.unsent for one in shown),
        "money": {name: str(amount) for name, amount in money.items()},
        "oldest_seconds": max((one.line.oldest_seconds for one in shown), default=0),
        "stores": [standing_as_json(one) for one in shown],
    }


def money_together(shown: list[StoreStanding]) -> Money:
    """Return currency -> money of these shops that has not reached its target."""
    together: Money = {}
    for one in shown:
        together = added(together, one.line.money)
    return together


class StoreQuestions(msgspec.Struct, frozen=True):
    """Answers about shops."""

    tables: Asking
    snapshot: Snapshot

    async def stores(self, call: Call) -> Reply:
        """Answer every shop, one (store=), or those with unsent sales (unsent=yes)."""
        found = await self.snapshot.of(call.caller).status()
        standings = await store_standings(found, self.tables)
        if name := call.query.get("store"):
            call.caller.need_store(name)
            return json_reply("stores", standings_as_json([store_named(standings, name)]))
        if call.query.get("unsent"):
            standings = [one for one in standings if one.line.unsent]
        return json_reply("stores", standings_as_json(standings))


def _most_urgent(one: StoreStanding) -> tuple[Any, ...]:
    books = one.books or NO_BOOKS
    return (
        -largest(one.line.money),
        -one.line.unsent,
        -largest(books.unposted),
        -books.exceptions,
        one.line.store,
    )

"""Open items: money expected or seen in another system, kept until its counterpart is found."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tillway.journal.projection import Asking, Change, Row
from tillway.reconcile.tables import ITEM_COLUMNS
from tillway.reconcile.tables import match as sql

ItemKind = Literal["tender", "entry", "payout", "deposit", "credit"]
COLUMNS = tuple(ITEM_COLUMNS.split(", "))
REMEMBERED = 20_000
"""Items of which is known what this process did with them before it is committed."""


@dataclass(slots=True)
class Item:
    """One side of a pair. amount: signed as its system sees it; due: ISO date or "" for never."""

    item_id: int
    kind: ItemKind
    party: str
    reference: str
    other_reference: str
    store: str
    business_date: str
    currency: str
    amount: Decimal
    position: int
    due: str
    match_id: int = 0


class Items:
    """The open items of one journal."""

    def __init__(self, journal: Asking) -> None:
        self._journal = journal
        self._recent: OrderedDict[int, Item] = OrderedDict()
        self._by_reference: dict[tuple[str, str], list[int]] = {}
        self._next_id = 1

    async def open(self) -> None:
        """Learn which numbers items have, and forget what was not committed."""
        self._recent.clear()
        self._by_reference.clear()
        [(last,)] = await self._journal.ask(sql("last_item"))
        self._next_id = last + 1

    def add(self, change: Change, kind: ItemKind, party: str, **told: object) -> Item:
        """Keep a new item; it joins the change. told are the other fields of `Item`."""
        item = Item(self._next_id, kind, party, **told)  # type: ignore[arg-type]
        self._next_id += 1
        change.run(sql("item"), _row(item))
        self._remember(item)
        return item

    async def find(self, kind: ItemKind, references: Collection[str]) -> list[Item]:
        """Return the open items of a kind that bear one of these references, oldest first."""
        wanted = [one for one in references if one]
        if not wanted:
            return []
        rows = await self._journal.ask(sql("open_by_reference"), (kind, json.dumps(wanted)))
        found = {row[0]: _item(row) for row in rows}
        for reference in wanted:
            for item_id in self._by_reference.get((kind, reference), ()):
                found[item_id] = self._recent[item_id]
        return [
            self._recent.get(item_id, item)
            for item_id, item in sorted(found.items())
            if not self._recent.get(item_id, item).match_id
        ]

    async def open_of(self, kind: ItemKind) -> list[Item]:
        """Return every open item of a kind; for kinds of which few are open."""
        return [_item(row) for row in await self._journal.ask(sql("open_of_kind"), (kind,))]

    async def overdue(self, today: str, limit: int) -> list[Item]:
        """Return open items that were due before a date (ISO)."""
        rows = await self._journal.ask(sql("overdue"), (today, limit))
        return [_item(row) for row in rows]

    def match(self, one: Item, other: Item, change: Change) -> None:
        """Note that these two are counterparts."""
        one.match_id, other.match_id = other.item_id, one.item_id
        change.run(sql("matched"), (other.item_id, one.item_id), (one.item_id, other.item_id))
        self._remember(one)
        self._remember(other)

    def _remember(self, item: Item) -> None:
        if item.item_id not in self._recent:
            for reference in (item.reference, item.other_reference):
                if reference:
                    key = (item.kind, reference)
                    self._by_reference.setdefault(key, []).append(item.item_id)
        self._recent[item.item_id] = item
        while len(self._recent) > REMEMBERED:
            _, old = self._recent.popitem(last=False)
            for reference in (old.reference, old.other_reference):
                self._by_reference.pop((old.kind, reference), None)


def _row(item: Item) -> Row:
    return tuple(str(item.amount) if name == "amount" else getattr(item, name) for name in COLUMNS)


def _item(row: Row) -> Item:
    found = Item(*row)
    found.amount = Decimal(row[COLUMNS.index("amount")])
    return found

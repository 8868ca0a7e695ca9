"""Open items: money expected or seen in another system, kept until its counterpart is found.

A tender and the entry of a payout are a pair: each names the other. At the bank several items may
belong together, so there they share the number of a group.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Literal, get_args

import msgspec

from tillway.journal.projection import Asking, Change, Row
from tillway.model import round_money
from tillway.model.currencies import MINOR_DIGITS
from tillway.reconcile.tables import ITEM_COLUMNS
from tillway.reconcile.tables import match as sql

ItemKind = Literal["tender", "entry", "payout", "deposit", "credit"]
COLUMNS = tuple(ITEM_COLUMNS.replace("\n", " ").split(", "))
_FIELDS = attrgetter(*COLUMNS)
_AMOUNT = COLUMNS.index("amount")
_CENT = Decimal("0.01")
CENT_DIGITS = 2
REMEMBERED = {"tender": 20_000, "entry": 50_000, "payout": 2_000, "deposit": 2_000, "credit": 2_000}
"""Items of which is known what this process did with them before it is committed."""
ENTRIES_IN_MEMORY = 50_000
"""Entries that wait for a tender; an older one is found when its tender is asked for no more."""
WITHDRAWN = -1


class Item(msgspec.Struct, gc=False):
    """One side of a match. amount: signed as its system sees it; due: ISO date or "" for never.

    match_id: its counterpart, or the group it belongs to at the bank; 0 for none. origin: the
    object it comes from where that may be revised, else "". flawed: a payout whose entries do not
    make up what it pays.
    """

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
    origin: str = ""
    flawed: int = 0


class Items:
    """The open items of one journal."""

    def __init__(self, journal: Asking) -> None:
        self._journal = journal
        self._recent: dict[str, OrderedDict[int, Item]] = {}
        self._named: dict[tuple[str, str], dict[int, None]] = {}
        self._words: dict[str, dict[int, None]] = {}
        self._next_id = 1
        self._change: Change | None = None
        self._new: list[Row] = []

    async def open(self) -> None:
        """Learn which numbers items have, and forget what was not committed."""
        self._recent = {kind: OrderedDict() for kind in get_args(ItemKind)}
        self._named.clear()
        self._words.clear()
        self._change = None
        [(last,)] = await self._journal.ask(sql("last_item"))
        self._next_id = last + 1

    def add(self, change: Change, kind: ItemKind, party: str, **told: object) -> Item:
        """Keep a new item; it joins the change. told are the other fields of `Item`."""
        item = Item(self._next_id, kind, party, **told)  # type: ignore[arg-type]
        item.amount = _comparable(item.amount, item.currency)
        self._next_id += 1
        if change is not self._change:
            # New items of one change are one statement: all that is said of them comes later.
            self._change, self._new = change, []
            change.statements.append((sql("item"), self._new))
        self._new.append(_row(item))
        self._remember(item)
        return item

    def add_words(self, credit: Item, words: Iterable[str], change: Change) -> None:
        """Note what may be a reference on a line of the bank."""
        found = sorted(filter(None, words))
        change.run(sql("word"), *((word, credit.item_id) for word in found))
        for word in found:
            self._words.setdefault(word, {})[credit.item_id] = None

    async def find(self, kind: ItemKind, references: Collection[str]) -> list[Item]:
        """Return the open items of a kind that bear one of these references, oldest first."""
        wanted = sorted(filter(None, references))
        if not wanted:
            return []
        rows = await self._journal.ask(sql("open_by_reference"), (kind, json.dumps(wanted)))
        recent = [item_id for name in wanted for item_id in self._named.get((kind, name), ())]
        return [one for one in self._merged(rows, recent) if not one.match_id]

    async def at_bank(self, words: Collection[str]) -> list[Item]:
        """Return the payouts and deposits with one of these names, matched ones too."""
        wanted = sorted(filter(None, words))
        rows = await self._journal.ask(sql("at_bank_by_reference"), (json.dumps(wanted),))
        recent = [
            item_id
            for name in wanted
            for kind in ("payout", "deposit")
            for item_id in self._named.get((kind, name), ())
        ]
        return self._merged(rows, recent)

    async def credits(self, names: Collection[str]) -> list[Item]:
        """Return the bank lines that bear one of these names, matched ones too."""
        wanted = sorted(filter(None, names))
        rows = await self._journal.ask(sql("credits_by_word"), (json.dumps(wanted),))
        recent = [item_id for name in wanted for item_id in self._words.get(name, ())]
        return self._merged(rows, recent)

    async def group(self, match_id: int) -> list[Item]:
        """Return what belongs together at the bank."""
        rows = await self._journal.ask(sql("group"), (match_id,))
        recent = self._at_bank_recently(lambda one: one.match_id == match_id)
        return [one for one in self._merged(rows, recent) if one.match_id == match_id]

    async def open_by_amount(self, currency: str, amount: Decimal) -> list[Item]:
        """Return the open payouts, deposits and bank lines of exactly this amount."""
        rows = await self._journal.ask(sql("open_by_amount"), (currency, str(amount)))
        recent = self._at_bank_recently(
            lambda one: one.currency == currency and one.amount == amount
        )
        return [one for one in self._merged(rows, recent) if not one.match_id]

    async def of_origin(self, origin: str) -> list[Item]:
        """Return the items that come from one object."""
        rows = await self._journal.ask(sql("by_origin"), (origin,))
        return self._merged(rows, self._named.get(("origin", origin), ()))

    async def item(self, kind: ItemKind, item_id: int) -> Item | None:
        """Return an item by its number."""
        rows = await self._journal.ask(sql("item_of"), (item_id,))
        found = self._merged(rows, [item_id] if item_id in self._recent[kind] else [])
        return found[0] if found else None

    async def waiting_entries(self) -> list[Item]:
        """Return the entries that wait for a tender, the newest ones if there are many."""
        rows = await self._journal.ask(sql("newest_open_entries"), (ENTRIES_IN_MEMORY,))
        return self._merged(rows, [])

    async def overdue(self, today: str, after: tuple[str, int], limit: int) -> list[Item]:
        """Return open items due before a date (ISO), in order of (due, item_id) after a place."""
        rows = await self._journal.ask(sql("overdue"), (today, *after, limit))
        return sorted(self._merged(rows, []), key=lambda one: (one.due, one.item_id))

    def match(self, one: Item, other: Item, change: Change) -> None:
        """Note that these two are counterparts."""
        self._set(one, other.item_id, change)
        self._set(other, one.item_id, change)

    def join(self, items: Iterable[Item], match_id: int, change: Change) -> None:
        """Put items into a group of the bank; 0 takes them out."""
        for one in items:
            self._set(one, match_id, change)

    def withdraw(self, item: Item, change: Change) -> None:
        """Take an item away: a newer revision of its object says it anew."""
        item.match_id = WITHDRAWN
        self._remember(item)
        change.run(sql("withdrawn"), (item.item_id,))

    def _set(self, item: Item, match_id: int, change: Change) -> None:
        item.match_id = match_id
        self._remember(item)
        change.run(sql("matched"), (match_id, item.item_id))

    def _merged(self, rows: Iterable[Row], recent: Iterable[int]) -> list[Item]:
        """Return rows as items, those of this process as they are now, by number."""
        found = {row[0]: self._recent[row[1]].get(row[0]) or item_of(row) for row in rows}
        for item_id in recent:
            for kind in self._recent.values():
                if item_id in kind:
                    found[item_id] = kind[item_id]
        return [one for _, one in sorted(found.items()) if one.match_id != WITHDRAWN]

    def _at_bank_recently(self, fits: Callable[[Item], bool]) -> list[int]:
        kinds = (self._recent["payout"], self._recent["deposit"], self._recent["credit"])
        return [one.item_id for kind in kinds for one in kind.values() if fits(one)]

    def _remember(self, item: Item) -> None:
        recent = self._recent[item.kind]
        recent[item.item_id] = item
        for name in _names(item):
            named = self._named.get(name)
            if named is None:
                self._named[name] = {item.item_id: None}
            else:
                named[item.item_id] = None
        while len(recent) > REMEMBERED[item.kind]:
            _, old = recent.popitem(last=False)
            for name in _names(old):
                known = self._named.get(name, {})
                known.pop(old.item_id, None)
                if not known:
                    self._named.pop(name, None)
        if len(self._words) > REMEMBERED["credit"] * 10:
            self._words = dict(list(self._words.items())[len(self._words) // 2 :])


def best_tender(tenders: Iterable[Item], entry: Item, names: Iterable[str]) -> Item | None:
    """Return the open tender of an entry: of several, the one with the same amount.

    A tender without a reference of its own is taken only if nothing but it fits to the cent.
    """
    strong = {one.item_id: one for one in tenders if not one.match_id and answers(one, entry)}
    named = [one for one in strong.values() if one.due and one.reference in names]
    if named:
        return min(named, key=lambda one: (abs(one.amount - entry.amount), one.item_id))
    return next(iter(strong.values())) if len(strong) == 1 else None


def answers(tender: Item, entry: Item) -> bool:
    """Say whether an entry may be that of a tender: taken or given back alike."""
    if not tender.due:
        return (tender.amount, tender.currency) == (entry.amount, entry.currency)
    return tender.amount * entry.amount > 0 and tender.party == entry.party


def _comparable(amount: Decimal, currency: str) -> Decimal:
    """Return an amount so that equal ones are one text.

    A currency that ISO 4217 does not have (it is found as such at intake) has no minor unit: its
    amounts stay as they were told.
    """
    digits = MINOR_DIGITS.get(currency)
    if digits is not None:
        # Two decimals are an amount as it is written where a cent or less can be paid.
        written = digits >= CENT_DIGITS and amount and amount.same_quantum(_CENT)
        return amount if written else round_money(amount, currency)
    cents = amount.quantize(_CENT)
    return cents if cents == amount else amount.normalize()


def _names(item: Item) -> list[tuple[str, str]]:
    kind = item.kind
    names = ((kind, item.reference), (kind, item.other_reference), ("origin", item.origin))
    return [name for name in names if name[1]]


def _row(item: Item) -> Row:
    row = list(_FIELDS(item))
    row[_AMOUNT] = str(item.amount)
    return tuple(row)


def item_of(row: Row) -> Item:
    """Return the item of a row with `COLUMNS`."""
    found = Item(*row)
    found.amount = Decimal(row[_AMOUNT])
    return found

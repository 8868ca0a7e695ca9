"""The store-days in memory: looked up, created and kept, a few thousand at a time.

A book is saved when its day is audited, not with each message; what came after that is added again
from the facts when the book is opened next, so nothing hangs on when it was saved.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from tillway.journal.projection import Asking, Change
from tillway.reconcile.day_book import DayBook, Register, decode_book, encode_book
from tillway.reconcile.facts import Fact
from tillway.reconcile.store_day import ShownDay, StoreDay
from tillway.reconcile.tables import read, write

DAYS_IN_MEMORY = 2000
_FACT = msgspec.msgpack.Decoder(Fact)
_ENCODER = msgspec.msgpack.Encoder()
_RECORD = msgspec.msgpack.Decoder(StoreDay)
decode_fact = _FACT.decode
_SHOWN = msgspec.msgpack.Decoder(ShownDay)
decode_day = _RECORD.decode
decode_shown = _SHOWN.decode
encode = _ENCODER.encode


class Entry(msgspec.Struct):
    """One day with its book.

    dirty: it changed since it was audited. keep: the book holds what its facts do not say (an
    older revision taken out, a number in quarantine), so it is saved with the next change.
    """

    day: StoreDay
    book: DayBook
    dirty: bool = True
    keep: bool = False


class Shelf:
    """Store-days by store and business date."""

    def __init__(self, journal: Asking, *, by_operator: bool) -> None:
        self._journal = journal
        self._by_operator = by_operator
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()
        self._next_id = 0

    async def open(self) -> None:
        """Learn which numbers days have, and forget what was not committed."""
        self._entries.clear()
        [(last,)] = await self._journal.ask(read("last_day"))
        self._next_id = last + 1

    async def entry(self, store: str, business_date: str) -> Entry:
        """Return a day, opened from the tables or made anew."""
        key = (store, business_date)
        found = self._entries.get(key)
        if found is None:
            found = await self._load(store, business_date)
            self._entries[key] = found
            self._make_room()
        else:
            self._entries.move_to_end(key)
        return found

    async def known(self, store: str, business_date: str) -> Entry | None:
        """Return a day that exists, None for any other."""
        here = (store, business_date) in self._entries
        if here or await self._journal.ask(read("day"), (business_date, store)):
            return await self.entry(store, business_date)
        return None

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Let the days go in the end that were not in memory in the beginning; commit before.

        One that is still to be judged stays.
        """
        before = set(self._entries)
        yield
        for key in self._entries.keys() - before:
            if not self._entries[key].dirty:
                del self._entries[key]

    def to_keep(self) -> list[Entry]:
        """Return the days whose books have to be saved with the next change."""
        return [entry for entry in self._entries.values() if entry.keep]

    def dirty(self) -> list[Entry]:
        """Return the days that changed since they were audited, in order of date."""
        changed = [entry for entry in self._entries.values() if entry.dirty]
        return sorted(changed, key=lambda one: (one.day.business_date, one.day.store))

    def add(self, entry: Entry, fact: Fact, position: int) -> None:
        """Add a message to a book."""
        entry.book.add(fact, position, by_operator=self._by_operator)
        entry.dirty = True

    def take_out(self, entry: Entry, fact: Fact, position: int) -> None:
        """Take an older revision out of a book again."""
        entry.book.add(fact, position, by_operator=self._by_operator, sign=-1)
        entry.dirty = entry.keep = True

    def quarantined(self, entry: Entry, workstation: str, epoch: int, number: int) -> None:
        """Note a number that waits in quarantine."""
        entry.book.quarantined(workstation, epoch, number)
        entry.dirty = entry.keep = True

    def rebuild(self, entry: Entry, facts: Iterable[tuple[int, Fact]]) -> None:
        """Add a day up again from these facts; numbers in quarantine stay noted."""
        quarantined = {name: one.quarantined for name, one in entry.book.registers.items()}
        entry.book = DayBook()
        for name, runs in quarantined.items():
            entry.book.registers[name] = Register(quarantined=runs)
        for position, fact in facts:
            self.add(entry, fact, position)

    def save(self, entry: Entry, system: str, change: Change) -> None:
        """Let the day, its book and the ends of its registers join a change."""
        day, book = entry.day, entry.book
        row = (day.day_id, day.store, day.business_date, day.state, encode(day), encode_book(book))
        change.run(write("day"), row)
        change.run(
            write("register"),
            *(
                (system, day.store, name, epoch, day.business_date, numbers.first, numbers.last)
                for name, register in book.registers.items()
                for epoch, numbers in register.numbers.items()
            ),
        )
        entry.keep = False

    async def _load(self, store: str, business_date: str) -> Entry:
        rows = await self._journal.ask(read("day"), (business_date, store))
        if not rows:
            day = StoreDay(day_id=self._next_id, store=store, business_date=business_date)
            self._next_id += 1
            # Its number must be on record before a fact bears it.
            return Entry(day, DayBook(), keep=True)
        [(record, stored)] = rows
        entry = Entry(decode_day(record), decode_book(stored), dirty=False)
        later = (entry.day.day_id, entry.book.position)
        for position, fact in await self._journal.ask(read("facts_after"), later):
            self.add(entry, decode_fact(fact), position)
        return entry

    def _make_room(self) -> None:
        """Let the longest unused days go, but none that is still to be saved."""
        for key in list(self._entries):
            if len(self._entries) <= DAYS_IN_MEMORY:
                return
            if not self._entries[key].dirty:
                del self._entries[key]

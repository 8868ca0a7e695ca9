"""Postings of store-days: asked for when a day is approved, followed until the ERP confirms them.

What is asked for is kept in the same change that says the day is approved, and becomes a message of
the journal afterwards: a crash in between asks again under the same key, which is the same posting.
A posting is never changed. When a posted day is opened again, its next revision asks for a reversal
of what was confirmed and for the day as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.base import DeliveryRow
from tillway.journal.projection import Change, ProjectingJournal, Row
from tillway.model import message_type
from tillway.model.enumerations import PostingType
from tillway.model.postings import PostingConfirmed, PostingLine, PostingRequested
from tillway.project.records import PostingSetting, Reconciliation, Release
from tillway.reconcile.facts import Fact
from tillway.reconcile.own_message import own_message
from tillway.reconcile.posting_lines import (
    amount_of,
    currencies,
    receipt_lines,
    reversed_lines,
    store_day_lines,
)
from tillway.reconcile.shelf import Entry, Shelf, decode_fact
from tillway.reconcile.side_book import Entered
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read, write

REQUESTED, CONFIRMED = "posting.requested", "posting.confirmed"
AT_ONCE = 2000
"""Postings that become messages, or are looked after, in one go."""
PAGES = 5
"""How many times that are looked after in one look; the next look goes on from there."""


class Postings:
    """The postings of one journal, a side book of the bookkeeper."""

    reads = (CONFIRMED,)

    def __init__(
        self,
        release: Release,
        settings: PostingSetting,
        journal: ProjectingJournal,
        shelf: Shelf,
        new_id: Callable[[], str],
    ) -> None:
        self._release = release
        self._settings = settings
        self._recon = release.reconciliation or Reconciliation()
        self._journal = journal
        self._shelf = shelf
        self._new_id = new_id
        self._routes = [
            route.name
            for route in release.routes.values()
            if REQUESTED in route.messages and route.target == settings.erp
        ]
        self._looked_to = 0

    async def open(self) -> None:
        """Begin to look after what is open from the first one."""
        self._looked_to = 0

    async def ask(self, entry: Entry, now: int, change: Change) -> None:
        """Ask for the postings of an approved day; they join the change.

        A revision that has nothing to book is posted as it is.
        """
        day = entry.day
        wanted = [*await self._reversals(day, now), *self._store_day(entry, now)]
        wanted += await self._receipts(entry, now)
        encode = message_type(REQUESTED).encode
        change.run(
            write("posting"),
            *(
                (
                    *(one.erp, one.posting_key, day.day_id, day.revision, one.posting_type),
                    *(one.currency, str(one.amount), encode(one), now),
                )
                for one in wanted
            ),
        )
        day.asked, day.confirmed = len(wanted), 0
        if not wanted:
            day.posted_revision = day.revision
        day.posting_position = entry.book.position

    async def take(self, entered: Entered, change: Change) -> None:
        """Note what the ERP confirmed."""
        if entered.stored.envelope.message_type != CONFIRMED:
            return
        message: PostingConfirmed = entered.message
        for day_id, revision, store, business_date, state in await self._journal.ask(
            read("posting"), (message.erp, message.posting_key)
        ):
            if state == "confirmed":
                continue
            row = (message.document_number, entered.stored.envelope.received_at)
            change.run(write("posting_confirmed"), (*row, message.erp, message.posting_key))
            entry = await self._shelf.entry(store, business_date)
            if entry.day.day_id == day_id and entry.day.revision == revision:
                entry.day.confirmed += 1
                if entry.day.confirmed == entry.day.asked:
                    entry.day.posted_revision = revision
                entry.dirty = entry.keep = True

    async def look(self, now: int, change: Change) -> None:
        """Hand what was asked for to the journal, and say what the ERP has booked since."""
        await self._hand_over(now, change)
        await self._confirm(now, change)

    async def _hand_over(self, now: int, change: Change) -> None:
        rows = await self._journal.ask(read("postings_to_say"), (AT_ONCE,))
        decode = message_type(REQUESTED).decode
        said = [
            own_message(REQUESTED, decode(body), self._new_id(), now, self._release.digest)
            for _, _, body in rows
        ]
        if not said:
            return
        receipts = await self._journal.append(said)
        change.run(
            write("posting_said"),
            *(
                (receipt.position, erp, key)
                for (erp, key, _), receipt in zip(rows, receipts, strict=True)
            ),
        )

    async def _confirm(self, now: int, change: Change) -> None:
        """Append `posting.confirmed` for what the ERP took, and note what it refused."""
        for _ in range(PAGES):
            rows = await self._journal.ask(read("postings_open"), (self._looked_to, AT_ONCE))
            await self._follow(rows, now, change)
            self._looked_to = rows[-1][0] if len(rows) == AT_ONCE else 0
            if not self._looked_to:
                return

    async def _follow(self, rows: Iterable[Row], now: int, change: Change) -> None:
        asked: dict[int, Row] = {row[0]: row for row in rows}
        said = []
        for route in self._routes if asked else ():
            for fate in await self._journal.delivery_rows(route, list(asked)):
                _, body, *known = asked[fate.position]
                posting = message_type(REQUESTED).decode(body)
                if fate.state == "delivered":
                    confirmed = _confirmation(posting, fate)
                    release = self._release.digest
                    said.append(own_message(CONFIRMED, confirmed, self._new_id(), now, release))
                else:
                    _note_trouble(posting, fate, known, now, change)
        if said:
            await self._journal.append(said)

    async def _reversals(self, day: StoreDay, now: int) -> list[PostingRequested]:
        """Return what takes back the summed postings of the revision that was posted."""
        if day.posted_revision < 0:
            return []
        decode = message_type(REQUESTED).decode
        rows = await self._journal.ask(
            read("postings_of"), (day.day_id, day.posted_revision, "store_day")
        )
        place, revision = (day.store, day.business_date), day.revision
        return [
            _reversal(
                posted, posting_key(*place, "reversal", posted.currency, revision), revision, now
            )
            for posted in (decode(body) for [body] in rows)
        ]

    def _store_day(self, entry: Entry, now: int) -> Iterator[PostingRequested]:
        """Yield the day summed up, one posting for each currency."""
        if self._settings.mode == "receipt":
            return
        day, book = entry.day, entry.book
        for currency in currencies(book):
            lines = store_day_lines(
                book,
                currency,
                by_group=self._settings.by_group,
                level=self._recon.balance_by,
                method=self._recon.over_short,
            )
            if not lines:
                continue
            sums, singles = book.sums.get(currency), book.singles.get(currency)
            count = (sums.count if sums else 0) - (singles.count if singles else 0)
            key = posting_key(day.store, day.business_date, "store_day", currency, day.revision)
            yield self._posting("store_day", key, day, currency, lines, count, now)

    async def _receipts(self, entry: Entry, now: int) -> list[PostingRequested]:
        """Return what books the receipts that are booked by themselves as they are now.

        One that was booked before and is the same is left alone; one that changed, or that is no
        longer there, is taken back first.
        """
        if self._settings.mode == "store_day":
            return []
        day = entry.day
        wanted = {receipt_key(fact): fact for fact in await self._singles(day)}
        standing = await self._standing(day) if day.revision else {}
        known = await self._known(wanted)
        found = []
        for name, posted in standing.items():
            fact = wanted.get(name)
            if fact is None or self._lines_of(fact) != posted.lines:
                key = _again(name, "reversal", day)
                found.append(_reversal(posted, key, day.revision, now))
            else:
                del wanted[name]
        for name, fact in wanted.items():
            key = _again(name, "receipt", day) if name in known else name
            if lines := self._lines_of(fact):
                found.append(self._posting("receipt", key, day, fact.currency, lines, 1, now))
        return found

    async def _singles(self, day: StoreDay) -> list[Fact]:
        """Return the receipts and post-voids of a day that are booked by themselves."""
        rows = await self._journal.ask(read("facts_after"), (day.day_id, 0))
        facts = (decode_fact(stored) for _, stored in rows)
        return [
            fact
            for fact in facts
            if fact.kind in ("receipt", "void")
            and not fact.training
            and (fact.single or self._settings.mode == "receipt")
        ]

    async def _standing(self, day: StoreDay) -> dict[str, PostingRequested]:
        """Return receipt -> the posting of it that was not taken back."""
        decode = message_type(REQUESTED).decode
        found: dict[str, PostingRequested] = {}
        for kind in ("receipt", "reversal"):
            for [body] in await self._journal.ask(read("postings_of_type"), (day.day_id, kind)):
                posted: PostingRequested = decode(body)
                found.pop(posted.reverses_posting_key or "", None)
                if kind == "receipt":
                    found[posted.posting_key] = posted
        return {key.partition(":receipt:")[0]: posted for key, posted in found.items()}

    async def _known(self, names: Iterable[str]) -> set[str]:
        """Return those that were booked before, on this day or before their object moved to it."""
        asked = (self._settings.erp, json.dumps(sorted(names)))
        return {key for [key] in await self._journal.ask(read("postings_among"), asked)}

    def _lines_of(self, fact: Fact) -> tuple[PostingLine, ...]:
        return receipt_lines(fact, by_group=self._settings.by_group)

    def _posting(
        self,
        kind: PostingType,
        key: str,
        day: StoreDay,
        currency: str,
        lines: tuple[PostingLine, ...],
        count: int,
        now: int,
    ) -> PostingRequested:
        return PostingRequested(
            erp=self._settings.erp,
            posting_key=key,
            posting_type=kind,
            business_unit_id=day.store,
            business_date=date.fromisoformat(day.business_date),
            currency=currency,
            amount=amount_of(lines),
            revision=day.revision,
            natural_keys_count=count,
            lines=lines,
            requested_at=_moment(now),
        )


def posting_key(
    store: str, business_date: str, posting_type: str, currency: str, revision: int
) -> str:
    """Return the key a summed posting is known by, at the ERP and here."""
    return f"{store}:{business_date}:{posting_type}:{currency}:{revision}"


def receipt_key(fact: Fact) -> str:
    """Return the key of one receipt: its natural key, with its system where no register counts."""
    return fact.natural_key if fact.number is not None else f"{fact.system}/{fact.natural_key}"


def _again(name: str, kind: str, day: StoreDay) -> str:
    """Return the key of a further posting of a receipt."""
    return f"{name}:{kind}:{day.business_date}:{day.revision}"


def _reversal(posted: PostingRequested, key: str, revision: int, now: int) -> PostingRequested:
    """Return what takes a posting back."""
    return msgspec.structs.replace(
        posted,
        posting_key=key,
        posting_type="reversal",
        amount=-posted.amount,
        revision=revision,
        reverses_posting_key=posted.posting_key,
        lines=reversed_lines(posted.lines),
        requested_at=_moment(now),
    )


def _note_trouble(
    posting: PostingRequested, fate: DeliveryRow, known: list[Any], now: int, change: Change
) -> None:
    """Keep why the ERP does not have a posting, and say it in the life of the day."""
    day_id, revision, trouble = known
    told = f"{fate.code}: {fate.detail}" if fate.state == "dead" else ""
    if told == trouble:
        return
    change.run(write("posting_trouble"), (told, posting.erp, posting.posting_key))
    if told:
        why = f"{posting.posting_key} is a dead letter, {told}"
        change.run(write("move"), (day_id, now, "approved", revision, "hub", why))


def _confirmation(asked: PostingRequested, fate: DeliveryRow) -> PostingConfirmed:
    return PostingConfirmed(
        erp=asked.erp,
        posting_key=asked.posting_key,
        document_number=fate.target_reference or asked.posting_key,
        business_unit_id=asked.business_unit_id,
        revision=asked.revision,
        amount=asked.amount,
        currency=asked.currency,
        natural_keys_count=asked.natural_keys_count,
        posted_at=_moment(fate.updated_at),
    )


def _moment(now: int) -> datetime:
    return datetime.fromtimestamp(now / MICROSECONDS, UTC)

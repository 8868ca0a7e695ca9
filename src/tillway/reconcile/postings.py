"""Postings of store-days: asked for when a day is approved, followed until the ERP confirms them.

What is asked for is kept in the same change that says the day is approved, and becomes a message of
the journal afterwards: a crash in between asks again under the same key, which is the same posting.
A posting is never changed. When a posted day is opened again, its next revision asks for a reversal
of what was confirmed and for the day as it is now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import msgspec

from tillway.clock import MICROSECONDS
from tillway.journal.base import DeliveryRow
from tillway.journal.projection import Change, ProjectingJournal
from tillway.model import message_type
from tillway.model.postings import PostingConfirmed, PostingRequested
from tillway.project.records import PostingSetting, Release
from tillway.reconcile.facts import ZERO, Fact
from tillway.reconcile.own_message import own_message
from tillway.reconcile.posting_lines import receipt_lines, reversed_lines, store_day_lines
from tillway.reconcile.shelf import Entry, Shelf, decode_fact
from tillway.reconcile.side_book import Entered
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read, write

REQUESTED, CONFIRMED = "posting.requested", "posting.confirmed"
AT_ONCE = 500
"""Postings that become messages, or are looked after, in one go."""


class Postings:
    """The postings of one journal, a side book of the bookkeeper."""

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
        self._journal = journal
        self._shelf = shelf
        self._new_id = new_id
        self._routes = [
            route.name
            for route in release.routes.values()
            if REQUESTED in route.messages and route.target == settings.erp
        ]

    async def open(self) -> None:
        """Nothing is remembered between two runs."""

    async def ask(self, entry: Entry, now: int, change: Change) -> None:
        """Ask for the postings of an approved day; they join the change.

        A revision that has nothing to book is posted as it is.
        """
        day = entry.day
        wanted = [*await self._reversals(day, now), *self._store_day(entry, now)]
        wanted += await self._receipts(day, now)
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
        await self._confirm(now)

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

    async def _confirm(self, now: int) -> None:
        """Append `posting.confirmed` for every posting whose delivery succeeded."""
        rows = await self._journal.ask(read("postings_open"), (AT_ONCE,))
        by_position: dict[int, bytes] = dict(rows)
        decode = message_type(REQUESTED).decode
        said = []
        for route in self._routes:
            fates = await self._journal.delivery_rows(route, list(by_position))
            said += [
                own_message(
                    CONFIRMED,
                    _confirmation(decode(by_position[fate.position]), fate),
                    self._new_id(),
                    now,
                    self._release.digest,
                )
                for fate in fates
                if fate.state == "delivered"
            ]
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
        return [self._reversal(decode(body), day.revision, now) for [body] in rows]

    def _reversal(self, posted: PostingRequested, revision: int, now: int) -> PostingRequested:
        return msgspec.structs.replace(
            posted,
            posting_key=posting_key(
                posted.business_unit_id,
                posted.business_date.isoformat(),
                "reversal",
                posted.currency,
                revision,
            ),
            posting_type="reversal",
            amount=-posted.amount,
            revision=revision,
            reverses_posting_key=posted.posting_key,
            lines=reversed_lines(posted.lines),
            requested_at=_moment(now),
        )

    def _store_day(self, entry: Entry, now: int) -> Iterator[PostingRequested]:
        """Yield the day summed up, one posting for each currency."""
        if self._settings.mode == "receipt":
            return
        day, book = entry.day, entry.book
        for currency, sums in sorted(book.sums.items()):
            singles = book.singles.get(currency)
            lines = store_day_lines(book, currency, by_group=self._settings.by_group)
            if not lines:
                continue
            yield PostingRequested(
                erp=self._settings.erp,
                posting_key=posting_key(
                    day.store, day.business_date, "store_day", currency, day.revision
                ),
                posting_type="store_day",
                business_unit_id=day.store,
                business_date=date.fromisoformat(day.business_date),
                currency=currency,
                amount=sums.grand - (singles.grand if singles else ZERO),
                revision=day.revision,
                natural_keys_count=sums.count - (singles.count if singles else 0),
                lines=lines,
                requested_at=_moment(now),
            )

    async def _receipts(self, day: StoreDay, now: int) -> list[PostingRequested]:
        """Return the receipts that are booked by themselves and were not asked for before."""
        mode = self._settings.mode
        if mode == "store_day":
            return []
        rows = await self._journal.ask(read("postings_of_type"), (day.day_id, "receipt"))
        known = {key for [key] in rows}
        found = []
        for _, stored in await self._journal.ask(read("facts_after"), (day.day_id, 0)):
            fact = decode_fact(stored)
            if fact.kind not in ("receipt", "void") or fact.training:
                continue
            if mode != "receipt" and not fact.single:
                continue
            posting = self._receipt(day, fact, now)
            if posting.lines and posting.posting_key not in known:
                found.append(posting)
        return found

    def _receipt(self, day: StoreDay, fact: Fact, now: int) -> PostingRequested:
        return PostingRequested(
            erp=self._settings.erp,
            posting_key=receipt_key(fact),
            posting_type="receipt",
            business_unit_id=day.store,
            business_date=date.fromisoformat(day.business_date),
            currency=fact.currency,
            amount=fact.grand,
            revision=day.revision,
            natural_keys_count=1,
            lines=receipt_lines(fact, by_group=self._settings.by_group),
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

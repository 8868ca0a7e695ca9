"""The consumer that keeps the store-days: reads the journal, adds up, audits, moves states.

What a message adds is committed together with the cursor, so each counts exactly once; days are
audited a moment later, when nothing more is waiting. A busy hub gives it a small share of the time:
sales come first, and the books catch up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tillway import model
from tillway.clock import Clock
from tillway.journal.base import StoredMessage
from tillway.journal.projection import Change, ProjectingJournal, Row
from tillway.journal.queries import InvalidRow
from tillway.journal.search import register_key
from tillway.model import message_type
from tillway.project.records import Reconciliation, Release
from tillway.reconcile.audit_fact import RULES as FACT_RULES
from tillway.reconcile.audit_fact import FactAudit
from tillway.reconcile.auditor import Auditor
from tillway.reconcile.facts import Breach, Fact, fact_of, reversed_fact
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.postings import Postings
from tillway.reconcile.receipts import read_message
from tillway.reconcile.rules import Judge
from tillway.reconcile.shelf import Entry, Shelf, decode_fact, encode
from tillway.reconcile.side_book import Entered, SideBook
from tillway.reconcile.side_books import side_books
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read, tables, write

WINDOW = 1024
COPIES = 256
MESSAGES_IN_A_TURN = 64
"""After so many the loop gets its turn: intake answers between them."""
DAYS_PER_COMMIT = 50
AUDIT_SECONDS = 5.0
"""A day is audited at most this often while its messages keep coming."""
LOOK_SECONDS = 3.0
"""Time between two looks for what became due."""
GATHER_SECONDS = 0.25
"""A message waits this long for company before it is read."""
BUSY_PER_SECOND = 200.0
"""From this many accepted messages a second on, sales come first."""
BUSY_SHARE, IDLE_SHARE = 0.05, 0.5
_BREACHES = msgspec.json.Decoder(list[model.Finding])


class Bookkeeper:
    """Keeps the store-days of one journal."""

    def __init__(
        self,
        release: Release,
        settings: Reconciliation,
        journal: ProjectingJournal,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self.settings = settings
        self.judge = Judge(settings.rules)
        self.shelf = Shelf(journal, by_operator=settings.balance_by == "operator")
        self.log = FindingLog(journal)
        self._facts = FactAudit(release, settings, self.judge)
        posts = settings.posting.mode != "none"
        postings = (
            Postings(release, settings.posting, journal, self.shelf, new_id) if posts else None
        )
        self.auditor = Auditor(
            release, settings, journal, self.shelf, self.log, self.judge, postings
        )
        self._release = release
        self._journal = journal
        self._clock = clock
        self._side_books = side_books(release, settings, journal, self.log, self.judge, postings)
        self._readers: dict[str, list[SideBook]] = {}
        for book in self._side_books:
            for name in book.reads:
                self._readers.setdefault(name, []).append(book)
        self._position = 0
        self._copy = 0
        self._accepted = 0
        self._new_facts: list[Row] = []
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._stale = True

    async def open(self) -> None:
        """Create the tables and learn where reading stopped; nothing of before is remembered."""
        await self._journal.open_tables(tables())
        cursors: dict[str, int] = dict(await self._journal.ask(read("cursors")))
        self._position = cursors.get("message", 0)
        self._copy = cursors.get("invalid", 0)
        await self.shelf.open()
        self.log.open()
        for place in await self._journal.ask(read("unaudited"), (cursors.get("audited", 0),)):
            (await self.shelf.entry(*place)).dirty = True
        for book in self._side_books:
            await book.open()

    async def run(self) -> None:
        """Keep the books until cancelled."""
        cancel = self._journal.subscribe(self._heard)
        audited = looked = self._clock.monotonic() - LOOK_SECONDS
        try:
            while True:
                self._wake.clear()
                began = self._clock.monotonic()
                more = await self.step()
                now = self._clock.monotonic()
                if not more or now - audited >= AUDIT_SECONDS:
                    await self.audit()
                    audited = now
                if now - looked >= LOOK_SECONDS:
                    await self.look()
                    looked = now
                await self._rest(began, more=more)
        finally:
            cancel()

    async def catch_up(self) -> None:
        """Read everything there is, audit every day it changed, and look for what is due."""
        while await self.step():
            pass
        await self.look()

    async def step(self) -> bool:
        """Take in one window of messages and kept copies; False when there was nothing new."""
        async with self.alone():
            return await self._read_window()

    async def audit(self) -> None:
        """Judge every day that changed, oldest first."""
        async with self.alone():
            await self._audit_dirty()

    async def look(self) -> None:
        """Create the days that are due, judge those past their cut-off, ask the side books."""
        async with self.alone():
            now = self._clock.now()
            for entry in await self.auditor.due(now):
                entry.dirty = True
            await self._audit_dirty()
            change = Change()
            for book in self._side_books:
                await book.look(now, change)
            if change.statements or change.actions:
                await self.commit(change)
            await self._audit_dirty()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold the books still for one change; what failed half-way is forgotten and read anew."""
        async with self._one_at_a_time:
            if self._stale:
                await self.open()
            self._stale = True
            yield
            self._stale = False

    async def ask(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Return rows of the room's tables."""
        return await self._journal.ask(sql, parameters)

    async def commit(self, change: Change) -> None:
        """Commit a change; call it while alone."""
        await self._journal.project(change)
        self.log.committed()

    async def again(self, store: str, business_date: str) -> StoreDay:
        """Add a day up again from its facts and audit it; nothing of it stays in memory for that.

        Call it while alone.
        """
        with self.shelf.visit(), self.log.visit():
            entry = await self.shelf.entry(store, business_date)
            await self._rebuild(entry)
        return entry.day

    async def _rebuild(self, entry: Entry) -> None:
        rows = await self._journal.ask(read("facts_after"), (entry.day.day_id, 0))
        facts = [(position, decode_fact(stored)) for position, stored in rows]
        self.shelf.rebuild(entry, facts)
        change = Change()
        for position, fact in facts:
            await self._audit_fact(entry, fact, position, change)
        await self.auditor.audit(entry, self._clock.now(), change)
        await self.commit(change)

    async def _read_window(self) -> bool:
        messages = await self._journal.read(self._position, WINDOW)
        copies = await self._journal.invalid(open_only=False, after=self._copy, limit=COPIES)
        if not messages and not copies:
            return False
        change = Change()
        self._new_facts = []
        for start in range(0, len(messages), MESSAGES_IN_A_TURN):
            await self._take_some(messages[start : start + MESSAGES_IN_A_TURN], change)
            await asyncio.sleep(0)
        change.run(write("fact"), *self._new_facts)
        for copy in copies:
            await self._copied(copy, change)
        position = messages[-1].position if messages else self._position
        kept = copies[-1].invalid_id if copies else self._copy
        change.run(write("cursor"), ("message", position), ("invalid", kept))
        for entry in self.shelf.to_keep():
            self.auditor.save(entry, change)
        await self.commit(change)
        self._position, self._copy = position, kept
        return True

    async def _audit_dirty(self) -> None:
        """Judge what changed, and days beside it for which that makes a difference."""
        now = self._clock.now()
        for place in self.log.touched():
            # What the bank or the ERP says of a day shows there, after it was posted too.
            if entry := await self.shelf.known(*place):
                entry.dirty = True
        while dirty := self.shelf.dirty():
            await self._save_neighbours(dirty)
            for start in range(0, len(dirty), DAYS_PER_COMMIT):
                change = Change()
                for entry in dirty[start : start + DAYS_PER_COMMIT]:
                    await self.auditor.audit(entry, now, change)
                if not self.shelf.dirty():
                    change.run(write("cursor"), ("audited", self._position))
                await self.commit(change)

    async def _save_neighbours(self, dirty: Sequence[Entry]) -> None:
        """Save days of one shop that changed together: each is judged by the numbers of both."""
        stores = Counter(entry.day.store for entry in dirty)
        change = Change()
        for entry in dirty:
            if stores[entry.day.store] > 1:
                self.auditor.save(entry, change)
        if change.statements:
            await self.commit(change)

    async def _take_some(self, some: Sequence[StoredMessage], change: Change) -> None:
        """Take messages in stage by stage: the code of a stage stays in the processor's cache."""
        messages = [read_message(one.envelope.message_type, one.canonical) for one in some]
        made = zip(messages, (one.envelope for one in some), strict=True)
        facts = [fact_of(one, its.natural_key, its.system, its.received_at) for one, its in made]
        for stored, message, fact in zip(some, messages, facts, strict=True):
            await self._take(stored, message, fact, change)

    async def _take(
        self, stored: StoredMessage, message: Any, fact: Fact | None, change: Change
    ) -> None:
        envelope = stored.envelope
        history = stored.superseded_by is not None
        breaches = () if stored.clean else await self._breaches(stored.position)
        if fact is not None and not history and envelope.business_date:
            if fact.kind == "void" and not (fact.tenders and fact.sales):
                fact = await self._filled(fact, message.voided_natural_key)
            if self.settings.posting.single is not None and fact.kind in ("receipt", "void"):
                body = msgspec.json.decode(stored.canonical)
                fact.single = bool(self.settings.posting.single(body))
            fact.breaches = breaches
            await self._enter(stored, fact, change)
        readers = self._readers.get(envelope.message_type)
        if readers is not None:
            entered = Entered(stored, message, fact, history, breaches)
            for book in readers:
                await book.take(entered, change)

    async def _enter(self, stored: StoredMessage, fact: Fact, change: Change) -> None:
        envelope = stored.envelope
        entry = await self.shelf.entry(envelope.store, envelope.business_date)
        if envelope.object_digest is not None:
            await self._replace(envelope.object_digest, entry, stored.position, change)
        late = entry.book.closed is not None or entry.day.asked > 0
        self._facts.arrived(fact, envelope.business_date, late=late)
        self.shelf.add(entry, fact, stored.position)
        entry.day.changed_at = envelope.received_at
        self._new_facts.append((entry.day.day_id, stored.position, encode(fact)))
        await self._audit_fact(entry, fact, stored.position, change)

    async def _audit_fact(self, entry: Entry, fact: Fact, position: int, change: Change) -> None:
        """Judge one message; what it said before under the same key is compared."""
        shop, business_date = place = entry.day.store, entry.day.business_date
        found = self._facts.judge(fact, shop, business_date, position)
        known = self.log.subjects_at_hand(*place)
        if known is None:
            known = await self.log.subjects(*place)
        if found or fact.natural_key in known:
            await self.log.report(
                shop,
                business_date,
                FACT_RULES,
                found,
                fact.received_at,
                change,
                subject=fact.natural_key,
            )

    async def _replace(self, digest: bytes, entry: Entry, position: int, change: Change) -> None:
        """Take the revision of an object that counted so far out of its day."""
        rows = await self._journal.ask(read("object"), (digest,))
        for day_id, store, business_date, old in rows:
            holder = await self.shelf.entry(store, business_date)
            [(stored,)] = await self._journal.ask(read("fact"), (day_id, old))
            fact = decode_fact(stored)
            self.shelf.take_out(holder, fact, old)
            change.run(write("drop_fact"), (day_id, old))
            if holder is not entry:
                # What was wrong with it on its old day is wrong there no longer.
                at, key = fact.received_at, fact.natural_key
                await self.log.report(store, business_date, FACT_RULES, [], at, change, subject=key)
        change.run(write("object"), (digest, entry.day.day_id, position))

    async def _filled(self, void: Fact, voided_key: str) -> Fact:
        """Fill a post-void that lists no lines or tenders from the receipt it takes back."""
        for found in await self._journal.find(voided_key, limit=1):
            for stored in await self._journal.load([found.position]):
                envelope = stored.envelope
                message = message_type(envelope.message_type).decode(stored.canonical)
                of = (envelope.natural_key, envelope.system, envelope.received_at)
                original = fact_of(message, *of)
                if original is not None and original.kind == "receipt":
                    return reversed_fact(original, void)
        return void

    async def _breaches(self, position: int) -> tuple[Breach, ...]:
        record = await self._journal.record(position)
        if record is None or not record.findings:
            return ()
        return tuple(
            Breach(one.rule, one.path, one.expected, one.found, one.difference)
            for one in _BREACHES.decode(record.findings)
        )

    async def _copied(self, copy: InvalidRow, change: Change) -> None:
        """Note a number that waits in quarantine, or a second content under one key."""
        if copy.outcome == "quarantined":
            key = register_key(copy.natural_key)
            if key is not None:
                entry = await self.shelf.entry(key.store, key.business_date)
                self.shelf.quarantined(entry, key.workstation, key.register_epoch, key.number)
            return
        record = await self._journal.record(copy.first_position)
        if record is None or not record.message.envelope.business_date:
            return
        envelope = record.message.envelope
        found = self.judge.finding(
            "SEQ_CONFLICT",
            envelope.store,
            envelope.business_date,
            subject=copy.natural_key,
            currency=copy.currency,
            position=copy.first_position,
        )
        await self.log.report(
            envelope.store,
            envelope.business_date,
            ("SEQ_CONFLICT",),
            found,
            copy.received_at,
            change,
            subject=copy.natural_key,
        )
        (await self.shelf.entry(envelope.store, envelope.business_date)).dirty = True

    def _heard(self, accepted: Sequence[StoredMessage]) -> None:
        self._accepted += len(accepted)
        self._wake.set()

    async def _rest(self, began: float, *, more: bool) -> None:
        """Leave the process to others for a while, longer where sales keep coming."""
        now = self._clock.monotonic()
        worked = max(now - began, 1e-3)
        heard, self._accepted = self._accepted, 0
        if more:
            busy = heard > BUSY_PER_SECOND * worked
            share = BUSY_SHARE if busy else IDLE_SHARE
            await self._clock.sleep(worked * (1 / share - 1))
            return
        try:
            async with asyncio.timeout(GATHER_SECONDS * 4):
                await self._wake.wait()
            await self._clock.sleep(GATHER_SECONDS)
        except TimeoutError:
            return

"""Audits store-days: asks the rules, keeps the findings, and moves the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from tillway.journal.projection import Asking, Change
from tillway.model.sequence import ResetPolicy, reset_policy
from tillway.project.records import Reconciliation, Release, Store
from tillway.reconcile import audit_day
from tillway.reconcile.audit_day import Surroundings, missing_in
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.numbers import Span, joined
from tillway.reconcile.postings import Postings
from tillway.reconcile.rules import CATALOGUE, Judge
from tillway.reconcile.shelf import Entry, Shelf, decode_day
from tillway.reconcile.store_day import (
    Standing,
    State,
    cut_off_moment,
    local_date,
    path_between,
    state_of,
)
from tillway.reconcile.tables import read, write

NEIGHBOUR_DAYS = 40
"""How far back a register's last number is looked for."""
INCOMPLETE = ("SEQ_GAP", "COUNT_MISMATCH", "STORE_DAY_NOT_CLOSED", "STORE_DAY_NO_DATA")
ACROSS = ("settlement", "posting")
"""Levels of rules about other systems: what they find comes after the day was posted."""
POLICY = "policy"
BATCHES = ("files",)
"""Connectors that bring many messages at once: what is missing among them is missing."""


class Auditor:
    """Judges the days of one project."""

    def __init__(
        self,
        release: Release,
        settings: Reconciliation,
        journal: Asking,
        shelf: Shelf,
        log: FindingLog,
        judge: Judge,
        postings: Postings | None,
    ) -> None:
        self._release = release
        self._settings = settings
        self._journal = journal
        self._shelf = shelf
        self._log = log
        self._judge = judge
        self._postings = postings
        self._made = _messages_made(release)
        self._policies = _policies(release)
        self._ahead: dict[str, date] = {}

    async def audit(self, entry: Entry, now: int, change: Change) -> None:
        """Judge one day; findings, state, moves and the book join the change."""
        day, book = entry.day, entry.book
        store = self._release.stores.get(day.store)
        around = await self._surroundings(entry, store, now)
        audit = audit_day.audit_day(book, around, self._judge)
        await self._log.report(
            day.store, day.business_date, audit_day.RULES, audit.findings, now, change
        )
        known = await self._log.known(day.store, day.business_date)
        self._log.judged(day.store, day.business_date)
        standing = [one for one in known.values() if one.blocks]
        blocking = [one for one in standing if _of_the_day(one)]
        day.findings = len(standing)
        day.gaps = sum(missing_in(one.subject) for one in blocking if one.rule == "SEQ_GAP")
        day.look_at = audit.waits_until
        day.messages = book.messages
        day.money = {name: str(sums.grand) for name, sums in book.sums.items() if name}
        day.difference = _differences(standing)
        day.audited_at = now
        await self._move(entry, around, blocking, now, change)
        entry.dirty = False
        self.save(entry, change)

    def save(self, entry: Entry, change: Change) -> None:
        """Let a day and its book join a change."""
        entry.day.stale = entry.dirty
        store = self._release.stores.get(entry.day.store)
        self._shelf.save(entry, store.system if store else "", change)

    async def due(self, now: int) -> list[Entry]:
        """Return the days to judge because of the clock: those of today, and past their cut-off."""
        found = []
        for store in self._release.stores.values():
            today = local_date(now, store.time_zone)
            name = store.business_unit_id
            if self._ahead.get(name) != today and self.trades(store, today):
                self._ahead[name] = today
                entry = await self._shelf.entry(name, today.isoformat())
                if not entry.day.audited_at:
                    found.append(entry)
        for [record] in await self._journal.ask(read("unfinished")):
            day = decode_day(record)
            cut_off = self._cut_off(day.store, day.business_date)
            if day.stale or day.audited_at < cut_off <= now or 0 < day.look_at <= now:
                found.append(await self._shelf.entry(day.store, day.business_date))
        return found

    def trades(self, store: Store, day: date) -> bool:
        """Say whether a shop is to send data for a date, by the calendar."""
        for name in ("", store.business_unit_id):
            if day in self._settings.closed.get(name, frozenset()):
                return False
            if day.weekday() in self._settings.weekdays_closed.get(name, frozenset()):
                return False
        return True

    async def _move(
        self, entry: Entry, around: Surroundings, blocking: list[Finding], now: int, change: Change
    ) -> None:
        """Move the day to the state that follows from how things stand."""
        day, book = entry.day, entry.book
        rules = {one.rule for one in blocking}
        closed = book.closed is not None or (not around.closes and around.past_cut_off)
        standing = Standing(
            has_messages=book.messages > 0,
            complete=closed and not day.look_at and rules.isdisjoint(INCOMPLETE),
            blocking=len(blocking),
            past_cut_off=around.past_cut_off,
            expected=around.expected,
            approved=bool(day.approved_by) and book.position <= day.approved_position,
            asked=day.asked > 0,
            posted=day.posted_revision == day.revision,
            changed_since_posting=day.reopen_asked or book.position > day.posting_position,
        )
        state = state_of(standing)
        self._step(entry, state, _why(state, rules, book.position), now, change)
        if state == "reopened":
            self._reopen(entry, now)
            await self._move(entry, around, blocking, now, change)
        elif state == "balanced" and self._settings.approve == POLICY:
            day.approved_at, day.approved_by, day.approved_position = now, POLICY, book.position
            await self._move(entry, around, blocking, now, change)
        elif state == "approved" and not day.asked and self._postings is not None:
            await self._postings.ask(entry, now, change)
            if day.posted_revision == day.revision:
                await self._move(entry, around, blocking, now, change)
        elif state not in ("approved", "posted") and day.approved_by:
            # What was approved has changed: whoever released it has to look again.
            day.approved_at, day.approved_by, day.approved_reason = 0, "", ""

    def _step(self, entry: Entry, state: State, why: str, now: int, change: Change) -> None:
        day = entry.day
        for step in path_between(day.state, state):
            who = day.approved_by if step == "approved" else "hub"
            row = (day.day_id, now, step, day.revision, who or "hub", why)
            change.run(write("move"), row)
            day.state, day.since = step, now

    def _reopen(self, entry: Entry, now: int) -> None:
        day = entry.day
        day.revision += 1
        day.asked = day.confirmed = 0
        day.reopen_asked = False
        day.approved_at, day.approved_by, day.approved_reason = 0, "", ""
        day.changed_at = now

    def _cut_off(self, store: str, business_date: str) -> int:
        shop = self._release.stores.get(store)
        zone = shop.time_zone if shop else self._release.hub.time_zone
        settings = self._settings
        return cut_off_moment(business_date, settings.cut_offs.get(store, settings.cut_off), zone)

    async def _surroundings(self, entry: Entry, store: Store | None, now: int) -> Surroundings:
        day = entry.day
        business_date = date.fromisoformat(day.business_date)
        made = self._made.get(store.system, frozenset()) if store else frozenset[str]()
        settings = self._settings
        around = Surroundings(
            store=day.store,
            business_date=day.business_date,
            known=store is not None,
            expected=store is not None and self.trades(store, business_date),
            past_cut_off=self._cut_off(day.store, day.business_date) <= now,
            closes="business_day.closed" in made,
            counts_tills="till.settled" in made,
            policy=self._policies.get(store.system) if store else None,
            decided=await self._decided(day.store, day.business_date),
            now=now,
            grace_seconds=settings.gap_grace_seconds if store and self._is_live(store) else 0.0,
            workstations=settings.workstations.get(day.store, settings.workstations.get("")),
            currency=store.currency if store else "",
            level=settings.balance_by,
            method=settings.over_short,
        )
        if around.policy is None:
            return around
        return await self._with_neighbours(entry, around, business_date)

    async def _with_neighbours(
        self, entry: Entry, around: Surroundings, business_date: date
    ) -> Surroundings:
        """Add what the days beside this one say of its registers."""
        first = (business_date - timedelta(days=NEIGHBOUR_DAYS)).isoformat()
        last = (business_date + timedelta(days=NEIGHBOUR_DAYS)).isoformat()
        rows = await self._journal.ask(read("registers"), (around.store, first, last))
        before: dict[tuple[str, int], tuple[str, int]] = {}
        elsewhere: dict[tuple[str, int], list[list[Span]]] = {}
        beside: dict[str, bool] = {}
        for workstation, epoch, other, low, high in rows:
            register = entry.book.registers.get(workstation)
            if other == around.business_date or register is None:
                continue
            place = (workstation, epoch)
            if other < around.business_date and other > before.get(place, ("", 0))[0]:
                before[place] = (other, high)
            numbers = register.numbers.get(epoch)
            reaches = numbers is not None and low <= numbers.last + 1 and high >= numbers.first - 1
            if reaches or other > around.business_date:
                apart = numbers is None or high < numbers.first
                beside[other] = beside.get(other, False) or not apart
            if reaches and around.policy is not None and around.policy.kind != "daily":
                neighbour = await self._shelf.entry(around.store, other)
                there = neighbour.book.registers.get(workstation)
                if there is not None and epoch in there.numbers:
                    elsewhere.setdefault(place, []).append(there.numbers[epoch].spans)
        if entry.book.messages != entry.day.messages:
            await self._ask_again(around, beside)
        return msgspec.structs.replace(
            around,
            before={place: high for place, (_, high) in before.items()},
            elsewhere={place: joined(*spans) for place, spans in elsewhere.items()},
        )

    async def _ask_again(self, around: Surroundings, beside: Mapping[str, bool]) -> None:
        """Let days beside a changed one be judged again: what they lack may be here, or twice.

        beside: date -> whether its numbers go as far as those of the changed day. An earlier day
        that ends just before it needs a look only if it lacks something.
        """
        for business_date, as_far in beside.items():
            other = await self._shelf.entry(around.store, business_date)
            lacks = other.day.gaps > 0 or other.day.look_at > 0
            other.dirty = other.dirty or as_far or lacks

    async def _decided(self, store: str, business_date: str) -> dict[str, int]:
        """Return how many missing numbers of each register a person accounted for."""
        found: Counter[str] = Counter()
        for one in (await self._log.known(store, business_date)).values():
            if one.rule == "SEQ_GAP" and one.state == "overridden":
                found[one.subject.partition(":")[0]] += missing_in(one.subject)
        return found

    def _is_live(self, store: Store) -> bool:
        """Say whether messages of a shop come one by one, as they happen."""
        source = self._release.sources.get(store.system)
        return source is not None and source.connector not in BATCHES


def _messages_made(release: Release) -> dict[str, frozenset[str]]:
    """Return the message types that the mappings of each system make."""
    made = {}
    for name, source in release.sources.items():
        tables = (release.mappings.get(record.mapping) for record in source.records)
        made[name] = frozenset(
            table.message_type for table in tables if table is not None and table.message_type
        )
    return made


def _policies(release: Release) -> dict[str, ResetPolicy | None]:
    return {
        name: None if source.sequence_reset == "none" else reset_policy(source.sequence_reset)
        for name, source in release.sources.items()
    }


def _of_the_day(finding: Finding) -> bool:
    return CATALOGUE[finding.rule].level not in ACROSS


def _differences(standing: list[Finding]) -> dict[str, str]:
    """Return the largest open difference of each currency."""
    largest: dict[str, Decimal] = {}
    for one in standing:
        if one.currency and one.difference:
            amount = Decimal(one.difference)
            if abs(amount) > abs(largest.get(one.currency, Decimal(0))):
                largest[one.currency] = amount
    return {currency: str(amount) for currency, amount in largest.items()}


def _why(state: State, rules: set[str], position: int) -> str:
    if state == "exceptions":
        return ", ".join(sorted(rules))
    if state == "reopened":
        return f"changed by message {position}"
    return ""

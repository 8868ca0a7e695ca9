"""What the screens show, each as one question: the console draws the answer, the API writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tillway.access.callers import Caller
from tillway.access.scoped import reader_for
from tillway.api.actions import known_name
from tillway.api.checked_books import CheckedBooks
from tillway.api.operations import Operations
from tillway.api.questions import stores_in_sight
from tillway.api.retry_jobs import RetryJobs
from tillway.api.sent import sent_by
from tillway.api.snapshot import Pace, Snapshot
from tillway.api.stores import StoreStanding, store_named, store_standings
from tillway.clock import MICROSECONDS, Clock, utc_text
from tillway.errors import ConfigurationError, Refused
from tillway.journal.base import Action
from tillway.journal.chain import AuditEntry
from tillway.observe import (
    Found,
    MessageReader,
    Problem,
    Status,
    Trace,
    find,
    problem_named,
    problems,
    targets_by_route,
    trace,
)
from tillway.observe.latest import Hit, hits_of
from tillway.observe.register import (
    ContractLine,
    ContractPage,
    MappingLine,
    MappingPage,
    contract_lines,
    contract_page,
    mapping_lines,
    mapping_page,
)
from tillway.observe.settings import Setting, settings_of
from tillway.observe.store_latest import latest_of_store
from tillway.observe.stuck import StuckMoney, stuck_money
from tillway.observe.tempo import Minute
from tillway.observe.traffic import Flow, TrafficMap, traffic_map
from tillway.project.records import Release
from tillway.reconcile import StoreDay, is_kept, last_days, local_date, store_days
from tillway.watch import Watch
from tillway.watch.windows import P95

STORE_MESSAGES = 20
STORE_DAYS = 14
AUDIT_PAGE = 100
FLOW_SECONDS = 300
"""What the traffic map calls lately: one window of the watch."""


class StorePage(msgspec.Struct, frozen=True):
    """One shop in full; days newest first, latest its newest messages."""

    standing: StoreStanding
    country: str
    currency: str
    registers: int
    days: list[StoreDay]
    latest: list[Hit]
    looked_at: int
    problems: list[Problem]


class Cause(msgspec.Struct, frozen=True):
    """How many messages of one kind of trouble are open; share of all open ones, 0 to 1."""

    kind: str
    count: int
    share: float


class Done(msgspec.Struct, frozen=True):
    """One entry of the audit log as people read it; at is RFC 3339 in UTC."""

    at: str
    who: str
    verb: str
    subject: str
    reason: str
    number: int = 0
    link: str = ""


@dataclass(slots=True)
class ScreenModels:
    """Answers for the screens of one hub. watch: what measures and alarms, None without it."""

    reader: MessageReader
    release: Release
    snapshot: Snapshot
    operations: Operations
    clock: Clock
    watch: Watch | None = None
    jobs: RetryJobs = field(init=False)
    books: CheckedBooks = field(init=False)

    def __post_init__(self) -> None:
        self.books = CheckedBooks(self.reader, self.release, self.clock)
        self.jobs = RetryJobs(self.reader, self.operations, self.clock)

    def sight(self, caller: Caller) -> MessageReader:
        """Return the journal as a caller may see it."""
        return reader_for(self.reader, caller)

    async def status(self, caller: Caller) -> Status:
        """Return how things stand for a caller."""
        return await self.snapshot.of(caller).status()

    def pace(self, caller: Caller) -> Pace:
        """Return how fast messages moved lately, as far as a caller sees."""
        return self.snapshot.of(caller).pace()

    def tempo_now(self, caller: Caller) -> list[Minute]:
        """Return the messages a minute of the last hour, as far as a caller sees."""
        return self.snapshot.of(caller).tempo.minutes(self.clock.now())

    def regions(self, found: Status) -> dict[str, list[Any]]:
        """Return country -> lines of its shops; "" for shops that the project does not list."""
        grouped: dict[str, list[Any]] = {}
        for line in found.stores:
            store = self.release.stores.get(line.store)
            grouped.setdefault(store.country if store else "", []).append(line)
        return dict(sorted(grouped.items(), key=lambda item: (not item[0], item[0])))

    def causes(self, found: Status) -> list[Cause]:
        """Return how open trouble divides by kind, most first."""
        counts: dict[str, int] = {}
        for problem in found.problems:
            counts[problem.kind] = counts.get(problem.kind, 0) + problem.count
        whole = sum(counts.values()) or 1
        return [
            Cause(kind, count, count / whole)
            for kind, count in sorted(counts.items(), key=lambda item: -item[1])
        ]

    async def changes(self, caller: Caller, count: int) -> list[Done]:
        """Return what people did lately, newest first; nothing to who sees some shops only."""
        if caller.stores is not None:
            return []
        return [_done(one) for one in await self.reader.actions(count)]

    async def audit(self, before: int = 0) -> list[Done]:
        """Return a page of the audit log, newest first: the entries before a number, 0 for all."""
        newest, _ = await self.reader.audit_head()
        top = min(before - 1, newest) if before else newest
        entries = await self.reader.audit_entries(max(0, top - AUDIT_PAGE), AUDIT_PAGE)
        return [_entry(one) for one in reversed(entries) if one.number <= top]

    async def find(self, text: str, caller: Caller) -> Found:
        """Search for a caller."""
        stores = stores_in_sight(self.release, caller)
        return await find(self.sight(caller), text, now=self.clock.now(), stores=stores)

    async def trace(self, position: int, caller: Caller) -> Trace:
        """Return the life of one message. Raises ConfigurationError TW-7008."""
        found = await trace(self.sight(caller), position, self.release, sent_by(self.release))
        if found is None:
            raise ConfigurationError("TW-7008", f"nothing stands at position {position}")
        return found

    async def problem(self, group: str, caller: Caller) -> Problem:
        """Return one open problem. Raises ConfigurationError TW-7004."""
        return await problem_named(self.sight(caller), group, targets_by_route(self.release))

    async def problems(self, caller: Caller) -> list[Problem]:
        """Return every open problem."""
        return await problems(self.sight(caller), targets_by_route(self.release))

    async def stuck(self, caller: Caller) -> StuckMoney:
        """Return the money that is stuck."""
        return stuck_money(await self.problems(caller), self.clock.now())

    async def stores(self, caller: Caller) -> list[StoreStanding]:
        """Return how every shop stands, most urgent first."""
        found = await store_standings(await self.status(caller), self.reader)
        return [one for one in found if caller.sees(one.line.store)]

    async def store(self, name: str, caller: Caller) -> StorePage:
        """Return one shop in full. Raises ConfigurationError TW-6905, Refused TW-8003."""
        caller.need_store(name)
        found = await self.status(caller)
        standing = store_named(await store_standings(found, self.reader), name)
        known = self.release.stores.get(name)
        latest, looked_at = await latest_of_store(self.sight(caller), name, STORE_MESSAGES)
        return StorePage(
            standing=standing,
            country=known.country if known else "",
            currency=known.currency if known else "",
            registers=known.registers if known else 0,
            days=await self._days(name),
            latest=await hits_of(self.reader, latest),
            looked_at=looked_at,
            problems=[one for one in found.problems if name in one.stores_counted],
        )

    async def traffic(self, caller: Caller) -> TrafficMap:
        """Return the map of systems and routes; how much flows is counted over all shops only."""
        flows = await self._flows() if caller.stores is None else {}
        return traffic_map(await self.status(caller), self.release, flows)

    async def contracts(self, caller: Caller) -> list[ContractLine]:
        """Return the contracts in force."""
        return await contract_lines(self.release, self.sight(caller))

    async def contract(self, name: str, caller: Caller) -> ContractPage:
        """Return one contract. Raises ConfigurationError TW-7009."""
        known_name("contract", name, self.release.contracts)
        lines = await self.contracts(caller)
        return contract_page(
            self.release, name, next(one for one in lines if one.message_type == name)
        )

    def mappings(self) -> list[MappingLine]:
        """Return the mappings in force."""
        return mapping_lines(self.release)

    async def mapping(self, name: str, caller: Caller) -> MappingPage:
        """Return one mapping with a live sample. Raises ConfigurationError TW-7009."""
        known_name("mapping", name, self.release.mappings)
        return await mapping_page(self.release, name, self.sight(caller))

    def settings(self) -> list[Setting]:
        """Return the settings with where each came from; never a secret's value."""
        return settings_of(self.release)

    async def _days(self, store: str) -> list[StoreDay]:
        if not await is_kept(self.reader):
            return []
        today = local_date(self.clock.now(), self.release.hub.time_zone).isoformat()
        first, last = last_days(today, STORE_DAYS)
        found = await store_days(self.reader, first=first, last=last, store=store)
        return sorted(found, key=lambda one: one.business_date, reverse=True)

    def needed_watch(self) -> Watch:
        """Return what measures and alarms. Raises Refused TW-7010 (404) without it."""
        if self.watch is None:
            raise Refused("TW-7010", "this hub watches nothing", status=404)
        return self.watch

    async def _flows(self) -> Mapping[str, Flow]:
        """Return what flowed lately on each way; nothing where nobody measures."""
        if self.watch is None:
            return {}
        recent = self.clock.now() - FLOW_SECONDS * MICROSECONDS
        found: dict[str, Flow] = {}
        for one in await self.watch.series("", "24h"):
            name = one.flow.partition("/")[2]
            rate = one.tried * 60 / FLOW_SECONDS if one.start >= recent else 0.0
            found[name] = Flow(rate, one.age(P95), utc_text(one.start))
        return found


def _done(one: Action) -> Done:
    return Done(utc_text(one.at), one.who, one.verb, one.subject, one.reason)


def _entry(one: AuditEntry) -> Done:
    done = one.action
    return Done(
        utc_text(done.at),
        done.who,
        done.verb,
        done.subject,
        done.reason,
        one.number,
        one.link.hex(),
    )

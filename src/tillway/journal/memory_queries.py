"""The questions of `queries.py`, answered from the in-memory twin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tillway.journal.base import (
    Action,
    AttemptRow,
    DeliveryRow,
    ObjectRevision,
    StoredMessage,
    TargetState,
)
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.journal.keeping import Restored
from tillway.journal.queries import (
    IntakeTotals,
    InvalidRow,
    MessageRecord,
    RegisterDay,
    RouteStanding,
    RouteTotals,
    SequenceRange,
    StoreSeen,
    Total,
    Waiting,
)
from tillway.journal.search import Search, number_and_epoch, parse_search
from tillway.journal.totals import Tally


class MemoryQueries:
    """The dictionaries, and reading them for people; `MemoryJournal` adds what writes."""

    def __init__(self) -> None:
        self.records: list[MessageRecord] = []
        self.by_key: dict[bytes, MessageRecord] = {}
        self.newest_by_object: dict[bytes, int] = {}
        self.hints: defaultdict[str, list[StoredMessage]] = defaultdict(list)
        self.invalid_rows: list[InvalidRow] = []
        self.invalid_hashes: dict[tuple[str, bytes], InvalidRow] = {}
        self.open_keys: defaultdict[bytes, list[InvalidRow]] = defaultdict(list)
        self.received = Tally()
        self.outcomes = Tally()
        self.duplicate_facts = Tally()
        self.rows: defaultdict[str, dict[int, DeliveryRow]] = defaultdict(dict)
        self.attempts: defaultdict[int, list[AttemptRow]] = defaultdict(list)
        self.cursors: dict[str, tuple[int, int]] = {}
        self.filtered: defaultdict[str, Tally] = defaultdict(Tally)
        self.audit: list[Action] = []
        self.targets: dict[str, TargetState] = {}
        self.remembered: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.restores: list[Restored] = []

    async def outcome_totals(self) -> list[Total]:
        """Return the kept totals by outcome."""
        return self.outcomes.totals()

    async def intake_totals(self) -> IntakeTotals:
        """Return everything the first equation compares."""
        stored = _tally((record.message, "accepted") for record in self.records)
        stored.merge(self.duplicate_facts)
        for row in self.invalid_rows:
            for _ in range(1 + row.repeats):
                stored.add(row.outcome, row.message_type, row.currency, row.amount_minor)
        return IntakeTotals(self.received.totals(), self.outcomes.totals(), stored.totals(), [])

    async def routes(self) -> list[str]:
        """Return every route that was ever registered."""
        return sorted(self.cursors)

    async def route_totals(self, route: str) -> RouteTotals:
        """Return both sides of the second equation."""
        start, cursor = self.cursors[route]
        rows = self.rows[route]
        after_start = [r.message for r in self.records if r.message.position > start]
        without = [message for message in after_start if message.position not in rows]
        settled = self._settled(route)
        return RouteTotals(
            route=route,
            cursor=cursor,
            accepted=_tally((m, "accepted") for m in after_start).totals(),
            rows=settled,
            filtered=_tally((m, "filtered") for m in without if m.position <= cursor).totals(),
            pending=_tally((m, "pending") for m in without if m.position > cursor).totals(),
            filtered_kept=self.filtered[route].totals(),
            settled_kept=settled,
        )

    async def standing(
        self, carried: Mapping[str, frozenset[str]] | None = None
    ) -> list[RouteStanding]:
        """Return every route that was ever registered; the twin counts, it keeps no books."""
        return [self._standing(route, carried) for route in sorted(self.cursors)]

    async def waiting(self, carried: Mapping[str, frozenset[str]] | None = None) -> list[Waiting]:
        """Return unsent work by route, store, state and currency."""
        return [cell for one in await self.standing(carried) for cell in one.waiting]

    def _standing(self, route: str, carried: Mapping[str, frozenset[str]] | None) -> RouteStanding:
        cursor = self.cursors[route][1]
        former = carried is not None and route not in carried
        types = carried[route] if carried is not None and not former else None
        rows = self.rows[route]
        behind = (r.message for r in self.records[cursor:] if r.message.position not in rows)
        return RouteStanding(
            route=route,
            cursor=cursor,
            former=former,
            settled=self._settled(route),
            filtered=self.filtered[route].totals(),
            pending=[] if former else _tally((m, "pending") for m in behind).totals(),
            waiting=[] if former else self._waiting(route, types),
        )

    def _settled(self, route: str) -> list[Total]:
        rows = self.rows[route]
        messages = (record.message for record in self.records)
        return _tally((m, rows[m.position].state) for m in messages if m.position in rows).totals()

    def _waiting(self, route: str, types: frozenset[str] | None) -> list[Waiting]:
        cursor = self.cursors[route][1]
        cells: dict[tuple[str, str, str, str], Waiting] = {}
        for record in self.records:
            message, envelope = record.message, record.message.envelope
            due = message.position > cursor and message.superseded_by is None
            state = _waiting_state(self.rows[route].get(message.position), behind=due)
            if not state or (types is not None and envelope.message_type not in types):
                continue
            key = (route, envelope.store, state, envelope.currency)
            cell = cells.setdefault(key, Waiting(*key, 0, 0, envelope.received_at))
            cell.count += 1
            cell.amount_minor += abs(envelope.amount_minor or 0)
            cell.oldest_at = min(cell.oldest_at, envelope.received_at)
        return [cells[key] for key in sorted(cells)]

    async def stores_seen(self) -> list[StoreSeen]:
        """Return the last sign of life of every store."""
        seen: dict[tuple[str, str], StoreSeen] = {}
        for record in self.records:
            envelope = record.message.envelope
            key = (envelope.system, envelope.store)
            cell = seen.setdefault(key, StoreSeen(*key, 0, 0))
            cell.accepted += 1
            cell.last_at = max(cell.last_at, envelope.received_at)
        return [seen[key] for key in sorted(seen)]

    async def target_states(self) -> list[TargetState]:
        """Return the breaker of every target."""
        return [self.targets[name] for name in sorted(self.targets)]

    async def find(self, text: str, limit: int) -> list[StoredMessage]:
        """Return messages that a person's search text names."""
        wanted = parse_search(text)
        hits = [r.message for r in reversed(self.records) if _matches(r.message, wanted)]
        return hits[:limit]

    async def find_invalid(self, texts: Sequence[str], limit: int) -> list[InvalidRow]:
        """Return quarantined and conflicting copies by natural keys or ids."""
        wanted = {text.strip() for text in texts}
        hits = [r for r in self.invalid_rows if wanted & {r.natural_key, f"#{r.invalid_id}"}]
        return [msgspec.structs.replace(row) for row in hits[:limit]]

    async def record(self, position: int) -> MessageRecord | None:
        """Return everything stored of one message."""
        return self.records[position - 1] if 0 < position <= len(self.records) else None

    async def newest_revisions(self, positions: Sequence[int]) -> list[ObjectRevision]:
        """Return those of these messages that have a revision, with the newest of their objects."""
        found = []
        for position in sorted(set(positions)):
            if not 0 < position <= len(self.records):
                continue
            envelope = self.records[position - 1].message.envelope
            digest, revision = envelope.object_digest, envelope.revision
            if digest is not None and revision is not None:
                newest = self.newest_by_object[digest]
                key = envelope.natural_key
                found.append(ObjectRevision(position, key, digest, revision, newest))
        return found

    async def deliveries_of(self, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the fate of these messages on every route."""
        return [
            msgspec.structs.replace(rows[position])
            for position in sorted(set(positions))
            for _, rows in sorted(self.rows.items())
            if position in rows
        ]

    async def attempts_of(self, position: int) -> list[AttemptRow]:
        """Return the recorded calls for one message."""
        return list(self.attempts[position])

    async def deliveries(
        self,
        states: Sequence[str],
        *,
        route: str = "",
        limit: int = 1000,
        after: int = 0,
    ) -> list[tuple[DeliveryRow, StoredMessage]]:
        """Return ledger rows in these states, by position."""
        found = [
            (
                msgspec.structs.replace(row),
                msgspec.structs.replace(self.records[row.position - 1].message, canonical=b""),
            )
            for name, rows in sorted(self.rows.items())
            for row in rows.values()
            if row.state in states and row.position > after and route in ("", name)
        ]
        return sorted(found, key=lambda pair: pair[0].position)[:limit]

    async def invalid(
        self,
        *,
        outcome: str = "",
        open_only: bool = True,
        limit: int = 1000,
        after: int = 0,
        with_raw: bool = True,
    ) -> list[InvalidRow]:
        """Return quarantined and conflicting copies, oldest first."""
        found = [
            msgspec.structs.replace(row, raw=row.raw if with_raw else b"")
            for row in self.invalid_rows
            if row.invalid_id > after
            and outcome in ("", row.outcome)
            and not (open_only and row.closed_by)
        ]
        return found[:limit]

    async def newest_of_store(self, store: str, limit: int, among: int) -> list[StoredMessage]:
        """Return up to limit messages of a shop among the newest of all, newest first."""
        found = [
            msgspec.structs.replace(record.message, canonical=b"")
            for record in self.records[-among:]
            if record.message.envelope.store == store
        ]
        return found[::-1][:limit]

    async def register_days(self, store: str) -> list[RegisterDay]:
        """Return what the tills of one shop sent, by date, till and run of the counter."""
        seen: defaultdict[tuple[str, str, int], list[int]] = defaultdict(list)
        for record in self.records:
            e = record.message.envelope
            if e.store == store and e.workstation and e.sequence_number is not None:
                seen[e.business_date, e.workstation, e.register_epoch].append(e.sequence_number)
        return [
            RegisterDay(workstation, date, epoch, min(numbers), max(numbers))
            for (date, workstation, epoch), numbers in sorted(seen.items())
        ]

    async def sequences(self) -> list[SequenceRange]:
        """Return the numbers seen per system, workstation, run of its counter and business date."""
        seen: defaultdict[tuple[str, str, str, int, str], set[int]] = defaultdict(set)
        for record in self.records:
            e = record.message.envelope
            if e.sequence_number is not None and e.workstation:
                key = (e.system, e.store, e.workstation, e.register_epoch, e.business_date)
                seen[key].add(e.sequence_number)
        return [
            SequenceRange(
                system, store, workstation, date, min(numbers), max(numbers), len(numbers), epoch
            )
            for (system, store, workstation, epoch, date), numbers in sorted(seen.items())
        ]

    async def numbers(
        self, system: str, store: str, workstation: str, business_date: str, register_epoch: int = 0
    ) -> list[int]:
        """Return every number seen of one workstation on one date, in one run of its counter."""
        wanted = (system, store, workstation, business_date, register_epoch)
        accepted = {
            e.sequence_number
            for e in (record.message.envelope for record in self.records)
            if (e.system, e.store, e.workstation, e.business_date, e.register_epoch) == wanted
            and e.sequence_number is not None
        }
        prefix = f"{store}:{workstation}:{business_date}:"
        kept = (
            number_and_epoch(row.natural_key.removeprefix(prefix))
            for row in self.invalid_rows
            if row.system == system and row.natural_key.startswith(prefix)
        )
        readable = filter(None, kept)
        return sorted(accepted | {number for number, epoch in readable if epoch == register_epoch})

    async def actions(self, limit: int) -> list[Action]:
        """Return the newest audited actions."""
        return self.audit[::-1][:limit]

    async def audit_head(self) -> tuple[int, bytes]:
        """Return number and link of the newest entry of the audit log."""
        entries = self._linked()
        return (entries[-1].number, entries[-1].link) if entries else (0, ORIGIN)

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Return up to so many entries of the audit log after a number."""
        return self._linked()[after : after + limit]

    def _linked(self) -> list[AuditEntry]:
        entries: list[AuditEntry] = []
        head = ORIGIN
        for number, action in enumerate(self.audit, start=1):
            head = link(head, number, action)
            entries.append(AuditEntry(number, action, head))
        return entries


def _tally(pairs: Iterable[tuple[StoredMessage, str]]) -> Tally:
    tally = Tally()
    for message, group in pairs:
        envelope = message.envelope
        tally.add(group, envelope.message_type, envelope.currency, envelope.amount_minor)
    return tally


def _waiting_state(row: DeliveryRow | None, *, behind: bool) -> str:
    if row is None:
        return "pending" if behind else ""
    if row.state == "sending":
        return "held"
    return row.state if row.state in ("held", "in_doubt", "dead") else ""


def _matches(message: StoredMessage, wanted: Search) -> bool:
    envelope = message.envelope
    if not wanted.text:
        return False
    if wanted.text in (envelope.natural_key, envelope.message_id, envelope.object_id):
        return True
    if wanted.store and wanted.number is not None:
        return (
            envelope.store == wanted.store
            and envelope.sequence_number == wanted.number
            and wanted.workstation in ("", envelope.workstation)
        )
    return bool(wanted.receipt) and envelope.receipt_number == wanted.receipt

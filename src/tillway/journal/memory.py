"""The in-memory twin of the journal: the same behaviour without a disk, for tests and trials.

It promises `memory` durability only, and says so in every receipt.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import msgspec

from tillway.journal.base import (
    AppendItem,
    Candidate,
    DeliveryRow,
    Features,
    Invalid,
    Listener,
    Receipt,
    RefusedItem,
    RouteProgress,
    Settlement,
    StoredMessage,
    TargetState,
)
from tillway.journal.conflict import conflicting_copy
from tillway.journal.memory_projection import MemoryProjection
from tillway.journal.queries import InvalidRow, MessageRecord
from tillway.journal.totals import item_facts
from tillway.message import Envelope

FEATURES = Features(name="memory", durability="memory", survives_restart=False)


class MemoryJournal(MemoryProjection):
    """Dictionaries that behave like the journal."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: list[Listener] = []

    @property
    def features(self) -> Features:
        """Say what this backend promises."""
        return FEATURES

    async def close(self) -> None:
        """Nothing is held."""

    async def append(self, items: Sequence[AppendItem]) -> list[Receipt]:
        """Decide each item in order and tell the listeners what was accepted."""
        for item in items:
            self.received.add(item.door_name, *item_facts(item))
        before = len(self.records)
        receipts = [self._decide(item) for item in items]
        for item, receipt in zip(items, receipts, strict=True):
            self.outcomes.add(receipt.outcome, *item_facts(item))
        accepted = [record.message for record in self.records[before:]]
        if accepted:
            for listener in list(self._listeners):
                listener(accepted)
        return receipts

    def _decide(self, item: AppendItem) -> Receipt:
        if isinstance(item, RefusedItem):
            return Receipt("refused", code=item.code, durability="memory")
        known = self.by_key.get(item.key_digest) if item.key_digest else None
        if isinstance(item, Invalid):
            if known is not None and known.record_hash == item.record_hash:
                return self._duplicate(known, item)
            return self._quarantine(item)
        if known is None:
            return self._accept(item)
        if known.record_hash == item.record_hash or known.content_hash == item.content_hash:
            return self._duplicate(known, item)
        return self._conflict(known, item)

    def _accept(self, item: Candidate) -> Receipt:
        position = len(self.records) + 1
        higher = self._higher_revision(item.envelope)
        message = StoredMessage(
            position, item.envelope, item.canonical, clean=not item.findings, superseded_by=higher
        )
        record = MessageRecord(
            message=message,
            raw=item.raw,
            raw_rewritten=item.raw_rewritten,
            content_hash=item.content_hash,
            record_hash=item.record_hash,
            findings=item.findings,
            duplicates=[],
        )
        self.records.append(record)
        self.by_key[item.key_digest] = record
        if item.envelope.message_type == "source.hint":
            self.hints[item.envelope.system].append(message)
        for row in self.open_keys.pop(item.key_digest, ()):
            row.closed_by = position
        return _receipt("accepted", record)

    def _higher_revision(self, envelope: Envelope) -> int | None:
        """Return the higher revision already stored of this object; note this one otherwise."""
        digest, revision = envelope.object_digest, envelope.revision
        if digest is None or revision is None:
            return None
        newest = self.newest_by_object.get(digest, revision)
        if revision < newest:
            return newest
        self.newest_by_object[digest] = revision
        return None

    def _duplicate(self, known: MessageRecord, item: Candidate | Invalid) -> Receipt:
        at = item.received_at if isinstance(item, Invalid) else item.envelope.received_at
        known.duplicates.append(at)
        self.duplicate_facts.add("duplicate", *item_facts(item))
        return _receipt("duplicate", known)

    def _conflict(self, known: MessageRecord, item: Candidate) -> Receipt:
        row = self._keep("conflict", conflicting_copy(item), known.message.position)
        return msgspec.structs.replace(
            _receipt("conflict", known), invalid_id=row.invalid_id, code=row.code
        )

    def _quarantine(self, item: Invalid) -> Receipt:
        fresh = ("quarantined", item.record_hash) not in self.invalid_hashes
        row = self._keep("quarantined", item, 0)
        if fresh and item.key_digest and item.key_digest not in self.by_key:
            self.open_keys[item.key_digest].append(row)
        return Receipt(
            "quarantined",
            invalid_id=row.invalid_id,
            natural_key=item.natural_key,
            durability="memory",
            code=item.code,
        )

    def _keep(self, outcome: str, item: Invalid, first_position: int) -> InvalidRow:
        known = self.invalid_hashes.get((outcome, item.record_hash))
        if known is not None and known.system == item.system:
            known.repeats += 1
            return known
        row = InvalidRow(
            invalid_id=len(self.invalid_rows) + 1,
            outcome=outcome,
            door=item.door,
            system=item.system,
            message_type=item.message_type,
            natural_key=item.natural_key,
            store=item.store,
            currency=item.currency,
            amount_minor=item.amount_minor,
            received_at=item.received_at,
            code=item.code,
            violations=item.violations,
            raw=item.raw,
            first_position=first_position,
            repeats=0,
            closed_by=0,
            release=item.release,
        )
        self.invalid_rows.append(row)
        self.invalid_hashes[(outcome, item.record_hash)] = row
        return row

    async def close_invalid(self, invalid_id: int, position: int) -> None:
        """Note that a kept copy was taken in again."""
        self.invalid_rows[invalid_id - 1].closed_by = position

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call listener with what each append accepted; returns the cancel."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit accepted messages after a position."""
        return [record.message for record in self.records[after : after + limit]]

    async def load(self, positions: Sequence[int]) -> list[StoredMessage]:
        """Return these messages in position order."""
        wanted = (self.records[position - 1].message for position in sorted(positions))
        return [message for message in wanted if message.canonical]

    async def read_hints(self, system: str, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit `source.hint` messages of a system after a position."""
        hints = self.hints[system]
        first = bisect_right(hints, after, key=_position)
        return hints[first : first + limit]

    async def last_position(self) -> int:
        """Return the position of the newest accepted message."""
        return len(self.records)

    async def register_route(self, route: str, start: int) -> RouteProgress:
        """Return where a route stands."""
        _, position = self.cursors.setdefault(route, (start, start))
        return RouteProgress(position, {at for at in self.rows[route] if at > position})

    async def open_deliveries(self, route: str) -> list[DeliveryRow]:
        """Return the route's unfinished rows in position order."""
        rows = self.rows[route]
        return [msgspec.structs.replace(rows[at]) for at in sorted(rows) if _is_open(rows[at])]

    async def delivery_rows(self, route: str, positions: Sequence[int]) -> list[DeliveryRow]:
        """Return the rows of these positions on a route."""
        rows = self.rows[route]
        return [msgspec.structs.replace(rows[at]) for at in sorted(positions) if at in rows]

    async def settle(self, settlement: Settlement) -> None:
        """Apply everything at once."""
        route = settlement.route
        for row in settlement.rows:
            self.rows[route][row.position] = msgspec.structs.replace(row)
        for attempt in settlement.attempts:
            self.attempts[attempt.position].append(attempt)
        if settlement.cursor is not None:
            start, _ = self.cursors[route]
            self.cursors[route] = (start, settlement.cursor)
        for (message_type, currency), (count, amount) in settlement.filtered.items():
            self.filtered[route].add("filtered", message_type, currency, amount, count)
        self.audit.extend(settlement.actions)

    async def save_target_state(self, state: TargetState) -> None:
        """Keep the breaker state of a target."""
        self.targets[state.target] = state

    async def save_source_state(self, source: str, name: str, value: str) -> None:
        """Remember one thing for a source; "" forgets it."""
        if value:
            self.remembered[source][name] = value
        else:
            self.remembered[source].pop(name, None)

    async def source_state(self, source: str) -> dict[str, str]:
        """Return everything remembered for a source."""
        return dict(self.remembered[source])


def _position(message: StoredMessage) -> int:
    return message.position


def _is_open(row: DeliveryRow) -> bool:
    if row.state == "dead":
        return row.reason == "holds_lane"
    return row.state in ("sending", "held", "in_doubt")


def _receipt(outcome: str, record: MessageRecord) -> Receipt:
    message = record.message
    return Receipt(
        outcome,  # type: ignore[arg-type]
        position=message.position,
        natural_key=message.envelope.natural_key,
        content_hash=record.content_hash,
        durability="memory",
        message_id=message.envelope.message_id,
    )

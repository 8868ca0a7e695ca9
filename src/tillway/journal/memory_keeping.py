"""Retention and the record of a restore on the in-memory twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from tillway.journal.base import Action
from tillway.journal.keeping import RESTORED, Cutoffs, Restored, Retired
from tillway.journal.memory_queries import MemoryQueries
from tillway.journal.queries import MessageRecord

OPEN_STATES = frozenset({"sending", "held", "in_doubt", "dead"})
T = TypeVar("T")


class MemoryKeeping(MemoryQueries):
    """What lets go and what remembers a restore; `MemoryJournal` adds the path of a message."""

    async def retire(self, cutoffs: Cutoffs, limit: int) -> Retired:
        """Let go of up to `limit` of each kind."""
        return Retired(
            raw=self._retire_raw(cutoffs.raw, limit),
            canonical=self._retire_canonical(cutoffs.canonical, limit),
            duplicates=self._retire_duplicates(cutoffs.duplicates, limit),
            attempts=self._retire_attempts(cutoffs.attempts, limit),
            copies=self._retire_copies(cutoffs.raw, limit),
        )

    async def reclaim(self, size_bytes: int) -> int:  # noqa: ARG002 - the seam's shape
        """Nothing is on a disk."""
        return 0

    async def mark_restored(self, restored: Restored) -> None:
        """Note that this journal comes from a backup."""
        self.restores.append(restored)
        for rows in self.rows.values():
            for row in rows.values():
                if row.state == "held" and row.reason == "on_hold":
                    row.attempts = max(row.attempts, 1)
                elif row.state == "held" and row.reason != "findings":
                    row.state, row.reason = "sending", RESTORED
        subject = f"{restored.origin} at position {restored.position}"
        self.audit.append(
            Action(restored.restored_at, restored.who, "restore", subject, restored.reason)
        )

    async def restored(self) -> Restored | None:
        """Return the last restore."""
        return self.restores[-1] if self.restores else None

    async def acknowledge_restore(self, at: int, who: str, reason: str) -> bool:
        """Note that a person looked at a restored journal."""
        if not any(one.acknowledged_at == 0 for one in self.restores):
            return False
        self.restores = [
            one
            if one.acknowledged_at
            else msgspec.structs.replace(
                one, acknowledged_at=at, acknowledged_by=who, acknowledged_because=reason
            )
            for one in self.restores
        ]
        self.audit.append(Action(at, who, "acknowledge restore", "journal", reason))
        return True

    def _retire_raw(self, before: int, limit: int) -> int:
        def drop(record: MessageRecord) -> None:
            record.raw = b""

        return _each(self._old(before, lambda record: bool(record.raw)), drop, limit)

    def _retire_canonical(self, before: int, limit: int) -> int:
        def drop(record: MessageRecord) -> None:
            record.message.canonical = b""

        def holds(record: MessageRecord) -> bool:
            hint = record.message.envelope.message_type == "source.hint"
            return bool(record.message.canonical) and not hint

        return _each(self._old(before, holds), drop, limit)

    def _retire_duplicates(self, before: int, limit: int) -> int:
        old = ((record, at) for record in self.records for at in record.duplicates if at < before)
        return _each(list(old), lambda one: one[0].duplicates.remove(one[1]), limit)

    def _retire_attempts(self, before: int, limit: int) -> int:
        old = [
            (calls, call)
            for calls in self.attempts.values()
            for call in calls
            if call.ended_at < before and not self._is_open(call.route, call.position)
        ]
        return _each(old, lambda one: one[0].remove(one[1]), limit)

    def _retire_copies(self, before: int, limit: int) -> int:
        old = [
            row
            for row in self.invalid_rows
            if row.closed_by and row.raw and row.received_at < before
        ]
        for row in old[:limit]:
            row.raw = b""
        return len(old[:limit])

    def _old(self, before: int, holds: Callable[[MessageRecord], bool]) -> list[MessageRecord]:
        return [
            record
            for record in self.records
            if record.message.envelope.received_at < before
            and holds(record)
            and self._is_resolved(record.message.position)
        ]

    def _is_resolved(self, position: int) -> bool:
        pending = any(start < position > cursor for start, cursor in self.cursors.values())
        contested = any(
            row.first_position == position and not row.closed_by for row in self.invalid_rows
        )
        open_somewhere = any(self._is_open(route, position) for route in self.rows)
        return not (pending or contested or open_somewhere)

    def _is_open(self, route: str, position: int) -> bool:
        row = self.rows[route].get(position)
        return row is not None and row.state in OPEN_STATES


def _each(old: Iterable[T], drop: Callable[[T], None], limit: int) -> int:
    chosen = list(islice(old, limit))
    for one in chosen:
        drop(one)
    return len(chosen)

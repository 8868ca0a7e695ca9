"""The door behind every source: a submission becomes journal items and comes back as outcomes.

Input is read as a stream and stored in small groups, so a file of a whole day neither lives in
memory nor keeps the event loop from answering others.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tillway.connect import ItemOutcome, Submission, SubmissionResult
from tillway.errors import Refused, code_record
from tillway.formats import Format, Record, Unreadable, format_named
from tillway.intake.pipeline import Pipeline
from tillway.journal.base import AppendItem, Invalid, Journal, Receipt, RefusedItem

GROUP_RECORDS = 64
"""Records handed to the journal at once."""
TURN_BYTES = 16 * 1024
"""Input worked on before others get their turn: about 5 ms, also where records are large."""
GROUPS_IN_FLIGHT = 4
KEPT_FAILURES = 100
STATUS = {"accepted": 202, "duplicate": 200, "conflict": 409, "quarantined": 422}


class Gate:
    """Says whether intake is open; closed it refuses with the given reason."""

    def __init__(self) -> None:
        self._refusal: Callable[[], Refused] | None = None

    @property
    def is_open(self) -> bool:
        """Return whether messages are taken."""
        return self._refusal is None

    def close(self, refusal: Callable[[], Refused]) -> None:
        """Refuse every submission from now on with the error that refusal makes."""
        self._refusal = refusal

    def open(self) -> None:
        """Take messages again."""
        self._refusal = None

    def check(self) -> None:
        """Raise the refusal when closed."""
        if self._refusal is not None:
            raise self._refusal()


class SourceIntake:
    """`connect.Intake` for one source."""

    def __init__(self, door: str, pipeline: Pipeline, journal: Journal, gate: Gate) -> None:
        self._door = door
        self._pipeline = pipeline
        self._journal = journal
        self._gate = gate
        self._formats: dict[str, Format] = {}

    async def submit(self, submission: Submission, *, keep_items: bool = True) -> SubmissionResult:
        """Take everything of a submission; returns when all of it is durable."""
        self._gate.check()
        collected = _Collected(keep_items)
        waiting: list[tuple[asyncio.Task[list[Receipt]], list[_Taken]]] = []
        group: list[_Taken] = []
        turn_bytes = 0
        for entry in self._format(submission).records(_stream(submission.body)):
            group.append(self._take(entry, submission))
            turn_bytes += len(entry.raw)
            if turn_bytes >= TURN_BYTES:
                turn_bytes = 0
                await asyncio.sleep(0)
            if len(group) >= GROUP_RECORDS:
                waiting.append((asyncio.create_task(self._append(group)), group))
                group = []
            if len(waiting) >= GROUPS_IN_FLIGHT:
                collected.add(await waiting[0][0], waiting.pop(0)[1])
        for stored, taken in waiting:
            collected.add(await stored, taken)
        if group:
            collected.add(await self._append(group), group)
        return collected.result()

    def _format(self, submission: Submission) -> Format:
        name = submission.format
        if not name or name == self._pipeline.format.name:
            return self._pipeline.format
        if name not in self._formats:
            self._formats[name] = format_named(name, self._pipeline.batch_options)
        return self._formats[name]

    def _take(self, entry: Record | Unreadable, submission: Submission) -> _Taken:
        if isinstance(entry, Unreadable):
            return _Taken(
                entry.line, entry.offset, RefusedItem(self._door, entry.error.code), entry
            )
        item = self._pipeline.take(
            entry, door=self._door, store=submission.store, trace_id=submission.trace_id
        )
        return _Taken(entry.line, entry.offset, item)

    async def _append(self, group: Sequence[_Taken]) -> list[Receipt]:
        return await self._journal.append([taken.item for taken in group])


@dataclass(slots=True)
class _Taken:
    """A place of the input and the journal item it became; unreadable where it could not be read.

    The tree of a record is let go of at once: a thousand trees that wait for their commit push what
    is being worked on out of the processor's cache.
    """

    line: int
    offset: int
    item: AppendItem
    unreadable: Unreadable | None = None


class _Collected:
    """The outcomes of a submission so far."""

    def __init__(self, keep_items: bool) -> None:
        self._keep_items = keep_items
        self._counts: Counter[str] = Counter()
        self._complete = True
        self._items: list[ItemOutcome] = []

    def add(self, receipts: list[Receipt], group: Sequence[_Taken]) -> None:
        """Note the receipts of one group."""
        for receipt, taken in zip(receipts, group, strict=True):
            self._counts[receipt.outcome] += 1
            if taken.unreadable is not None:
                self._complete = self._complete and not taken.unreadable.fatal
            wrong = receipt.outcome not in ("accepted", "duplicate")
            if self._keep_items or (wrong and len(self._items) < KEPT_FAILURES):
                self._items.append(_outcome(receipt, taken))

    def result(self) -> SubmissionResult:
        """Return what became of everything."""
        return SubmissionResult(dict(self._counts), self._complete, self._items)


def _outcome(receipt: Receipt, taken: _Taken) -> ItemOutcome:
    return ItemOutcome(
        outcome=receipt.outcome,
        status=STATUS.get(receipt.outcome) or _refusal_status(receipt.code),
        line=taken.line,
        offset=taken.offset,
        natural_key=receipt.natural_key,
        position=receipt.position,
        content_hash=receipt.content_hash.hex(),
        message_id=receipt.message_id,
        error=_error(receipt, taken),
    )


def _error(receipt: Receipt, taken: _Taken) -> dict[str, Any] | None:
    if receipt.outcome == "accepted":
        return None
    item = taken.item
    if taken.unreadable is not None:
        return taken.unreadable.error.as_json()
    if receipt.outcome == "quarantined" and isinstance(item, Invalid):
        errors = msgspec.json.decode(item.violations)
        found = "1 violation" if len(errors) == 1 else f"{len(errors)} violations"
        detail = f"{found}; the message is kept in quarantine"
        return {"code": item.code, "detail": detail, "errors": errors}
    if receipt.outcome == "conflict":
        detail = "another content is already stored under this key; the first one stands"
        return {"code": receipt.code, "detail": detail}
    return None


def _refusal_status(code: str) -> int:
    record = code_record(code)
    return record.http_status if record and record.http_status else 400


def _stream(body: Any) -> Any:
    return io.BytesIO(body) if isinstance(body, bytes | bytearray) else body

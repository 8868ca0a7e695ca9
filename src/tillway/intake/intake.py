"""The door behind every source: a submission becomes journal items and comes back as outcomes.

Input is read as a stream and stored in small groups, so a file of a whole day neither lives in
memory nor keeps the event loop from answering others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, BinaryIO

import msgspec

from tillway.connect import ItemOutcome, Submission, SubmissionResult
from tillway.errors import Refused, code_record
from tillway.intake.crew import Crew
from tillway.intake.gathering import Gathering
from tillway.intake.preparation import GROUP_RECORDS, Preparation, Taken
from tillway.intake.small import SmallSubmissions
from tillway.journal.base import Invalid, Journal, Receipt

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
    """`connect.Intake` for one source; without a crew the event loop prepares everything."""

    def __init__(
        self,
        door: str,
        preparation: Preparation,
        journal: Journal,
        gate: Gate,
        crew: Crew | None = None,
        gathering: Gathering | None = None,
    ) -> None:
        self._door = door
        self._preparation = preparation
        self._journal = journal
        self._gate = gate
        self._crew = crew or Crew()
        self._gathering = gathering or Gathering(journal)
        self._small = SmallSubmissions(door, preparation, journal, self._crew)

    async def submit(self, submission: Submission, *, keep_items: bool = True) -> SubmissionResult:
        """Take everything of a submission; returns when all of it is durable."""
        self._gate.check()
        by_crew = self._crew.takes(submission)
        collected = _Collected(keep_items)
        if not by_crew and _is_small(submission.body):
            group, receipts = await self._small.take(submission)
            collected.note(receipts, group)
            return collected.result()
        waiting: deque[tuple[Awaitable[list[Receipt]], list[Taken]]] = deque()
        async with aclosing(self._groups(submission, by_crew)) as groups:
            async for group in groups:
                items = [taken.item for taken in group]
                append = self._gathering.append if by_crew else self._journal.append
                waiting.append((asyncio.ensure_future(append(items)), group))
                if len(waiting) >= GROUPS_IN_FLIGHT:
                    stored, first = waiting.popleft()
                    collected.note(await stored, first)
        for stored, group in waiting:
            collected.note(await stored, group)
        return collected.result()

    def _groups(self, submission: Submission, by_crew: bool) -> AsyncGenerator[list[Taken]]:
        if by_crew:
            return self._crew.groups(self._door, submission, self._gathering)
        return self._groups_here(submission)

    async def _groups_here(self, submission: Submission) -> AsyncGenerator[list[Taken]]:
        group: list[Taken] = []
        turned = 0
        for taken in self._preparation.taken(submission):
            group.append(taken)
            if taken.offset - turned >= TURN_BYTES:
                turned = taken.offset
                await asyncio.sleep(0)
            if len(group) >= GROUP_RECORDS:
                yield group
                group = []
        if group:
            yield group


class _Collected:
    """The outcomes of a submission so far."""

    def __init__(self, keep_items: bool) -> None:
        self._keep_items = keep_items
        self._counts: dict[str, int] = {}
        self._complete = True
        self._items: list[ItemOutcome] = []

    def note(self, receipts: Sequence[Receipt], group: Sequence[Taken]) -> None:
        """Note the receipts of one group."""
        for receipt, taken in zip(receipts, group, strict=True):
            outcome = receipt.outcome
            self._counts[outcome] = self._counts.get(outcome, 0) + 1
            if taken.fatal:
                self._complete = False
            wrong = outcome not in ("accepted", "duplicate")
            if self._keep_items or (wrong and len(self._items) < KEPT_FAILURES):
                self._items.append(_outcome(receipt, taken))

    def result(self) -> SubmissionResult:
        """Return what became of everything."""
        return SubmissionResult(self._counts, self._complete, self._items)


def _is_small(body: bytes | BinaryIO) -> bool:
    return isinstance(body, bytes) and len(body) < TURN_BYTES


def _outcome(receipt: Receipt, taken: Taken) -> ItemOutcome:
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


def _error(receipt: Receipt, taken: Taken) -> dict[str, Any] | None:
    if receipt.outcome == "accepted":
        return None
    item = taken.item
    if taken.error is not None:
        return taken.error
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

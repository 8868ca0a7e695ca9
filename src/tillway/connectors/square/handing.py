"""Hands neutral records to the intake, and remembers which versions of which objects it has.

Surprising: a record that the intake refuses (too large, too deep) is not lost: a small record takes
its place and ends in quarantine with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tillway.connect.kit import Hint, Intake, ItemOutcome, Submission
from tillway.connectors.square.notices import COUNTED, count_of
from tillway.connectors.square.records import Record, missing_record

REMEMBERED_OBJECTS = 50_000
_SUBJECTS = ("order", "payment", "refund", "payout", "shift")
encode_record = msgspec.json.Encoder(decimal_format="number").encode
_encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines


class Stored:
    """Which version of an object was stored last in this process; the oldest are forgotten.

    An object whose version is not known is not remembered, and so is fetched whenever it is named.
    """

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def has(self, object_type: str, object_id: str, revision: int | None) -> bool:
        """Say whether this version or a later one is stored; without a version it is not known."""
        known = self._versions.get(f"{object_type} {object_id}")
        return known is not None and revision is not None and known >= revision

    def add(self, object_type: str, object_id: str, revision: int | None) -> None:
        """Remember a stored version; an older one changes nothing."""
        if revision is None:
            return
        name = f"{object_type} {object_id}"
        self._versions[name] = max(self._versions.pop(name, 0), revision)
        if len(self._versions) > REMEMBERED_OBJECTS:
            del self._versions[next(iter(self._versions))]


async def hand_over(intake: Intake, records: Sequence[Record], stored: Stored) -> None:
    """Store records; returns when all are durable. Raises Refused when the hub takes nothing."""
    if not records:
        return
    refused = await _submitted(intake, records)
    if refused:
        await _submitted(intake, [_in_place_of(records, item) for item in refused])
    for record in records:
        kind, subject = _subject(record)
        if kind:
            stored.add(kind, str(subject.get("id")), version_of(record))


def version_of(record: Record) -> int | None:
    """Return what compares with the version a notification names, None where nothing does.

    The revision of an order without a version is a time, which says nothing about versions.
    """
    kind, subject = _subject(record)
    if kind in COUNTED:
        return count_of(subject.get("version"))
    revision: int | None = record.get("revision")
    return revision


async def _submitted(intake: Intake, records: Sequence[Record]) -> list[ItemOutcome]:
    submission = Submission(_encode_lines(records), format="ndjson")
    result = await intake.submit(submission, keep_items=False)
    return [item for item in result.items if item.outcome == "refused"]


def _in_place_of(records: Sequence[Record], item: ItemOutcome) -> Record:
    record = records[min(max(item.line, 1), len(records)) - 1]
    kind, subject = _subject(record)
    code = (item.error or {}).get("code", "")
    hint = Hint(
        event_id=f"refused {kind} {subject.get('id')}",
        object_type=kind,
        object_id=str(subject.get("id")),
        revision=record.get("revision"),
        occurred_at=str(subject.get("updated_at") or ""),
        store=str(subject.get("location_id") or ""),
    )
    return missing_record(hint, f"the hub could not read it ({code})")


def _subject(record: Record) -> tuple[str, dict[str, Any]]:
    for kind in _SUBJECTS:
        if isinstance(record.get(kind), dict):
            return kind, record[kind]
    return "", {}

"""Columns of the SQLite tables, and records to rows and back."""

from __future__ import annotations

from typing import Any

from tillway.journal.base import (
    AttemptRow,
    Candidate,
    DeliveryRow,
    Invalid,
    StoredMessage,
)
from tillway.journal.queries import InvalidRow
from tillway.message import Envelope

Row = tuple[Any, ...]

ENVELOPE_COLUMNS = (
    "message_id",
    "message_type",
    "schema_version",
    "system",
    "door",
    "natural_key",
    "lane_key",
    "received_at",
    "trace_id",
    "release",
    "store",
    "workstation",
    "business_date",
    "sequence_number",
    "register_epoch",
    "receipt_number",
    "object_id",
    "revision",
    "object_digest",
    "occurred_at",
    "currency",
    "amount_minor",
    "training",
)
MESSAGE_COLUMNS = (
    "position",
    "key_digest",
    "record_hash",
    "content_hash",
    *ENVELOPE_COLUMNS,
    "clean",
    "superseded_by",
)
BESIDE_ENVELOPE = ("position", "clean", "superseded_by")
HEADER_SQL = ", ".join(f"message.{name}" for name in (*BESIDE_ENVELOPE, *ENVELOPE_COLUMNS))
"""What `stored_message` takes, as a SELECT names it."""
PAYLOAD_COLUMNS = ("position", "raw", "canonical", "findings", "raw_rewritten")
DUPLICATE_COLUMNS = (
    "position",
    "received_at",
    "door",
    "message_type",
    "currency",
    "amount_minor",
)
INVALID_COLUMNS = (
    "outcome",
    "record_hash",
    "key_digest",
    "door",
    "system",
    "message_type",
    "natural_key",
    "store",
    "currency",
    "amount_minor",
    "received_at",
    "code",
    "violations",
    "raw",
    "first_position",
    "release",
)
DELIVERY_COLUMNS = (
    "route_id",
    "position",
    "state",
    "lane",
    "attempts",
    "updated_at",
    "reason",
    "next_at",
    "first_at",
    "target_reference",
    "code",
    "detail",
    "release",
    "replayed",
)
ATTEMPT_COLUMNS = (
    "route",
    "position",
    "number",
    "started_at",
    "ended_at",
    "outcome",
    "code",
    "detail",
    "kind",
)


def message_row(position: int, item: Candidate, superseded_by: int | None) -> Row:
    """Return the `message` row of an accepted candidate."""
    e = item.envelope
    return (
        position,
        item.key_digest,
        item.record_hash,
        item.content_hash,
        e.message_id,
        e.message_type,
        e.schema_version,
        e.system,
        e.door,
        e.natural_key,
        e.lane_key,
        e.received_at,
        e.trace_id,
        e.release,
        e.store,
        e.workstation,
        e.business_date,
        e.sequence_number,
        e.register_epoch,
        e.receipt_number,
        e.object_id,
        e.revision,
        e.object_digest,
        e.occurred_at,
        e.currency,
        e.amount_minor,
        int(e.training),
        int(not item.findings),
        superseded_by,
    )


def envelope_of(values: Row) -> Envelope:
    """Return the envelope from values in the order of ENVELOPE_COLUMNS."""
    fields = dict(zip(ENVELOPE_COLUMNS, values, strict=True))
    fields["training"] = bool(fields["training"])
    return Envelope(**fields)


def stored_message(values: Row, canonical: bytes = b"") -> StoredMessage:
    """Return a message from (position, clean, superseded_by, *ENVELOPE_COLUMNS)."""
    position, clean, superseded_by = values[:3]
    return StoredMessage(position, envelope_of(values[3:]), canonical, bool(clean), superseded_by)


def invalid_row(item: Invalid, outcome: str, first_position: int, raw: bytes) -> Row:
    """Return the `invalid` row, in the order of INVALID_COLUMNS."""
    return (
        outcome,
        item.record_hash,
        item.key_digest,
        item.door,
        item.system,
        item.message_type,
        item.natural_key,
        item.store,
        item.currency,
        item.amount_minor,
        item.received_at,
        item.code,
        item.violations.decode(),
        raw,
        first_position,
        item.release,
    )


def invalid_record(values: Row, raw: bytes) -> InvalidRow:
    """Return an InvalidRow from the columns that `read.sql` selects, raw apart."""
    return InvalidRow(
        invalid_id=values[0],
        outcome=values[1],
        door=values[2],
        system=values[3],
        message_type=values[4],
        natural_key=values[5],
        store=values[6],
        currency=values[7],
        amount_minor=values[8],
        received_at=values[9],
        code=values[10],
        violations=values[11].encode(),
        raw=raw,
        first_position=values[12],
        repeats=values[13],
        closed_by=values[14],
        release=values[15],
    )


def delivery_values(route_id: int, row: DeliveryRow) -> Row:
    """Return the `delivery` row."""
    return (
        route_id,
        row.position,
        row.state,
        row.lane,
        row.attempts,
        row.updated_at,
        row.reason,
        row.next_at,
        row.first_at,
        row.target_reference,
        row.code,
        row.detail,
        row.release,
        int(row.replayed),
    )


def delivery_row(route: str, values: Row) -> DeliveryRow:
    """Return a DeliveryRow from the columns after route_id."""
    fields = dict(zip(DELIVERY_COLUMNS[1:], values, strict=True))
    fields["replayed"] = bool(fields["replayed"])
    return DeliveryRow(route=route, **fields)


def attempt_values(row: AttemptRow) -> Row:
    """Return the `attempt` row."""
    return (
        row.route,
        row.position,
        row.number,
        row.started_at,
        row.ended_at,
        row.outcome,
        row.code,
        row.detail,
        row.kind,
    )

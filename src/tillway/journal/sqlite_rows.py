"""Columns of the SQLite tables, and records to rows and back."""

from __future__ import annotations

from typing import Any

from msgspec.structs import astuple

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

ENVELOPE_COLUMNS = Envelope.__struct_fields__
"""A record with columns of its own has them under the names of its fields, in their order."""
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
DELIVERY_COLUMNS = ("route_id", *DeliveryRow.__struct_fields__[1:])
ATTEMPT_COLUMNS = AttemptRow.__struct_fields__


def message_row(position: int, item: Candidate, superseded_by: int | None) -> Row:
    """Return the `message` row of an accepted candidate."""
    return (
        position,
        item.key_digest,
        item.record_hash,
        item.content_hash,
        *astuple(item.envelope),
        not item.findings,
        superseded_by,
    )


def envelope_of(values: Row) -> Envelope:
    """Return the envelope from values in the order of ENVELOPE_COLUMNS."""
    fields = (*values[:-1], bool(values[-1]))
    return Envelope(*fields)


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
    return (route_id, *astuple(row)[1:])


def delivery_row(route: str, values: Row) -> DeliveryRow:
    """Return a DeliveryRow from the columns after route_id."""
    fields = (*values[:-1], bool(values[-1]))
    return DeliveryRow(route, *fields)

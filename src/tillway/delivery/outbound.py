"""Turns a stored message into what a target gets, through the target's mapping table.

The idempotency key is made here and nowhere else: the same on every attempt, restart and replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from keyword import iskeyword
from typing import Any

import msgspec
from msgspec.structs import asdict

from tillway.connect import Outbound
from tillway.delivery.bounds import DETAIL_CHARACTERS
from tillway.errors import ContractViolation, TillwayError
from tillway.journal.base import StoredMessage
from tillway.mapping import MappingTable
from tillway.message import Envelope

VIOLATIONS_TOLD = 5
REMEMBERED_DECODERS = 64

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Opened:
    """A message whose canonical body is decoded at most once, and only when somebody asks."""

    __slots__ = ("_body", "message")

    def __init__(self, message: StoredMessage) -> None:
        self.message = message
        self._body: dict[str, Any] | None = None

    def body(self) -> Mapping[str, Any]:
        """Return the canonical message as plain values; never with a float."""
        if self._body is None:
            self._body = _decode(self.message.canonical)
        return self._body

    def body_with(self, names: frozenset[str] | None) -> Mapping[str, Any]:
        """Return the body with at least these fields, None for all; an absent one may be None.

        Most of a receipt is lines, and many targets want none of them.
        """
        decode = None if self._body is not None or names is None else _decoder_of(names)
        return self.body() if decode is None else asdict(decode(self.message.canonical))


def idempotency_key(envelope: Envelope) -> str:
    """Return the key by which a target knows a message: `quayside/0145:03:2026-11-20:1043`.

    The revision is left out. A message that consumes no POS number carries its type as well, since
    a day's open and its close have the same parts (rulings 2 and 21).
    """
    if envelope.workstation and envelope.sequence_number is not None:
        return f"{envelope.system}/{envelope.natural_key}"
    return f"{envelope.system}/{envelope.message_type}/{envelope.natural_key}"


def outbound(opened: Opened, mapping: MappingTable | None, lane: str, attempt: int) -> Outbound:
    """Return what the target gets.

    Raises ContractViolation when a row of the mapping fails. The table sees the canonical message,
    and beside it `envelope` with natural_key, system, message_type, message_id, store, revision,
    key and received_at (microseconds UTC).
    """
    envelope = opened.message.envelope
    key = idempotency_key(envelope)
    if mapping is None:
        body = opened.body()
    else:
        record = opened.body_with(mapping.reads)
        if mapping.reads is None or "envelope" in mapping.reads:
            record = {**record, "envelope": _envelope_fields(envelope, key)}
        body = mapping.apply(record)
    return Outbound(
        key=key,
        message_type=envelope.message_type,
        lane=lane,
        body=body,
        message_id=envelope.message_id,
        trace_id=envelope.trace_id,
        attempt=attempt,
        revision=envelope.revision,
    )


def sentence(error: TillwayError) -> str:
    """Return the sentence of an error for the ledger, with its first violations."""
    text = error.detail
    if isinstance(error, ContractViolation):
        told = [str(breach) for breach in error.violations[:VIOLATIONS_TOLD]]
        more = len(error.violations) - len(told)
        text = "; ".join([text, *told, *([f"and {more} more"] if more else [])])
    return text[:DETAIL_CHARACTERS]


@lru_cache(REMEMBERED_DECODERS)
def _decoder_of(names: frozenset[str]) -> Callable[[bytes], msgspec.Struct] | None:
    """Return what decodes these fields alone, None where one has a name that no field may have."""
    if not all(name.isidentifier() and not iskeyword(name) for name in names):
        return None
    fields = [(name, Any, None) for name in sorted(names)]
    shape = msgspec.defstruct("Fields", fields, gc=False)
    return msgspec.json.Decoder(shape, float_hook=Decimal).decode


def _envelope_fields(envelope: Envelope, key: str) -> dict[str, Any]:
    return {
        "natural_key": envelope.natural_key,
        "key": key,
        "system": envelope.system,
        "message_type": envelope.message_type,
        "message_id": envelope.message_id,
        "store": envelope.store,
        "revision": envelope.revision,
        "received_at": envelope.received_at,
    }

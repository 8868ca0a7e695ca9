"""Spans of one message, worked out from its rows: the arrival, contract, mapping, and every call.

No payload, no money, no person: names, ids, codes and times. The journal keeps no time of its own
for contract and mapping, so these two are moments within the arrival and say so.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tillway.message.tracing import parent_of, span_id, trace_id_of

Kind = Literal["internal", "server", "consumer", "client"]


class Span(msgspec.Struct, frozen=True):
    """One span; ids are hex, parent "" for a root, times microseconds UTC, error a code."""

    name: str
    kind: Kind
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    attributes: dict[str, str | int | bool] = msgspec.field(default_factory=dict)
    error: str = ""


class Message(msgspec.Struct, frozen=True):
    """A row of `traced_messages`."""

    position: int
    message_id: str
    context: str
    message_type: str
    schema_version: int
    system: str
    door: str
    store: str
    receipt: str
    natural_key: str
    release: str
    received_at: int
    clean: int


class Call(msgspec.Struct, frozen=True):
    """A row of `traced_first` or `traced_attempts`."""

    position: int
    message_id: str
    context: str
    store: str
    receipt: str
    natural_key: str
    route: str
    number: int
    began: int
    ended: int
    outcome: str
    code: str
    kind: str
    attempt_id: int


def arrival_spans(message: Message, stored_at: int) -> list[Span]:
    """Return the arrival, from the door to the disk, with its contract and its mapping."""
    trace, own = trace_id_of(message.context), span_id(message.message_id)
    parent = parent_of(message.context)
    at = message.received_at
    facts: dict[str, str | int | bool] = {
        "tillway.message_id": message.message_id,
        "tillway.message_type": message.message_type,
        "tillway.system": message.system,
        "tillway.door": message.door,
        "tillway.position": message.position,
        **_whose(message),
    }
    contract: dict[str, str | int | bool] = {
        "tillway.contract": f"{message.message_type}/v{message.schema_version}",
        "tillway.clean": bool(message.clean),
        "tillway.timed": False,
    }
    mapping: dict[str, str | int | bool] = {
        "tillway.release": message.release,
        "tillway.timed": False,
    }
    return [
        Span(
            f"receive {message.message_type}",
            "server" if parent else "consumer",
            *(trace, own, parent, at, max(at, stored_at)),
            facts,
        ),
        _moment("mapping", trace, message.message_id, at, mapping),
        _moment("contract", trace, message.message_id, at, contract),
    ]


def call_span(call: Call, target: str) -> Span:
    """Return one call of a target; its id is the one the target was told."""
    looked_up = call.kind == "look_up"
    # A look-up tells nobody a span, and may carry the number of the call it asks about.
    place = f"{call.route}?{call.attempt_id}" if looked_up else call.route
    facts: dict[str, str | int | bool] = {
        "tillway.message_id": call.message_id,
        "tillway.route": call.route,
        "tillway.target": target,
        "tillway.attempt": call.number,
        "tillway.attempt_kind": call.kind,
        "tillway.outcome": call.outcome,
        "tillway.position": call.position,
        **_whose(call),
    }
    if call.code:
        facts["error.type"] = call.code
    return Span(
        f"{'look up' if looked_up else 'send'} {call.route}",
        "client",
        trace_id_of(call.context),
        span_id(call.message_id, place, call.number),
        span_id(call.message_id),
        call.began,
        max(call.began, call.ended),
        facts,
        "" if call.outcome == "delivered" else call.code or call.outcome,
    )


def _moment(
    name: str, trace: str, message_id: str, at: int, facts: dict[str, str | int | bool]
) -> Span:
    own = span_id(message_id, f"/{name}")
    return Span(name, "internal", trace, own, span_id(message_id), at, at, facts)


def _whose(row: Message | Call) -> dict[str, str]:
    named = {
        "tillway.store": row.store,
        "tillway.receipt": row.receipt,
        "tillway.natural_key": row.natural_key,
    }
    return {name: value for name, value in named.items() if value}

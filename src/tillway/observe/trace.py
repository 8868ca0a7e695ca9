"""The life of one message as a timeline: received, resent, contradicted, tried, delivered.

Everything comes from the journal, so it is the same after a restart and without a running hub.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from tillway.clock import utc_text
from tillway.journal.base import AttemptRow, DeliveryRow
from tillway.journal.queries import InvalidRow, JournalQueries, MessageRecord
from tillway.journal.revisions import superseded_messages
from tillway.message.tracing import trace_id_of
from tillway.observe.fingerprint import violations_text
from tillway.observe.latest import Hit, hit_of, superseded_text
from tillway.observe.stages import Sent, Stage, carries, stages
from tillway.project.records import Release

Mark = Literal["good", "waiting", "bad", "note"]
_MARKS: dict[str, Mark] = {
    "delivered": "good",
    "sending": "waiting",
    "held": "waiting",
    "in_doubt": "bad",
    "dead": "bad",
    "abandoned": "note",
}
_REASONS = {
    "retry": "will be tried again",
    "behind_head": "waits behind an earlier message of its lane",
    "findings": "waits until its findings are looked at",
    "operator": "held by a person",
    "in_doubt": "nobody knows whether the target took it",
}
MOST_COPIES = 20


class Step(msgspec.Struct, frozen=True):
    """One thing that happened. at is RFC 3339 in UTC, "" for what has not happened yet."""

    at: str
    what: str
    mark: Mark
    detail: str = ""
    route: str = ""
    code: str = ""


class Trace(msgspec.Struct, frozen=True):
    """One message with its timeline and its payloads.

    findings are the audit rules it breaks. content_hash is hex, as in the sender's receipt.
    """

    hit: Hit
    message_id: str
    trace_id: str
    door: str
    release: str
    revision: int | None
    occurred_at: str
    content_hash: str
    steps: list[Step]
    deliveries: list[DeliveryRow]
    attempts: list[AttemptRow]
    findings: list[dict[str, Any]] = msgspec.field(default_factory=list)
    stages: list[Stage] = msgspec.field(default_factory=list)


async def trace(
    queries: JournalQueries,
    position: int,
    release: Release | None = None,
    sent: Sent | None = None,
) -> Trace | None:
    """Return the life of the message at a position, None when there is none.

    With a release the routes that have not touched it yet are named; with sent, what each target
    gets is mapped again.
    """
    record = await queries.record(position)
    if record is None:
        return None
    envelope = record.message.envelope
    deliveries = await queries.deliveries_of([position])
    attempts = await queries.attempts_of(position)
    copies = await queries.find_invalid([envelope.natural_key], MOST_COPIES)
    own = [copy for copy in copies if copy.system == envelope.system]
    version = (await superseded_messages(queries, [record.message])).get(position)
    newer = superseded_text(version.newest) if version else ""
    steps = [
        *_arrival(record, own),
        *(_attempt_step(attempt) for attempt in attempts),
        *(_delivery_step(row, newer) for row in deliveries),
    ]
    return Trace(
        hit=hit_of(record.message, {row.route: row.state for row in deliveries}),
        message_id=envelope.message_id,
        trace_id=trace_id_of(envelope.trace_id),
        door=envelope.door,
        release=envelope.release,
        revision=envelope.revision,
        occurred_at=envelope.occurred_at,
        content_hash=record.content_hash.hex(),
        steps=[
            *sorted(steps, key=lambda step: step.at),
            *_untouched(record, deliveries, release),
        ],
        deliveries=deliveries,
        attempts=attempts,
        findings=_findings(record.findings),
        stages=stages(record, deliveries, release, sent),
    )


def trace_as_json(found: Trace) -> dict[str, Any]:
    """Return a trace as plain values; ledger times become RFC 3339 in UTC."""
    return {
        **msgspec.structs.asdict(found),
        "deliveries": [_times_told(row) for row in found.deliveries],
        "attempts": [_times_told(attempt) for attempt in found.attempts],
    }


def _times_told(row: DeliveryRow | AttemptRow) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(row)
    return {
        name: (utc_text(value) if value else "") if name.endswith("_at") else value
        for name, value in values.items()
    }


def _arrival(record: MessageRecord, copies: Iterable[InvalidRow]) -> list[Step]:
    message = record.message
    envelope = message.envelope
    accepted = Step(
        utc_text(envelope.received_at),
        "accepted",
        "good",
        f"came in by {envelope.door}, stored at position {message.position}",
    )
    steps = [accepted, *(_copy_step(copy) for copy in copies)]
    if message.superseded_by is not None:
        what = superseded_text(message.superseded_by)
        detail = "the newer one was stored before it: kept as history, sent nowhere"
        steps.append(Step(utc_text(envelope.received_at), what, "note", detail))
    if not message.clean:
        rules = ", ".join(str(one.get("rule", "")) for one in _findings(record.findings))
        steps.append(Step(utc_text(envelope.received_at), "has findings", "note", rules))
    steps += [
        Step(utc_text(at), "duplicate", "note", "the same content came again: answered, not stored")
        for at in record.duplicates
    ]
    return steps


def _copy_step(copy: InvalidRow) -> Step:
    at, name = utc_text(copy.received_at), f"#{copy.invalid_id}"
    if copy.outcome == "conflict":
        detail = f"another content under the same key is kept as {name}; the first one stands"
        return Step(at, "conflict", "bad", detail, code=copy.code)
    closed = ", closed by this message" if copy.closed_by else ""
    why = violations_text(copy.violations)
    return Step(at, "quarantined", "note", f"{name}{closed}: {why}", code=copy.code)


def _attempt_step(attempt: AttemptRow) -> Step:
    tries = {"first": "first try", "retry": "tried again", "operator": "tried again by a person"}
    what = tries.get(attempt.kind, attempt.kind.replace("_", "-"))
    outcome = attempt.outcome.replace("_", " ")
    mark: Mark = "good" if attempt.outcome == "delivered" else "bad"
    return Step(
        utc_text(attempt.ended_at),
        f"{what}: {outcome}",
        mark,
        attempt.detail,
        attempt.route,
        attempt.code,
    )


def _delivery_step(row: DeliveryRow, newer: str) -> Step:
    """Return the step of a row; newer says which revision superseded the message since it came."""
    if row.state == "delivered":
        known = f" as {row.target_reference}" if row.target_reference else ""
        tries = f" after {row.attempts} tries" if row.attempts > 1 else ""
        return Step(
            utc_text(row.updated_at), "delivered", "good", f"taken{known}{tries}", row.route
        )
    final = newer if row.state == "dead" else ""
    detail = " - ".join(filter(None, [final, _REASONS.get(row.reason, ""), row.detail]))
    if row.next_at and row.state == "held":
        detail = f"{detail} (next try {utc_text(row.next_at)})"
    what = row.state.replace("_", " ")
    return Step(utc_text(row.updated_at), what, _MARKS[row.state], detail, row.route, row.code)


def _untouched(
    record: MessageRecord, deliveries: list[DeliveryRow], release: Release | None
) -> list[Step]:
    """Return what has not happened: routes that will take it, and routes that pass it over."""
    if release is None:
        return []
    touched = {row.route for row in deliveries}
    higher = record.message.superseded_by
    why = "this route passes it over" if higher is None else superseded_text(higher)
    steps = []
    for route in release.routes:
        if route in touched:
            continue
        if carries(release, route, record.message):
            steps.append(Step("", "pending", "waiting", "on its way", route))
        else:
            steps.append(Step("", "not carried", "note", why, route))
    return steps


def _findings(findings: bytes) -> list[dict[str, Any]]:
    return msgspec.json.decode(findings, type=list[dict[str, Any]]) if findings else []

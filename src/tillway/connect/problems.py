"""RFC 9457 problem documents: one error as an HTTP answer, whoever gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from tillway.connect.kit import Answer
from tillway.errors import JournalFault, Refused, TillwayError, Transient, code_record

PROBLEM_TYPE = "application/problem+json"
DEFAULT_RETRY_SECONDS = 5
_ASK_AGAIN_LATER = frozenset({429, 503, 507})
_encode = msgspec.json.Encoder().encode


def problem(
    error: TillwayError,
    *,
    status: int = 0,
    trace_id: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an error as an answer. status 0 takes the error's own, then its code's, then 500."""
    retry_after = error.retry_after_seconds if isinstance(error, Refused | Transient) else None
    return problem_of(
        error.as_json(),
        status or status_of(error),
        trace_id=trace_id,
        retry_after_seconds=retry_after,
        headers=headers,
    )


def problem_of(
    error: Mapping[str, Any],
    status: int,
    *,
    trace_id: str = "",
    instance: str = "",
    retry_after_seconds: float | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return `TillwayError.as_json()` as an answer; more holds members of ours beside the standard.

    Answers 429, 503 and 507 always say when to come back.
    """
    code = str(error.get("code", ""))
    record = code_record(code)
    document: dict[str, Any] = {
        "type": f"urn:tillway:problem:{code}",
        "title": record.title if record else code,
        "status": status,
        **error,
    }
    if "advice" not in document and record:
        document["advice"] = record.advice
    if instance:
        document["instance"] = instance
    if trace_id:
        document["trace_id"] = trace_id
    document.update(more or {})
    given = {"content-type": PROBLEM_TYPE, **(headers or {})}
    if status in _ASK_AGAIN_LATER or retry_after_seconds is not None:
        given["retry-after"] = retry_after_text(retry_after_seconds)
    return Answer(status, _encode(document), given)


def status_of(error: TillwayError) -> int:
    """Return the HTTP status that says what this error says."""
    if isinstance(error, Refused):
        return error.status
    record = code_record(error.code)
    if record and record.http_status:
        return record.http_status
    return 503 if isinstance(error, JournalFault | Transient) else 500


def retry_after_text(seconds: float | None) -> str:
    """Return the value of a Retry-After header: whole seconds, at least one."""
    return str(DEFAULT_RETRY_SECONDS if seconds is None else max(1, math.ceil(seconds)))

"""W3C trace context as the journal keeps it, and the ids of a message's own spans.

Surprising: the id of a span follows from the message, the route and the number of the call. So what
a target was told and what is exported later agree, and nothing has to be kept for it.
"""

from __future__ import annotations

import re
from hashlib import blake2b

TRACE_DIGITS = 32
SPAN_DIGITS = 16
NOT_SAMPLED = "-00"
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * TRACE_DIGITS, "0" * SPAN_DIGITS


def kept_context(traceparent: str) -> str:
    """Return what is kept of a traceparent header (W3C Trace Context), "" for an unusable one.

    It is `<trace id>-<span id of the sender>`, with `-00` behind it when the sender samples not.
    """
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return ""
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return ""
    return f"{trace}-{span}" if int(flags, 16) & 1 else f"{trace}-{span}{NOT_SAMPLED}"


def trace_id_of(kept: str) -> str:
    """Return the 32 hex digits of a trace, "" when there are none."""
    return kept[:TRACE_DIGITS]


def parent_of(kept: str) -> str:
    """Return the sender's span, 16 hex digits, "" when the trace began here."""
    return kept[TRACE_DIGITS + 1 :][:SPAN_DIGITS]


def span_id(message_id: str, place: str = "", number: int = 0) -> str:
    """Return the id of a span of one message: 16 hex digits. place: a route; number: of the call.

    Without a place it is the span of the arrival.
    """
    return blake2b(f"{message_id}/{place}/{number}".encode(), digest_size=8).hexdigest()


def traceparent(kept: str, span: str) -> str:
    """Return the header for a call that is this span, "" when the message has no trace."""
    trace = trace_id_of(kept)
    if len(trace) != TRACE_DIGITS or trace == _NO_TRACE:
        return ""
    return f"00-{trace}-{span}-{'00' if kept.endswith(NOT_SAMPLED) else '01'}"

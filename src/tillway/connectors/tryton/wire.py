"""How Tryton writes values in JSON: decimals, dates and times are objects that name their class.

Surprising: an answer above 1,400 bytes says `Content-Encoding: gzip` even when it was not asked
for and is not compressed, so the body is judged by its first bytes and never by that header.
"""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from tillway.connect.http_client import MAX_ANSWER_BYTES

GZIP_START = b"\x1f\x8b"
_GZIP_WINDOW = 31
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def encoded(value: Any) -> bytes:
    """Return a value as Tryton reads it. Decimals and dates go out as its objects."""
    return _encode(_sendable(value))


def decoded(body: bytes) -> Any:
    """Return what Tryton answered, with its objects as decimals, dates and times (UTC).

    Raises ValueError for a body that is no JSON, or unfolds beyond MAX_ANSWER_BYTES.
    """
    plain = _unfolded(body) if body.startswith(GZIP_START) else body
    try:
        return _received(_decode(plain))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ValueError("the body is no JSON") from fault


def amount(value: Any) -> Decimal:
    """Return an amount of an answer; Tryton writes a whole zero as 0."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def _unfolded(body: bytes) -> bytes:
    unfolding = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unfolding.decompress(body, MAX_ANSWER_BYTES)
    except zlib.error as fault:
        raise ValueError("the body is no gzip") from fault
    if unfolding.unconsumed_tail:
        raise ValueError("the body unfolds to too much")
    return plain


def _sendable(value: Any) -> Any:
    """Replace what JSON has another spelling for; msgspec would write it in its own way."""
    if isinstance(value, dict):
        return {name: _sendable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(part) for part in value]
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return {
            "__class__": "datetime",
            **{name: getattr(moment, name) for name in (*_DAY, *_TIME)},
        }
    if isinstance(value, date):
        return {"__class__": "date", **{name: getattr(value, name) for name in _DAY}}
    return value


_DAY = ("year", "month", "day")
_TIME = ("hour", "minute", "second", "microsecond")


def _received(value: Any) -> Any:
    if isinstance(value, list):
        return [_received(part) for part in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    try:
        if kind == "Decimal":
            return Decimal(value["decimal"])
        if kind == "date":
            return date(*(value[name] for name in _DAY))
        if kind == "datetime":
            day, at = (tuple(value[name] for name in names) for names in (_DAY, _TIME))
            return datetime.combine(date(*day), time(*at), UTC)
    except (KeyError, TypeError, ArithmeticError) as fault:
        raise ValueError(f"a {kind} that is none") from fault
    return {name: _received(part) for name, part in value.items()}

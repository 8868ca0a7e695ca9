"""Reads one request body under a size limit and a deadline, holding no more than the limit.

Surprising: a body that says it is too large is refused before a byte of it is read; the server then
throws away what still arrives, so that the sender gets to read the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from tillway.errors import Refused

BODY_TIMEOUT_SECONDS = 30.0
DISCARD_BYTES = 128 * 1024 * 1024
"""What is still read and thrown away after a refusal; beyond it the connection is closed."""


class Gone(Exception):
    """The sender went away before its body was complete: nobody is left to answer."""


async def read_body(
    headers: Mapping[str, str],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    max_bytes: int,
    timeout_seconds: float,
) -> bytes:
    """Return the whole body.

    Raises Refused TW-2001 (413, too large), TW-2008 (408, too slow), TW-2013 (400, a length that is
    no number), Gone when the sender left.
    """
    _check_length(headers.get("content-length"), max_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read(receive, max_bytes)
    except TimeoutError:
        raise Refused(
            "TW-2008", f"the body did not arrive within {timeout_seconds:g} s", status=408
        ) from None


def must_close(refusal: Refused, headers: Mapping[str, str]) -> bool:
    """Tell whether the connection must end with this answer, as too much may still come."""
    if refusal.code == "TW-2008":
        return True
    length = headers.get("content-length", "")
    return refusal.code == "TW-2001" and (
        len(length) not in range(1, 10) or int(length) > DISCARD_BYTES
    )


def too_large(max_bytes: int) -> Refused:
    """Return the refusal of a body beyond the limit."""
    return Refused(
        "TW-2001",
        f"the body is larger than the {max_bytes} bytes this door takes",
        status=413,
        advice="Send fewer messages at once (NDJSON batches may be split anywhere between lines).",
    )


async def _read(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], max_bytes: int
) -> bytes:
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > max_bytes:
            raise too_large(max_bytes)
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False) and size <= DISCARD_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size <= max_bytes:
            parts.append(part)
        else:
            # Reading on lets a sender that does not look up while it writes see the answer.
            parts.clear()
    if size > max_bytes:
        raise too_large(max_bytes)
    return b"".join(parts)


def _check_length(text: str | None, max_bytes: int) -> None:
    if text is None:
        return
    if not (text.isascii() and text.isdigit()):
        raise Refused("TW-2013", "Content-Length is not a number", status=400)
    if len(text) > 18 or int(text) > max_bytes:
        raise too_large(max_bytes)

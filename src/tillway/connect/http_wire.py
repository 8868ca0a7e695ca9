"""One kept-alive HTTP/1.1 connection: writes a request, reads its answer with httptools.

Surprising: whether a single byte of the request went out is all that decides between two errors, so
nothing here ever sends a request a second time.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import cast

import httptools

from tillway.connect.http_client import HttpReply

CHUNK_BYTES = 64 * 1024
OK = 200
REMEMBERED_NAMES = 256
_COUNTED = frozenset({"content-length", "transfer-encoding"})


class Broken(Exception):
    """The connection ended, or said something that is no HTTP, before its answer was complete."""


class TooLarge(Exception):
    """The answer is larger than may be read."""


class Connection(asyncio.Protocol):
    """One connection; it carries one call at a time. idle_since is monotonic time."""

    def __init__(self, max_answer_bytes: int) -> None:
        self._max_answer_bytes = max_answer_bytes
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[HttpReply] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self.usable = False
        self.idle_since = 0.0

    async def call(self, head: bytes, body: bytes) -> HttpReply:
        """Send a request and return its answer. Raises Broken or TooLarge."""
        transport = self._transport
        if transport is None or not self.usable:
            raise Broken("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._begin()
        try:
            if len(body) <= CHUNK_BYTES:
                transport.write(head + body)
            else:
                await self._write_long(transport, head, body)
            return await self._answer
        except BaseException:
            # Half a call is left on the line: whatever comes now belongs to nobody.
            self.close()
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """Give up waiting for the answer: the caller gets a TimeoutError."""
        self._fail(TimeoutError())

    async def _write_long(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Write piece by piece, so that the event loop serves others in between."""
        assert self._answer is not None
        transport.write(head)
        view = memoryview(body)
        for start in range(0, len(body), CHUNK_BYTES):
            if self._answer.done():
                # Refused before it was complete: that is the answer; the line is spoilt.
                self.usable = False
                return
            transport.write(view[start : start + CHUNK_BYTES])
            await asyncio.sleep(0)
            await self._writable.wait()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._counted = False
        self._in_body = False

    # --- asyncio.Protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready for a call."""
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Read on; an answer nobody asked for ends the connection."""
        if self._answer is None or self._answer.done():
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Broken("not HTTP"))

    def eof_received(self) -> bool:
        """Take an answer without a length as complete when the other side ends."""
        status = self._parser.get_status_code() if self._answer is not None else 0
        if status >= OK and self._in_body and not self._counted:
            self._complete(status, keep=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the caller, if one waits."""
        self.usable = False
        self._writable.set()
        self._fail(Broken(type(exc).__name__ if exc else "closed by the other side"))

    def pause_writing(self) -> None:
        """Wait with the rest of a long body."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on with a long body."""
        self._writable.set()

    # --- httptools ---------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name the last."""
        key = _key_of(name)
        self._headers[key] = value.decode("utf-8", "surrogateescape")
        if key in _COUNTED:
            self._counted = True

    def on_headers_complete(self) -> None:
        """Note that the body comes next."""
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body, up to the limit."""
        self._size += len(body)
        if self._size > self._max_answer_bytes:
            self._fail(TooLarge())
            self.close()
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Answer the caller; an interim answer (1xx) is only noted."""
        status = self._parser.get_status_code()
        if status < OK:
            self._headers.clear()
            self._counted = self._in_body = False
            return
        self._complete(status, keep=self._parser.should_keep_alive())

    def _complete(self, status: int, *, keep: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(HttpReply(status, self._headers, b"".join(self._parts)))
        if not keep:
            self.usable = False
            if self._transport is not None:
                self._transport.close()

    def _fail(self, reason: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(reason)


@lru_cache(REMEMBERED_NAMES)
def _key_of(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape").lower()

"""The shared HTTP client: one call, one deadline, and an honest answer when there is none.

Surprising: what was never sent and what was sent without an answer are different errors. The first
is NotConnected; the second is InDoubt, because the other side may have done the work.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import msgspec

from tillway.errors import InDoubt, NotConnected

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 16 * 1024 * 1024
STREAMED_BYTES = 512 * 1024
# Below the 5 s after which many servers drop an idle connection: a call must not meet the drop.
KEEP_ALIVE_SECONDS = 4.0


class HttpReply(msgspec.Struct):
    """An answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """What a connector needs of an HTTP library."""

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Call once and return whatever was answered; redirects are not followed.

        Raises NotConnected TW-4101 (nothing was sent), InDoubt TW-4102 (no answer in time), TW-4103
        (the connection broke) or TW-4111 (the answer is too large to read).
        """
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


def http_client(
    *,
    connections: int,
    timeout_seconds: float,
    connect_seconds: float,
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> HttpClient:
    """Return a client with a pool. timeout_seconds bounds a whole call.

    connect_seconds is the part of it that waiting for a connection may take, half at most, so that
    a call which ran out of time while connecting is known never to have been sent.
    """
    return _AiohttpClient(
        connections,
        timeout_seconds,
        min(connect_seconds, timeout_seconds / 2),
        keep_alive_seconds,
        max_answer_bytes,
    )


class _AiohttpClient:
    """aiohttp behind our interface.

    It is imported with the first call, in a thread, since that takes a fifth of a second.
    """

    def __init__(
        self,
        connections: int,
        timeout_seconds: float,
        connect_seconds: float,
        keep_alive_seconds: float,
        max_answer_bytes: int,
    ) -> None:
        self._connections = connections
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = connect_seconds
        self._keep_alive_seconds = keep_alive_seconds
        self._max_answer_bytes = max_answer_bytes
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        if self._session is None:
            await asyncio.to_thread(import_module, "aiohttp")
        import aiohttp

        session = self._session or self._open()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with session.request(
                    method, url, headers=headers, data=_sendable(body), allow_redirects=False
                ) as response:
                    answer = await self._read(response)
                    return HttpReply(
                        response.status,
                        {name.lower(): value for name, value in response.headers.items()},
                        answer,
                    )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as fault:
            raise no_connection(url, type(fault).__name__) from None
        except aiohttp.InvalidURL:
            raise no_address(url) from None
        except TimeoutError:
            raise no_answer(url, self._timeout_seconds) from None
        except (aiohttp.ClientError, OSError) as fault:
            raise broken(url, type(fault).__name__) from None

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        force_close = self._keep_alive_seconds <= 0
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                force_close=force_close,
                keepalive_timeout=None if force_close else self._keep_alive_seconds,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A compressed answer could unfold to any size, so none is asked for.
            auto_decompress=False,
            headers={"user-agent": "tillway", "accept-encoding": "identity"},
        )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (length := response.content_length) is not None and length <= self._max_answer_bytes:
            return await response.read()
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._max_answer_bytes:
                response.close()
                raise too_large(str(response.url), self._max_answer_bytes)
            parts.append(part)
        return b"".join(parts)


def no_connection(url: str, reason: str) -> NotConnected:
    """Return the error of a call that never got a connection; nothing was sent."""
    return NotConnected("TW-4101", f"no connection to {_origin(url)}", reason=reason)


def no_address(url: str) -> NotConnected:
    """Return the error of a URL that leads nowhere."""
    return NotConnected("TW-4101", f"{_origin(url)} is not an address")


def no_answer(url: str, seconds: float) -> InDoubt:
    """Return the error of a call that was not answered in time."""
    return InDoubt("TW-4102", f"{_origin(url)} gave no answer within {seconds:g} s")


def broken(url: str, reason: str) -> InDoubt:
    """Return the error of a call whose connection ended before its answer did."""
    told = f"the connection to {_origin(url)} broke before its answer was complete"
    return InDoubt("TW-4103", told, reason=reason)


def too_large(url: str, max_bytes: int) -> InDoubt:
    """Return the error of an answer that is too large to read."""
    return InDoubt("TW-4111", f"{_origin(url)} answered with more than {max_bytes} bytes")


def _sendable(body: bytes | None) -> bytes | io.BytesIO | None:
    """Return a large body as a stream: written at once it would hold up the event loop."""
    return io.BytesIO(body) if body and len(body) > STREAMED_BYTES else body


def _origin(url: str) -> str:
    """Return scheme and host of a URL: its path and query may hold keys, its user part a secret."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"

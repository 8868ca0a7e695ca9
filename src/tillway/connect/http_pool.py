"""A lean HTTP client for targets that take a call per message; same seam as `http_client`.

Surprising: it exists for speed alone. A general library spends more on a call than all of Tillway;
vendors' APIs are called rarely and keep the library.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tillway.connect.http_client import (
    KEEP_ALIVE_SECONDS,
    MAX_ANSWER_BYTES,
    HttpClient,
    HttpReply,
    broken,
    no_address,
    no_answer,
    no_connection,
    too_large,
)
from tillway.connect.http_wire import CHUNK_BYTES, Broken, Connection, TooLarge
from tillway.errors import Permanent

USER_AGENT = "tillway"
REMEMBERED_URLS = 4096
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A URL as a connection needs it.

    target is path and query, host the Host header, user the Basic credentials of the URL or "".
    """

    scheme: str
    name: str
    port: int
    host: str
    target: str
    user: str


def pooled_client(
    *,
    connections: int,
    timeout_seconds: float,
    connect_seconds: float,
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> HttpClient:
    """Return a client with a pool; the arguments are those of `http_client`."""
    return _Pool(
        connections,
        timeout_seconds,
        min(connect_seconds, timeout_seconds / 2),
        keep_alive_seconds,
        max_answer_bytes,
    )


class _Pool:
    def __init__(
        self,
        connections: int,
        timeout_seconds: float,
        connect_seconds: float,
        keep_alive_seconds: float,
        max_answer_bytes: int,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = connect_seconds
        self._keep_alive_seconds = keep_alive_seconds
        self._max_answer_bytes = max_answer_bytes
        self._turns = asyncio.Semaphore(connections)
        self._idle: dict[tuple[str, str, int], deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._tls: ssl.SSLContext | None = None

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        address = _address(url)
        if address is None:
            raise no_address(url)
        head = _head(method, address, headers, body)
        content = body or b""
        try:
            if len(content) <= CHUNK_BYTES and not self._turns.locked():
                kept = self._kept(address)
                if kept is not None:
                    return await self._call_kept(kept, address, head, content)
            return await self._call(url, address, head, content)
        except TimeoutError:
            raise no_answer(url, self._timeout_seconds) from None
        except TooLarge:
            raise too_large(url, self._max_answer_bytes) from None
        except Broken as fault:
            raise broken(url, str(fault)) from None

    async def close(self) -> None:
        for connection in list(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()

    async def _call_kept(
        self, connection: Connection, address: Address, head: bytes, body: bytes
    ) -> HttpReply:
        """Call on a connection that is there; only the answer is waited for, so a timer will do."""
        await self._turns.acquire()
        late = asyncio.get_running_loop().call_later(self._timeout_seconds, connection.expire)
        try:
            return await connection.call(head, body)
        finally:
            late.cancel()
            self._give_back(address, connection)
            self._turns.release()

    async def _call(self, url: str, address: Address, head: bytes, body: bytes) -> HttpReply:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = await self._connection(url, address)
                return await connection.call(head, body)
        finally:
            if connection is not None:
                self._give_back(address, connection)
                self._turns.release()

    async def _connection(self, url: str, address: Address) -> Connection:
        """Return a connection that is ours alone. Raises NotConnected; nothing was sent then."""
        if not self._turns.locked():
            await self._turns.acquire()
            kept = self._kept(address)
            if kept is not None:
                return kept
            self._turns.release()
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._turns.acquire()
                try:
                    return self._kept(address) or await self._new(address)
                except BaseException:
                    self._turns.release()
                    raise
        except (TimeoutError, OSError, ssl.SSLError) as fault:
            raise no_connection(url, type(fault).__name__) from None

    def _kept(self, address: Address) -> Connection | None:
        now = asyncio.get_running_loop().time()
        waiting = self._idle.get(address[:3])
        while waiting:
            connection = waiting.pop()
            if connection.usable and now - connection.idle_since < self._keep_alive_seconds:
                return connection
            connection.close()
            self._open.discard(connection)
        return None

    async def _new(self, address: Address) -> Connection:
        secure = address.scheme == "https"
        if secure and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._max_answer_bytes),
            address.name,
            address.port,
            ssl=self._tls if secure else None,
            server_hostname=address.name if secure else None,
        )
        self._open.add(connection)
        return connection

    def _give_back(self, address: Address, connection: Connection) -> None:
        if connection.usable and self._keep_alive_seconds > 0 and connection in self._open:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(address[:3], deque()).append(connection)
        else:
            connection.close()
            self._open.discard(connection)


@lru_cache(REMEMBERED_URLS)
def _address(url: str) -> Address | None:
    """Return the parts of a URL, None for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    name = parts.hostname
    if not name or not url.isascii() or not url.isprintable() or " " in url:
        return None
    host = f"[{name}]" if ":" in name else name
    if port != _PORTS[parts.scheme]:
        host = f"{host}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        user = b64encode(pair.encode()).decode()
    return Address(parts.scheme, name, port, host, target, user)


def _head(method: str, address: Address, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [f"{method} {address.target} HTTP/1.1", f"host: {address.host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if address.user and "authorization" not in headers:
        lines.append(f"authorization: Basic {address.user}")
    lines += [f"user-agent: {USER_AGENT}", "accept-encoding: identity"]
    if body is not None or method not in {"GET", "DELETE"}:
        lines.append(f"content-length: {len(body or b'')}")
    text = "\r\n".join(lines)
    if text.count("\n") >= len(lines) or text.count("\r") >= len(lines) or "\0" in text:
        raise Permanent("TW-4119", "a header of the call would hold a line break")
    return f"{text}\r\n\r\n".encode()

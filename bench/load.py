"""A load generator for any HTTP address and any payload; alone: `python -m bench.load --help`.

It shares the machine's cores with what it measures, so it does as little as it can: requests are
made before the clock starts, and a connection sends the next one from the callback of its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

PACED_CONNECTIONS = 8


@dataclass(slots=True)
class LoadResult:
    """seconds from the first byte out to the last answer in; latencies in seconds; statuses.

    began is the wall time of the first byte out: connections and requests were there by then.
    """

    seconds: float
    began: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """Return the latency that so large a share of the calls did not exceed, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def post(path: str, body: bytes, headers: dict[str, str], host: str = "bench") -> bytes:
    """Return the bytes of one POST request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\n{lines}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def as_fast_as_possible(
    host: str,
    port: int,
    requests: Iterable[bytes],
    connections: int,
    tls: ssl.SSLContext | None = None,
) -> LoadResult:
    """Send every request over so many connections, each waiting for its answer."""
    run = _Closed(iter(requests))
    await run.open(host, port, connections, tls)
    return await run.finished()


async def at_rate(
    host: str,
    port: int,
    requests: Iterable[bytes],
    per_second: float,
    connections: int = PACED_CONNECTIONS,
    tls: ssl.SSLContext | None = None,
) -> LoadResult:
    """Send requests at an even pace; a latency counts from when the request was due."""
    run = _Paced(list(requests), per_second)
    await run.open(host, port, connections, tls)
    return await run.finished()


class _Run:
    """What both kinds of load share: connections, and what came back."""

    def __init__(self) -> None:
        self.result = LoadResult(0.0)
        self.connections: list[_Connection] = []
        self.flying = 0
        self._ended = asyncio.get_running_loop().create_future()

    async def open(self, host: str, port: int, count: int, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, made = await loop.create_connection(
                lambda: _Connection(self),
                host,
                port,
                ssl=tls,
                server_hostname=host if tls else None,
            )
            self.connections.append(made)

    async def finished(self) -> LoadResult:
        self.result.began, started = time.time(), time.perf_counter()
        self.begin()
        await self._ended
        self.result.seconds = time.perf_counter() - started
        for connection in self.connections:
            connection.transport.close()
        return self.result

    def note(self, status: int, latency: float) -> None:
        self.flying -= 1
        self.result.latencies.append(latency)
        statuses = self.result.statuses
        statuses[status] = statuses.get(status, 0) + 1

    def end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def lost(self, error: BaseException | None) -> None:
        """Fail: a connection has ended that carries a request, or should."""
        if not self._ended.done():
            self._ended.set_exception(error or ConnectionResetError("closed by the other side"))

    def begin(self) -> None:
        raise NotImplementedError

    def answered(self, connection: _Connection, status: int) -> None:
        raise NotImplementedError


class _Closed(_Run):
    """Every connection sends its next request when the last one was answered."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        super().__init__()
        self._requests = requests

    def begin(self) -> None:
        for connection in self.connections:
            self._next(connection)

    def answered(self, connection: _Connection, status: int) -> None:
        self.note(status, time.perf_counter() - connection.since)
        self._next(connection)

    def _next(self, connection: _Connection) -> None:
        request = next(self._requests, None)
        if request is not None:
            self.flying += 1
            connection.send(request, time.perf_counter())
        elif not self.flying:
            self.end()


class _Paced(_Run):
    """Requests become due at an even pace, and wait for a free connection."""

    def __init__(self, requests: list[bytes], per_second: float) -> None:
        super().__init__()
        self._requests = requests
        self._per_second = per_second
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._free: deque[_Connection] = deque()

    def begin(self) -> None:
        self._free.extend(self.connections)
        self._loop = asyncio.get_running_loop()
        # The loop counts in whole milliseconds from a cached time; latencies count from due.
        self._clock_offset = self._loop.time() - time.perf_counter()
        self._started = time.perf_counter()
        self._index = 0
        self._due()

    def _due(self) -> None:
        while self._index < len(self._requests):
            due = self._started + self._index / self._per_second
            if due > time.perf_counter():
                self._loop.call_at(due + self._clock_offset, self._due)
                return
            self._waiting.append((self._requests[self._index], due))
            self._index += 1
            self._send()

    def _send(self) -> None:
        while self._waiting and self._free:
            request, due = self._waiting.popleft()
            self.flying += 1
            self._free.popleft().send(request, due)

    def answered(self, connection: _Connection, status: int) -> None:
        self.note(status, time.perf_counter() - connection.since)
        self._free.append(connection)
        self._send()
        if self._index == len(self._requests) and not (self.flying or self._waiting):
            self.end()


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._busy = False
        self.since = 0.0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self._run.lost(ConnectionResetError(f"closed after an answer of {status}"))
            return
        self._busy = False
        self._run.answered(self, status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._busy:
            self._run.lost(exc)

    def send(self, request: bytes, since: float) -> None:
        """Send a request whose latency counts from since."""
        if self.transport.is_closing():
            self._run.lost(None)
            return
        self._busy = True
        self.since = since
        self.transport.write(request)


def main() -> None:
    """Load one address with the bodies of files, and print what came back."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--url", required=True, help="address, such as http://127.0.0.1:8080/in/x")
    parser.add_argument("--body", type=Path, nargs="+", required=True, help="files with one body")
    parser.add_argument("--lines", action="store_true", help="each line of a file is a body")
    parser.add_argument("--per-call", type=int, default=1, help="join so many bodies as lines")
    parser.add_argument("--header", action="append", default=[], help="'name: value', repeatable")
    parser.add_argument("--count", type=int, default=0, help="calls in all; bodies are repeated")
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second; 0: no limit")
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    bodies = _bodies(options.body, options.lines, options.per_call)
    calls = list(islice(cycle(bodies), options.count or len(bodies)))
    headers = dict(header.split(": ", 1) for header in options.header)
    result = uvloop.run(
        _load(options.url, calls, headers, options.rate, options.connections), debug=False
    )
    print(f"{len(calls) / result.seconds:,.1f} calls/s in {result.seconds:.2f} s; ", end="")
    print(", ".join(f"{count} answered {status}" for status, count in result.statuses.items()))
    for share in (0.5, 0.95, 0.99, 1.0):
        print(f"p{share * 100:g} {result.percentile(share) * 1e3:.2f} ms")


async def _load(
    url: str, bodies: list[bytes], headers: dict[str, str], rate: float, connections: int
) -> LoadResult:
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"content-type": "application/json", **headers}
    requests = [post(path, body, headers, parts.netloc) for body in bodies]
    host = parts.hostname or "127.0.0.1"
    if rate:
        return await at_rate(host, port, requests, rate, connections, tls)
    return await as_fast_as_possible(host, port, requests, connections, tls)


def _bodies(files: list[Path], lines: bool, per_call: int) -> list[bytes]:
    bodies = [file.read_bytes() for file in files]
    if lines:
        bodies = [line for body in bodies for line in body.splitlines() if line.strip()]
    starts = range(0, len(bodies), per_call)
    return [b"\n".join(bodies[start : start + per_call]) for start in starts]


if __name__ == "__main__":
    main()

"""A load generator for any HTTP address: raw keep-alive connections, any payload.

It is part of no figure's explanation but its cost is in every figure: it shares the machine's cores
with what it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(slots=True)
class LoadResult:
    """seconds from the first byte out to the last answer in; latencies in seconds; statuses."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """Return the latency that so large a share of the calls did not exceed, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("closed"))

    def call(self, request: bytes) -> asyncio.Future[int]:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answered


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of one POST request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\n{lines}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def as_fast_as_possible(
    host: str, port: int, requests: Iterable[bytes], connections: int
) -> LoadResult:
    """Send every request over so many connections, each waiting for its answer."""
    result = LoadResult(0.0)
    waiting = iter(requests)
    opened = [await _open(host, port) for _ in range(connections)]
    started = time.perf_counter()
    await asyncio.gather(*(_drain(connection, waiting, result) for connection in opened))
    result.seconds = time.perf_counter() - started
    for connection in opened:
        connection.transport.close()
    return result


async def at_rate(
    host: str, port: int, requests: Iterable[bytes], per_second: float, connections: int = 8
) -> LoadResult:
    """Send requests at an even pace; a latency counts from when the request was due."""
    result = LoadResult(0.0)
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await _open(host, port))
    started = time.perf_counter()
    calls = []
    for index, request in enumerate(requests):
        due = started + index / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        calls.append(asyncio.create_task(_paced(free, request, due, result)))
    await asyncio.gather(*calls)
    result.seconds = time.perf_counter() - started
    while not free.empty():
        free.get_nowait().transport.close()
    return result


async def _open(host: str, port: int) -> _Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(_Connection, host, port)
    return connection


async def _drain(connection: _Connection, requests: Iterator[bytes], result: LoadResult) -> None:
    for request in requests:
        sent = time.perf_counter()
        _note(result, await connection.call(request), time.perf_counter() - sent)


async def _paced(
    free: asyncio.Queue[_Connection], request: bytes, due: float, result: LoadResult
) -> None:
    connection = await free.get()
    _note(result, await connection.call(request), time.perf_counter() - due)
    free.put_nowait(connection)


def _note(result: LoadResult, status: int, latency: float) -> None:
    result.latencies.append(latency)
    result.statuses[status] = result.statuses.get(status, 0) + 1

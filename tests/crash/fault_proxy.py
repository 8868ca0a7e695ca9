"""A proxy in front of an HTTP endpoint that breaks calls: late, cut, half open, drop by drop.

Surprising: it reads whole requests, so that each call has a fault of its own on a kept connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

Fault = Literal["none", "late", "cut before", "cut after", "half open", "drip"]
"""cut before: the endpoint never sees the call. cut after: it answers, the caller hears nothing.
half open: the call is swallowed and the line stays up. drip: the answer comes byte by byte."""

LATE_SECONDS = 0.05
DRIP_SECONDS = 1.0
HEAD_END = b"\r\n\r\n"


class FaultProxy:
    """Listens on a free port; choose says what happens to each call. calls counts them."""

    def __init__(self, port: int, choose: Callable[[], Fault]) -> None:
        self.choose = choose
        self.calls: Counter[Fault] = Counter()
        self.port = 0
        self._to_port = port
        self._lines: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry the calls of one connection until one side leaves or a fault ends it."""
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._call(await _message(reader), writer):
                    pass
        finally:
            self._lines.discard(line)
            writer.close()

    async def _call(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Carry one call; return whether the connection goes on."""
        fault = self.choose()
        self.calls[fault] += 1
        if fault == "cut before":
            return False
        if fault == "half open":
            await asyncio.Event().wait()
        if fault == "late":
            await asyncio.sleep(LATE_SECONDS)
        answer = await self._forward(request)
        if fault == "cut after":
            return False
        if fault == "drip":
            for byte in answer:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS)
        writer.write(answer if fault != "drip" else b"")
        await writer.drain()
        return True

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.close()

    async def drop_lines(self) -> None:
        """Let go of every connection."""
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Return one request or answer, head and body."""
    head = await reader.readuntil(HEAD_END)
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
    return head + (await reader.readexactly(length) if length else b"")


@asynccontextmanager
async def fault_proxy(port: int, choose: Callable[[], Fault]) -> AsyncIterator[FaultProxy]:
    """Listen in front of a port of this machine until the block ends."""
    proxy = FaultProxy(port, choose)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.drop_lines()
        await server.wait_closed()

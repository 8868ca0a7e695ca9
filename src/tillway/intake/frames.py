"""Reads the frames of a worker: each is hundreds of kilobytes, all in the same piece of memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from tillway.intake.worker import HEAD_BYTES

FRAMES_WAITING = 4
"""So many frames nobody has asked for stop the reading until somebody does."""


Read = TypeVar("Read")


class Frames(asyncio.BufferedProtocol, Generic[Read]):
    """The hub's end of a worker's socket. decode must keep nothing of the frame it is given."""

    def __init__(self, decode: Callable[[memoryview], Read]) -> None:
        self._decode = decode
        self._memory = bytearray(HEAD_BYTES)
        self._wanted = HEAD_BYTES
        self._filled = 0
        self._in_head = True
        self._whole: deque[Read] = deque()
        self._asked: asyncio.Future[None] | None = None
        self._is_gone = False

    async def receive(self) -> Read:
        """Return what the next frame holds; raises ConnectionResetError when there will be none."""
        while not self._whole:
            if self._is_gone:
                raise ConnectionResetError("the worker is gone")
            self._asked = asyncio.get_running_loop().create_future()
            await self._asked
        if len(self._whole) == FRAMES_WAITING:
            self._transport.resume_reading()
        return self._whole.popleft()

    def send(self, data: bytes) -> None:
        """Send one frame; of a worker that is gone, receive() says so."""
        if not self._is_gone:
            self._transport.writelines((len(data).to_bytes(HEAD_BYTES, "big"), data))

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell who waits."""
        self._is_gone = True
        self._tell()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where the rest of the head, or of the frame, belongs."""
        return memoryview(self._memory)[self._filled : self._wanted]

    def buffer_updated(self, nbytes: int) -> None:
        """Go on from head to frame, and from a whole frame to the next head."""
        self._filled += nbytes
        if self._filled < self._wanted:
            return
        came = memoryview(self._memory)[: self._wanted]
        self._filled, self._wanted = 0, HEAD_BYTES
        self._in_head = not self._in_head
        if not self._in_head:
            self._wanted = int.from_bytes(came, "big")
            if self._wanted > len(self._memory):
                self._memory = bytearray(self._wanted)
            return
        self._whole.append(self._decode(came))
        if len(self._whole) == FRAMES_WAITING:
            self._transport.pause_reading()
        self._tell()

    def _tell(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

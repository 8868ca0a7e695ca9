"""Frames of a worker come whole and in order, however the socket cuts them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from tillway.intake.frames import FRAMES_WAITING, Frames
from tillway.intake.worker import HEAD_BYTES


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(HEAD_BYTES, "big") + data


@asynccontextmanager
async def connected(
    decode: Callable[[memoryview], bytes] = bytes,
) -> AsyncIterator[tuple[Frames[bytes], socket.socket]]:
    """Give the hub's end and the worker's, which never waits."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(0)
    _, frames = await asyncio.get_running_loop().create_unix_connection(
        lambda: Frames(decode), sock=ours
    )
    try:
        yield frames, theirs
    finally:
        frames.close()
        theirs.close()


async def test_frames_come_whole_when_every_byte_comes_by_itself() -> None:
    """A head or a frame that is cut in the middle waits for the rest."""
    loop = asyncio.get_running_loop()
    async with connected() as (frames, worker):
        for byte in framed(b"first") + framed(b"2"):
            await loop.sock_sendall(worker, bytes([byte]))
            await asyncio.sleep(0)
        assert [await frames.receive(), await frames.receive()] == [b"first", b"2"]


async def test_what_nobody_asks_for_stays_with_the_worker() -> None:
    """A worker that answers faster than the hub stores fills its socket, not the hub's memory."""
    loop = asyncio.get_running_loop()
    many = [bytes([number]) * 100_000 for number in range(40)]
    async with connected() as (frames, worker):
        sending = asyncio.create_task(loop.sock_sendall(worker, b"".join(map(framed, many))))
        first = await frames.receive()
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert len(frames._whole) == FRAMES_WAITING
        assert not sending.done()
        assert [first, *[await frames.receive() for _ in many[1:]]] == many
        await sending


async def test_a_worker_that_dies_is_noticed_after_its_last_whole_frame() -> None:
    """What came whole is still handed out; who waits for more is told."""
    async with connected() as (frames, worker):
        worker.send(framed(b"whole") + framed(b"half")[:-1])
        worker.close()
        assert await frames.receive() == b"whole"
        with pytest.raises(ConnectionResetError, match="the worker is gone"):
            await frames.receive()


def test_what_is_sent_to_a_worker_that_is_gone_has_no_answer() -> None:
    """The loop a hub runs on raises an error of its own there, which is none of the sender's."""

    async def story() -> None:
        async with connected() as (frames, worker):
            worker.close()
            for _ in range(2):
                with pytest.raises(ConnectionResetError, match="the worker is gone"):
                    await frames.receive()
                frames.send(b"batch")

    uvloop.run(story())


async def test_what_is_sent_arrives_as_one_frame() -> None:
    """The worker reads the length, then so many bytes."""
    async with connected() as (frames, worker):
        frames.send(b"batch")
        assert await asyncio.get_running_loop().sock_recv(worker, 100) == framed(b"batch")


async def test_a_frame_that_cannot_be_read_ends_the_worker() -> None:
    """Nobody knows where the next frame begins; who waits is told, and the log gets the cause."""
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    async with connected(_unreadable) as (frames, worker):
        worker.send(framed(b"no frame"))
        with pytest.raises(ConnectionResetError, match="the worker is gone"):
            await frames.receive()
    assert [str(context["exception"]) for context in told] == ["no such frame"]


def _unreadable(_: memoryview) -> bytes:
    raise ValueError("no such frame")

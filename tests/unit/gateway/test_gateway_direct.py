"""The short way to a door: same answers as the long one, for whatever arrives in one read or not.

Only the long way calls the gateway as an ASGI app.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tillway.connect import Answer, Intake, Request
from tillway.gateway import Gateway, Server, serve
from tillway.gateway.direct import answer_bytes
from tillway.testing.sources import FakeIntake


class Door:
    """Answers with what it was handed, when it is told to."""

    path = "/in/door"
    max_body_bytes = 100

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.headers = {"x-own": "yes"}
        self.came = asyncio.Event()

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Wait until open, then echo."""
        self.came.set()
        await self.open.wait()
        return Answer(202, request.path.encode() + b" " + request.body, self.headers)

    async def ping(self) -> None:
        """Always well."""


class House(Gateway):
    """A gateway that counts the requests which came the long way."""

    long = 0
    server: Server
    door: Door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count and go on."""
        self.long += 1
        await super().__call__(scope, receive, send)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Return a running gateway with one door."""
    door = Door()
    house = House([(door, FakeIntake())], body_timeout_seconds=0.05)
    house.door = door
    house.server = await serve(house, "127.0.0.1", 0)
    yield house
    await house.server.close()


def request(body: bytes, path: str = "/in/door", more: str = "") -> bytes:
    """Return a POST as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def talk(house: House, *pieces: bytes, answers: int = 1) -> list[bytes]:
    """Send pieces one after the other, and return so many answers, head and body each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        # The server reads what came before the next piece leaves.
        for _ in range(5):
            await asyncio.sleep(0)
    found = [await one_answer(reader) for _ in range(answers)]
    writer.close()
    await writer.wait_closed()
    return found


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    """Return one answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date: ")]
    assert len(lines) == head.count(b"\r\n"), "every answer has a date"
    return b"\r\n".join(lines) + await reader.readexactly(length)


async def test_a_request_in_one_piece_goes_the_short_way(house: House) -> None:
    """Status, headers and body are the door's own."""
    [answer] = await talk(house, request(b"abc"))
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\nx-own: yes\r\n")
    assert answer.endswith(b"\r\n\r\n/in/door abc")
    assert house.long == 0


@pytest.mark.parametrize("cut", [10, 60, -1])
async def test_a_request_in_pieces_gets_the_same_answer(house: House, cut: int) -> None:
    """Cut in the line, in the headers and in the body, what arrives is joined."""
    whole = request(b"abc")
    assert await talk(house, whole[:cut], whole[cut:]) == await talk(house, whole)


async def test_only_a_body_in_pieces_takes_the_long_way(house: House) -> None:
    """There its size and its time are watched while it comes."""
    whole = request(b"abc")
    await talk(house, whole[:-1], whole[-1:])
    assert house.long == 1


async def test_two_requests_in_one_read_are_answered_in_order(house: House) -> None:
    """The second waits for the first, however it goes on."""
    house.door.open.clear()
    talking = asyncio.create_task(talk(house, request(b"1") + request(b"2"), answers=2))
    await house.door.came.wait()
    house.door.open.set()
    first, second = await talking
    assert (first[-1:], second[-1:]) == (b"1", b"2")


async def test_the_connection_lives_on_and_ends_as_asked(house: House) -> None:
    """Three calls on one connection; the last asks for its end."""
    last = request(b"3", more="connection: close\r\n")
    answers = await talk(house, request(b"1"), request(b"2"), last, answers=3)
    assert [b"connection: close" in answer for answer in answers] == [False, False, True]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"x" * 101), b"413"),
        (request(b"x", path="/in/door?a=1"), b"202"),
        (request(b"x", path="/in/nowhere"), b"404"),
        (request(b"x", more="expect: 100-continue\r\n"), b"202"),
        (b"GET /in/door HTTP/1.1\r\nhost: x\r\n\r\n", b"405"),
        (b"POST /in/door HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n", b"400"),
    ],
)
async def test_what_is_special_is_answered_as_ever(
    house: House, sent: bytes, status: bytes
) -> None:
    """Limits, other methods and paths, queries, and what is no HTTP."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(sent)
    answer = await reader.readuntil(b"\r\n\r\n")
    if answer.startswith(b"HTTP/1.1 100"):
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.split(b" ")[1] == status
    writer.close()
    await writer.wait_closed()


async def test_a_sender_that_leaves_before_the_answer_harms_nobody(house: House) -> None:
    """The door finishes its work; the next sender is served."""
    house.door.open.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(request(b"1"))
    await house.door.came.wait()
    writer.close()
    await writer.wait_closed()
    house.door.open.set()
    assert (await talk(house, request(b"2")))[0].endswith(b" 2")


async def test_a_header_that_would_break_a_line_is_500(house: House) -> None:
    """Nothing of it goes out, and the connection stays usable."""
    house.door.headers = {"x-own": "a\r\nset-cookie: b"}
    [answer] = await talk(house, request(b"x"))
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"set-cookie" not in answer


def test_an_answer_says_when_the_connection_ends() -> None:
    """Unless the door said so itself."""
    kept = answer_bytes(Answer(200, b"x", {}), b"", keep_alive=True)
    assert kept == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"
    for headers in ({}, {"Connection": "close"}):
        ended = answer_bytes(Answer(200, b"x", headers), b"", keep_alive=False)
        assert ended.lower().count(b"connection: close") == 1

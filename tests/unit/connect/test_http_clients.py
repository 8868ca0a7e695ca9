"""The two HTTP clients on real sockets: what is answered, and what is told when nothing is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tillway.connect.http_client import HttpClient, http_client
from tillway.connect.http_pool import pooled_client
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError

Make = Callable[..., HttpClient]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BOTH = pytest.mark.parametrize("make", [http_client, pooled_client], ids=["library", "pool"])
LIMITS = {"connections": 2, "timeout_seconds": 5.0, "connect_seconds": 2.0}


class Server:
    """Answers every request of every connection with the same bytes, or by a script."""

    def __init__(self, script: Script | bytes) -> None:
        self._script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self.connections += 1
        try:
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                if isinstance(self._script, bytes):
                    writer.write(self._script)
                else:
                    await self._script(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes | None:
    """Return head and body of one request, None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    return head + await reader.readexactly(int(length or 0))


@asynccontextmanager
async def serving(script: Script | bytes) -> AsyncIterator[Server]:
    """Run a server for a test."""
    server = Server(script)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def told(client: HttpClient, url: str) -> TillwayError:
    """Return the error of a call that must fail."""
    with pytest.raises(TillwayError) as caught:
        await client.request("POST", url, {}, b"{}")
    return caught.value


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
        (
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
            b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 201 Created\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello"
        ),
    ],
    ids=["counted", "chunked", "after 100"],
)
async def test_an_answer_is_read_in_every_framing(make: Make, answer: bytes) -> None:
    """Status, headers in lower case, body; and the connection serves the next call too."""
    client = make(**LIMITS)
    async with serving(answer) as server:
        for _ in range(3):
            reply = await client.request("POST", f"{server.url}/a?b=c", {"x-key": "k-1"}, b"{}")
            assert (reply.status, reply.headers["x-a"], reply.body) == (201, "1", b"hello")
        await client.close()
    head, _, body = server.requests[-1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"x-key: k-1" in head.lower()
    assert (server.connections, body) == (1, b"{}")


@BOTH
async def test_an_answer_may_end_with_its_connection(make: Make) -> None:
    """Without a length the end of the connection is the end of the answer; the next call dials."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nServer: old\r\n\r\nall of it")
        writer.close()

    client = make(**LIMITS)
    async with serving(script) as server:
        for _ in range(2):
            assert (await client.request("GET", server.url, {})).body == b"all of it"
        await client.close()
    assert server.connections == 2


@BOTH
@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (b"", "TW-4103"),
        (b"HTTP/1.1 200 OK\r\nContent-", "TW-4103"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "TW-4103"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "TW-4103"),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99\r\n\r\n" + b"x" * 99,
            "TW-4111",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\n" + b"x" * 99, "TW-4111"),
    ],
    ids=["nothing", "half a head", "half a body", "not HTTP", "too large", "endless"],
)
async def test_what_was_sent_without_an_answer_is_in_doubt(
    make: Make, piece: bytes, code: str
) -> None:
    """The other side may have done the work; the client goes on with a new connection."""
    scripts = [piece]

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not scripts:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        writer.write(scripts.pop())
        writer.close()

    client = make(**LIMITS, max_answer_bytes=50)
    async with serving(script) as server:
        fault = await told(client, server.url)
        assert (type(fault), fault.code) == (InDoubt, code)
        assert (await client.request("POST", server.url, {}, b"{}")).body == b"ok"
        await client.close()


@BOTH
async def test_no_answer_in_time_is_in_doubt(make: Make) -> None:
    """The line is given up: a late answer must not become that of the next call."""
    late = asyncio.Event()

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await late.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    client = make(connections=1, timeout_seconds=0.1, connect_seconds=0.05)
    async with serving(script) as server:
        assert (await told(client, server.url)).code == "TW-4102"
        assert (await told(client, server.url)).code == "TW-4102"
        assert server.connections == 2
        late.set()
        await client.close()


@BOTH
async def test_no_answer_in_time_on_a_kept_connection_is_in_doubt_too(make: Make) -> None:
    """The connection is given up with the call, and the next call dials anew."""
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""])

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))

    client = make(**{**LIMITS, "timeout_seconds": 0.2})
    async with serving(script) as server:
        assert (await client.request("POST", server.url, {}, b"{}")).status == 200
        fault = await told(client, server.url)
        assert isinstance(fault, InDoubt)
        assert server.connections == 1
        assert (await client.request("POST", server.url, {}, b"{}")).status == 201
        assert server.connections == 2
        await client.close()


@BOTH
async def test_nothing_sent_is_not_connected(make: Make) -> None:
    """Nobody listens, or it is no address, or no connection is free in time."""
    client = make(**LIMITS)
    async with serving(b"") as server:
        gone = server.url
    for url in (gone, "http://", "nothing at all", "http://user:secret@127.0.0.1:1/"):
        fault = await told(client, url)
        assert (type(fault), fault.code) == (NotConnected, "TW-4101")
        assert "secret" not in str(fault)
    await client.close()


@BOTH
async def test_more_calls_than_connections_wait_their_turn(make: Make) -> None:
    """Ten calls go over two connections, and each gets its own answer."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    client = make(**LIMITS)
    async with serving(script) as server:
        calls = [client.request("POST", server.url, {}, b"%d" % n) for n in range(10)]
        replies = await asyncio.gather(*calls)
        await client.close()
    assert [reply.body for reply in replies] == [b"ok"] * 10
    assert server.connections == 2
    bodies = {request.partition(b"\r\n\r\n")[2] for request in server.requests}
    assert bodies == {b"%d" % n for n in range(10)}


@BOTH
async def test_a_call_that_finds_no_free_connection_was_never_sent(make: Make) -> None:
    """Waiting for a turn is part of connecting, so nothing is in doubt."""
    busy = asyncio.Event()

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await busy.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    client = make(connections=1, timeout_seconds=5.0, connect_seconds=0.05)
    async with serving(script) as server:
        first = asyncio.create_task(client.request("POST", server.url, {}, b"{}"))
        while not server.requests:  # noqa: ASYNC110 - the server is in this loop
            await asyncio.sleep(0)
        assert (await told(client, server.url)).code == "TW-4101"
        busy.set()
        assert (await first).body == b"ok"
        await client.close()
    assert len(server.requests) == 1


@BOTH
async def test_a_connection_the_server_dropped_is_not_used_again(make: Make) -> None:
    """A call after the drop dials anew instead of being in doubt."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    client = make(**LIMITS)
    async with serving(script) as server:
        for _ in range(3):
            assert (await client.request("POST", server.url, {}, b"{}")).body == b"ok"
            await asyncio.sleep(0)
        await client.close()
    assert server.connections == 3


@BOTH
async def test_a_large_body_arrives_whole_while_others_are_served(make: Make) -> None:
    """Eight megabytes, written in pieces."""
    body = bytes(range(256)) * 32_768
    client = make(**LIMITS)
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        replies = await asyncio.gather(
            client.request("PUT", server.url, {}, body),
            client.request("PUT", server.url, {}, b"small"),
        )
        await client.close()
    assert [reply.status for reply in replies] == [200, 200]
    assert {request.partition(b"\r\n\r\n")[2] for request in server.requests} == {body, b"small"}


@BOTH
async def test_a_server_without_tls_is_no_connection(make: Make) -> None:
    """The handshake comes to nothing, so nothing of the call was sent."""
    client = make(connections=1, timeout_seconds=5.0, connect_seconds=0.1)
    async with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        fault = await told(client, server.url.replace("http://", "https://"))
        assert (fault.code, server.requests) == ("TW-4101", [])
        await client.close()


async def test_an_answer_nobody_asked_for_ends_the_connection() -> None:
    """What comes after an answer cannot become the answer to the next call."""
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    client = pooled_client(**LIMITS)
    async with serving(twice + b"one" + twice + b"two") as server:
        for _ in range(3):
            assert (await client.request("POST", server.url, {}, b"{}")).body == b"one"
        await client.close()


async def test_a_header_with_a_line_break_is_never_sent() -> None:
    """It could become a second header, or a second request."""
    client = pooled_client(**LIMITS)
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        with pytest.raises(Permanent) as caught:
            await client.request("POST", server.url, {"key": "a\r\nx-evil: 1"}, b"{}")
        await client.close()
    assert (caught.value.code, server.requests) == ("TW-4119", [])


async def test_credentials_of_the_address_are_sent_as_a_header() -> None:
    """They never stand in the request line."""
    client = pooled_client(**LIMITS)
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        url = server.url.replace("http://", "http://ann:a%20b@")
        await client.request("GET", url, {})
        await client.close()
    assert b"authorization: Basic YW5uOmEgYg==" in server.requests[0]
    assert b"ann:" not in server.requests[0]

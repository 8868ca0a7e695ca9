"""The gateway on a real socket: doors, limits, health, and answers to everything else."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tillway.connect import Answer, Intake, Request
from tillway.errors import ConfigurationError, JournalFault, Refused, TillwayError
from tillway.gateway import Gateway, Server, serve
from tillway.testing.sources import FakeIntake


class Door:
    """A door that records what it was handed."""

    path = "/in/quayside"
    max_body_bytes = 1000

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.fault: Exception | None = None

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Take everything."""
        self.requests.append(request)
        if self.fault:
            raise self.fault
        return Answer(202, b"taken", {"content-type": "text/plain", "x-own": "yes"})

    async def ping(self) -> None:
        """Always well."""


class House:
    """A gateway on a free port with one door, and a client."""

    def __init__(self) -> None:
        self.door = Door()
        self.unready: TillwayError | None = None
        self.gateway = Gateway(
            [(self.door, FakeIntake())],
            alive=self._alive,
            ready=self._ready,
            fallback=console,
            body_timeout_seconds=0.05,
        )
        self.server: Server
        self.client: aiohttp.ClientSession

    async def _alive(self) -> None:
        return None

    async def _ready(self) -> TillwayError | None:
        return self.unready

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        """Return status, headers and text of an answer."""
        url = f"http://127.0.0.1:{self.server.port}{path}"
        async with self.client.request(method, url, data=body, headers=headers) as response:
            return response.status, response.headers, await response.text()


async def console(scope: Any, receive: Any, send: Any) -> None:
    """Answer as a console would; break on demand."""
    if scope["path"] == "/break":
        raise ValueError("inside")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"console"})


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Return a running house."""
    house = House()
    house.server = await serve(house.gateway, "127.0.0.1", 0)
    async with aiohttp.ClientSession() as house.client:
        yield house
    await house.server.close()


async def test_a_door_gets_the_request_as_it_came(house: House) -> None:
    """Method, path, query, lower-case headers and the bytes; the answer goes back unchanged."""
    status, headers, text = await house.call(
        "POST", "/in/quayside?a=1", b"\x00bytes", **{"X-Api-Key": "k"}
    )
    assert (status, headers["x-own"], text) == (202, "yes", "taken")
    [request] = house.door.requests
    assert (request.body, request.query, request.headers["x-api-key"]) == (b"\x00bytes", "a=1", "k")


async def test_a_body_in_pieces_is_joined(house: House) -> None:
    """Chunked bodies arrive whole."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"%d" % number

    assert (await house.call("POST", "/in/quayside", pieces()))[0] == 202
    assert house.door.requests[0].body == b"01234"


async def test_the_limit_is_exact(house: House) -> None:
    """1000 bytes are taken, 1001 are not."""
    assert (await house.call("POST", "/in/quayside", b"x" * 1000))[0] == 202
    status, _, text = await house.call("POST", "/in/quayside", b"x" * 1001)
    assert status == 413
    assert "TW-2001" in text


async def test_50_megabytes_are_refused_and_the_sender_reads_why(house: House) -> None:
    """The answer comes before the body is read, and the connection lives on."""
    status, _, text = await house.call("POST", "/in/quayside", io.BytesIO(bytes(50_000_000)))
    assert (status, "TW-2001" in text) == (413, True)
    assert house.door.requests == []
    assert (await house.call("POST", "/in/quayside", b"x"))[0] == 202


async def test_a_body_without_a_length_is_cut_at_the_limit(house: House) -> None:
    """Chunks beyond the limit are not collected, and the connection ends."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 600
            await asyncio.sleep(0)

    status, headers, _ = await house.call("POST", "/in/quayside", endless())
    assert (status, headers["connection"]) == (413, "close")
    assert house.door.requests == []


async def raw(house: House, request: bytes) -> bytes:
    """Send bytes as they are and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_sender_that_stops_halfway_is_let_go(house: House) -> None:
    """After the deadline for bodies: 408, and the connection ends."""
    head = b"POST /in/quayside HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"
    answer = await raw(house, head + b"12345")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"TW-2008" in answer
    assert house.door.requests == []


async def test_a_sender_that_leaves_halfway_is_forgotten(house: House) -> None:
    """Nothing is handed over, and the next one is served."""
    _, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(b"POST /in/quayside HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
    writer.close()
    await writer.wait_closed()
    assert (await house.call("POST", "/in/quayside", b"x"))[0] == 202
    assert len(house.door.requests) == 1


async def test_other_methods_are_405(house: House) -> None:
    """The answer names the method that is taken."""
    status, headers, _ = await house.call("GET", "/in/quayside")
    assert (status, headers["allow"]) == (405, "POST")


async def test_a_wrong_door_lists_the_doors(house: House) -> None:
    """A typing error in a path is found by reading the answer."""
    status, _, text = await house.call("POST", "/in/quaysied", b"x")
    assert status == 404
    assert "/in/quayside" in text


async def test_everything_else_is_the_fallback(house: House) -> None:
    """Console and API are mounted behind the doors."""
    assert (await house.call("GET", "/"))[2] == "console"
    assert (await house.call("GET", "/trace/1"))[2] == "console"


@pytest.mark.parametrize("path", ["/break", "/in/quayside"])
async def test_a_bug_is_500_without_its_inside(house: House, path: str) -> None:
    """No stack, no path of the machine, no text of the exception; only the code."""
    house.door.fault = ValueError("secret inside")
    status, headers, text = await house.call("POST", path, b"x")
    assert (status, headers["content-type"]) == (500, "application/problem+json")
    assert "TW-9001" in text
    assert "inside" not in text.replace("something went wrong inside the hub", "")
    assert "Traceback" not in text
    house.door.fault = None
    assert (await house.call("POST", "/in/quayside", b"x"))[0] == 202


async def test_errors_of_the_tree_keep_their_status(house: House) -> None:
    """A journal fault is 503, a refusal its own."""
    house.door.fault = JournalFault("TW-5001", "flush failed")
    assert (await house.call("POST", "/in/quayside", b"x"))[0] == 503
    house.door.fault = Refused("TW-2020", "no", status=507)
    assert (await house.call("POST", "/in/quayside", b"x"))[0] == 507


async def test_health_and_readiness_are_two_questions(house: House) -> None:
    """Alive while not ready; the answer names the part, and when to ask again."""
    assert (await house.call("GET", "/readyz"))[0] == 200
    house.unready = Refused("TW-2020", "the disk is full", status=507)
    status, headers, text = await house.call("GET", "/readyz")
    assert (status, headers["retry-after"]) == (503, "5")
    assert "the disk is full" in text
    assert (await house.call("GET", "/healthz"))[0] == 200
    assert (await house.call("POST", "/healthz"))[0] == 405


async def test_closed_doors_send_senders_away(house: House) -> None:
    """While the hub stops, doors answer 503 and the console still works."""
    house.gateway.close_doors()
    status, headers, _ = await house.call("POST", "/in/quayside", b"x")
    assert (status, headers["retry-after"]) == (503, "5")
    assert (await house.call("GET", "/"))[0] == 200


async def test_no_new_connections_after_stop(house: House) -> None:
    """Open connections are still answered, new ones are refused."""
    assert (await house.call("GET", "/"))[0] == 200
    house.server.stop_accepting()
    assert (await house.call("GET", "/"))[0] == 200
    with pytest.raises(ConnectionError):
        await raw(house, b"GET / HTTP/1.1\r\n\r\n")


async def test_the_server_leaves_signals_alone(house: House) -> None:
    """The process decides when to stop."""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_taken_port_is_told(house: House) -> None:
    """A second hub on the same port does not start."""
    with pytest.raises(ConfigurationError) as caught:
        await serve(house.gateway, "127.0.0.1", house.server.port)
    assert caught.value.code == "TW-2014"

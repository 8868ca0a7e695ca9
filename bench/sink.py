"""The cheapest possible target: answers every POST at once and counts; `python -m bench.sink`.

A call whose path ends in `/bulk` is answered per item. `POST /count` gives how many documents came
and when the last did, `POST /seen` when each key did, for end-to-end latency.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any, cast

import httptools
import msgspec
import uvloop


class Item(msgspec.Struct, gc=False):
    """One document of a bulk call; the rest of it is passed over."""

    key: str


class Booked(msgspec.Struct, gc=False):
    """What is said of one document of a bulk call."""

    key: str
    status: int = 201
    reference: str = "D"


_items = msgspec.json.Decoder(list[Item]).decode
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    seen = 0
    last = 0.0
    arrivals: dict[str, float] = {}  # noqa: RUF012 - shared by every connection on purpose
    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._body: list[bytes] = []
        self._key = b""

    def on_url(self, url: bytes) -> None:
        """Note the path."""
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the idempotency key."""
        if len(name) == 15 and name.lower() == b"idempotency-key":
            self._key = value

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        if self._path.endswith(b"/bulk"):
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            keys = [item.key for item in _items(body)]
            self._note(keys)
            self._say(msgspec.json.encode([Booked(key) for key in keys]))
        elif self._path == b"/count":
            self._say(msgspec.json.encode({"seen": Sink.seen, "last": Sink.last}))
        elif self._path == b"/seen":
            told: dict[str, Any] = {"seen": Sink.seen, "arrivals": Sink.arrivals}
            self._say(msgspec.json.encode(told))
        else:
            self._note([self._key.decode()])
            self.transport.write(Sink.answer)

    def _say(self, answer: bytes) -> None:
        self.transport.write(_HEAD % len(answer) + answer)

    @staticmethod
    def _note(keys: list[str]) -> None:
        Sink.last = now = time.time()
        Sink.seen += len(keys)
        Sink.arrivals.update(dict.fromkeys(keys, now))


async def serve(port: int, answer: bytes) -> None:
    """Serve until killed; prints the port. answer: what a single document gets."""
    Sink.answer = _HEAD % len(answer) + answer
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description=__doc__)
    parser.add_argument("port", type=int, nargs="?", default=0, help="0: any free one")
    parser.add_argument("--answer", default='{"reference":"D"}', help="body for a single document")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.answer.encode()))

"""The cheapest possible target: answers every POST at once and counts; `python -m bench.sink PORT`.

A bulk call is answered per item. `POST /seen` gives the count and the moment at which each key
arrived, for end-to-end latency.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import httptools
import uvloop


class Sink(asyncio.Protocol):
    """One connection."""

    seen = 0
    arrivals: dict[str, float] = {}  # noqa: RUF012 - shared by every connection on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._path = b""
        self._key = ""

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Note the path."""
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the idempotency key."""
        if name.lower() == b"idempotency-key":
            self._key = value.decode()

    def on_body(self, body: bytes) -> None:
        """Gather the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        body = b"".join(self._body)
        if self._path == b"/seen":
            answer = json.dumps({"seen": Sink.seen, "arrivals": Sink.arrivals}).encode()
        elif self._path.endswith(b"/bulk"):
            keys = [item["key"] for item in json.loads(body)]
            answer = json.dumps(
                [{"key": key, "status": 201, "reference": "D"} for key in keys]
            ).encode()
            self._note(keys)
        else:
            answer = b'{"reference":"D"}'
            self._note([self._key])
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % len(answer) + answer)
        self._begin()

    @staticmethod
    def _note(keys: list[str]) -> None:
        now = time.time()
        Sink.seen += len(keys)
        for key in keys:
            Sink.arrivals[key] = now


async def serve(port: int) -> None:
    """Serve until killed; prints the port."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))

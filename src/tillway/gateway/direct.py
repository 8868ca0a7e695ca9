"""The short way to a door: a POST that arrives in one read goes there without an ASGI cycle.

Surprising: this is uvicorn's own protocol, and everything else stays with it: a body that comes in
pieces, another method or path, an upgrade, HTTP/1.0, and every limit and deadline for those.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tillway.gateway.app import bug_answer

if TYPE_CHECKING:
    from tillway.connect.kit import Answer
    from tillway.gateway.app import Gateway

REMEMBERED_HEADERS = 256
FEW = 4


class DoorProtocol(HttpToolsProtocol):
    """One connection to a gateway."""

    def __init__(self, *arguments: Any, gateway: Gateway, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._gateway = gateway
        self._parts: list[bytes] | None = None

    def data_received(self, data: bytes) -> None:
        """Read on; a request that is not complete by now takes uvicorn's way from here."""
        super().data_received(data)
        if self._parts is not None:
            parts, self._parts = self._parts, None
            super().on_headers_complete()
            for part in parts:
                super().on_body(part)

    def on_headers_complete(self) -> None:
        """Wait for the body if the request may go the short way."""
        if self._is_plain():
            self._parts = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._parts is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Hand a complete request over."""
        if self._parts is None:
            super().on_message_complete()
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = None
        cycle: Any = _Cycle(self.parser.should_keep_alive())
        self.cycle = cycle
        task = self.loop.create_task(self._answer(cycle, self.url, self.headers, body))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _is_plain(self) -> bool:
        """Whether this is a POST to a door, by its exact path, with no earlier request waiting."""
        parser = self.parser
        return (
            self._gateway.has_door(self.url)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and not (self.expect_100_continue or parser.should_upgrade())
            and (self.cycle is None or self.cycle.response_complete)
            and self.limit_concurrency is None
        )

    async def _answer(
        self, cycle: _Cycle, url: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> None:
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        answer = await self._gateway.take(url.decode("ascii"), named, body)
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        first = header_lines(tuple(self.server_state.default_headers))
        try:
            data = answer_bytes(answer, first, keep_alive=cycle.keep_alive)
        except ValueError as bug:
            data = answer_bytes(bug_answer(bug), first, keep_alive=cycle.keep_alive)
        cycle.response_complete = True
        self.transport.write(data)
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


class _Cycle:
    """What uvicorn asks of the request in hand."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> _Cycle:
        """Return what is told when the sender has gone; nobody waits for it here."""
        return self

    def set(self) -> None:
        """Wake nobody."""


def answer_bytes(answer: Answer, first: bytes, *, keep_alive: bool) -> bytes:
    """Return an answer as it goes over the wire; first are the header lines of every answer.

    Raises ValueError for a header that would break a line.
    """
    headers = _lines_of(tuple(answer.headers.items()), keep_alive)
    length = b"content-length: %d\r\n\r\n" % len(answer.body)
    return b"".join((STATUS_LINE[answer.status], first, headers, length, answer.body))


@lru_cache(FEW)
def header_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return the lines of the server's own headers, which change once a second."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


@lru_cache(REMEMBERED_HEADERS)
def _lines_of(headers: tuple[tuple[str, str], ...], keep_alive: bool) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers]
    if not keep_alive and not any(name.lower() == "connection" for name, _ in headers):
        lines.append("connection: close")
    text = "".join(f"{line}\r\n" for line in lines)
    if text.count("\n") > len(lines) or text.count("\r") > len(lines) or "\0" in text:
        raise ValueError("a header of the answer would break a line")
    return text.encode("latin-1")

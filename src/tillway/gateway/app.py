"""The ASGI app in front of everything: doors by one dictionary look-up, all else to a fallback.

Surprising: there is no framework here. A request at a door costs a few microseconds, because every
ten of them would cost eight per cent of the single path.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from tillway.connect.kit import Answer, Intake, PushSource, Request
from tillway.connect.problems import problem
from tillway.errors import Refused, TillwayError, place_of
from tillway.gateway.bodies import BODY_TIMEOUT_SECONDS, Gone, must_close, read_body, too_large

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Probe = Callable[[], Awaitable[TillwayError | None]]
"""Answers a health question: None when all is well, otherwise the error that names the part."""

_log = logging.getLogger(__name__)


class Gateway:
    """Mounts doors, `/healthz` and `/readyz`, and hands everything else to the fallback app.

    alive and ready are asked at each call of `/healthz` and `/readyz`; their error becomes a 503
    with a problem document. body_timeout_seconds bounds how long a sender may take for one body.
    """

    def __init__(
        self,
        doors: Iterable[tuple[PushSource, Intake]],
        *,
        alive: Probe | None = None,
        ready: Probe | None = None,
        fallback: ASGIApp | None = None,
        body_timeout_seconds: float = BODY_TIMEOUT_SECONDS,
    ) -> None:
        self._doors = {source.path: (source, intake) for source, intake in doors}
        self._probes = {"/healthz": alive, "/readyz": ready}
        self._fallback = fallback
        self._body_timeout_seconds = body_timeout_seconds
        self._door_urls = frozenset(path.encode() for path in self._doors)
        self._door_folders = {_first_step(path) for path in self._doors}
        self._closed = False

    def close_doors(self) -> None:
        """Refuse at every door from now on (503 with Retry-After); the rest goes on answering."""
        self._closed = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        door = self._doors.get(scope["path"])
        if door is None:
            await self._elsewhere(scope, receive, send)
            return
        try:
            answer = await self._at_door(door[0], scope, receive)
        except Gone:
            return
        await _answer(send, answer)

    def has_door(self, url: bytes) -> bool:
        """Whether a URL is exactly the path of a door."""
        return url in self._door_urls

    async def take(
        self, path: str, headers: Mapping[str, str], body: bytes, query: str = ""
    ) -> Answer:
        """Hand a POST whose body is complete to the door at this path; never raises."""
        source, intake = self._doors[path]
        if self._closed:
            return problem(_stopping())
        if len(body) > source.max_body_bytes:
            return problem(too_large(source.max_body_bytes))
        try:
            return await source.receive(Request("POST", path, headers, body, query), intake)
        except TillwayError as error:
            return problem(error)
        except Exception as bug:  # noqa: BLE001 - whatever it is, the sender must get an answer
            return bug_answer(bug)

    async def _at_door(self, source: PushSource, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return _wrong_method(scope["method"], "POST")
        if self._closed:
            return problem(_stopping())
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            body = await read_body(
                headers, receive, source.max_body_bytes, self._body_timeout_seconds
            )
        except Refused as refusal:
            close = {"connection": "close"} if must_close(refusal, headers) else None
            return problem(refusal, headers=close)
        return await self.take(
            scope["path"], headers, body, scope["query_string"].decode("latin-1")
        )

    async def _elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in self._probes:
            await _answer(send, await self._health(path, scope["method"]))
        elif self._fallback is not None and _first_step(path) not in self._door_folders:
            await self._guarded_fallback(self._fallback, scope, receive, send)
        else:
            await _answer(send, self._no_door(path))

    async def _health(self, path: str, method: str) -> Answer:
        if method not in {"GET", "HEAD"}:
            return _wrong_method(method, "GET")
        probe = self._probes[path]
        try:
            fault = await probe() if probe else None
        except TillwayError as error:
            fault = error
        except Exception as bug:  # noqa: BLE001 - a probe that fails is an answer too
            return bug_answer(bug)
        if fault is not None:
            return problem(fault, status=503)
        return Answer(200, b'{"status":"ok"}\n', {"content-type": "application/json"})

    async def _guarded_fallback(
        self, fallback: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await fallback(scope, receive, watched_send)
        except Exception as bug:  # noqa: BLE001 - as at a door
            answer = bug_answer(bug)
            if not started:
                await _answer(send, answer)

    def _no_door(self, path: str) -> Answer:
        doors = ", ".join(sorted(self._doors)) or "none"
        return problem(
            Refused(
                "TW-2006",
                "there is no door at this path",
                status=404,
                value=path,
                advice=f"Doors here: {doors}.",
            )
        )


def bug_answer(bug: Exception) -> Answer:
    """Return 500 without a word about the inside; the place goes to the log, the text does not."""
    _log.error("TW-9001 %s at %s", type(bug).__name__, place_of(bug))
    return problem(TillwayError("TW-9001", "something went wrong inside the hub"), status=500)


def _first_step(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else path


def _stopping() -> Refused:
    return Refused("TW-2020", "the hub is stopping", status=503)


def _wrong_method(method: str, allowed: str) -> Answer:
    return problem(
        Refused("TW-2007", f"{method} is not answered here", status=405),
        headers={"allow": allowed},
    )


async def _answer(send: Send, answer: Answer) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()
    ]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

"""A small REST endpoint on a real socket: keeps keys, answers in bulk, misbehaves on demand.

It is a few lines of asyncio instead of a server library, so that it can also drop a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import msgspec

Mode = Literal["up", "busy", "reset", "silent", "locked", "moved", "garbled", "short"]
_STATUS: Mapping[str, tuple[int, dict[str, str]]] = {
    "busy": (503, {"retry-after": "7"}),
    "locked": (401, {}),
    "moved": (302, {"location": "/login"}),
}


class Call(msgspec.Struct):
    """One request as it arrived; header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Endpoint(msgspec.Struct):
    """`/documents`, `/documents/bulk` and `/documents/{key}`; a document with `poison` is refused.

    effects counts how often each key took effect, which is the truth a target is judged by. mode:
    busy 503, reset takes it and drops the connection, silent takes it and never answers, locked
    401, moved 302, garbled answers no JSON, short leaves the last item of a bulk answer out.
    """

    mode: Mode = "up"
    keeps_keys: bool = True
    calls: list[Call] = msgspec.field(default_factory=list)
    effects: Counter[str] = msgspec.field(default_factory=Counter)
    documents: dict[str, Any] = msgspec.field(default_factory=dict)
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[Any]] = msgspec.field(default_factory=set)

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; the port is kept over stop and start."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and drop the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while (call := await _read_call(reader)) is not None:
                self.calls.append(call)
                answer = self._answer(call)
                if self.mode == "reset":
                    break
                if self.mode == "silent":
                    await reader.read()
                    break
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, call: Call) -> bytes:
        if self.mode in _STATUS:
            status, headers = _STATUS[self.mode]
            return _response(status, {"error": f"mode {self.mode}"}, headers)
        if call.method == "GET":
            return self._look_up(call)
        if urlsplit(call.path).path.endswith("/bulk"):
            return self._bulk(call)
        return _response(*self._take(call.headers.get("idempotency-key", ""), _json(call.body)))

    def _bulk(self, call: Call) -> bytes:
        if self.mode == "garbled":
            return _response(200, "welcome to the proxy")
        as_lines = call.headers.get("content-type") == "application/x-ndjson"
        items = [_json(line) for line in call.body.splitlines()] if as_lines else _json(call.body)
        results = []
        for item in items:
            status, answer = self._take(item["key"], item["document"])
            results.append({"key": item["key"], "status": status, **answer})
        if self.mode == "short":
            results.pop()
        return _response(200, results)

    def _take(self, key: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if document.get("poison"):
            return 422, {"error": "no such account"}
        known = self.documents.get(key) if self.keeps_keys else None
        if known is not None:
            if known != document:
                return 409, {"error": "other content"}
            return 200, {"reference": f"D-{key}", "repeated": True}
        self.documents[key] = document
        self.effects[key] += 1
        return 201, {"reference": f"D-{key}"}

    def _look_up(self, call: Call) -> bytes:
        key = unquote(call.path.removeprefix("/documents/"))
        if key in self.documents:
            return _response(200, {"reference": f"D-{key}"})
        return _response(404, {"error": "unknown"})


async def _read_call(reader: asyncio.StreamReader) -> Call | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, path, headers, body)


def _json(body: bytes) -> Any:
    return msgspec.json.decode(body)


def _response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> bytes:
    body = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    lines = [f"HTTP/1.1 {status} -", f"content-length: {len(body)}"]
    lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

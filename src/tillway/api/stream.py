"""`GET /api/v1/stream`: server-sent events that say that something changed, never what.

Events are `status`, `problems` and `alerts`; the data of each is `{"version": n}`, a number that
rises. Who listens asks anew for what it shows, with its own permissions, so nothing can leak here.
`id:` is `<start of the hub>-<number>`: a listener that comes back with Last-Event-ID gets the
newest of what it missed; one of another start of the hub gets all three. A comment goes out every
few seconds, so that a lost line is noticed; after ten minutes a stream ends and the listener comes
back by itself, which asks anew who it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Literal

import msgspec

from tillway.api.asgi import Call, Receive, Reply, Send
from tillway.api.described import Operation
from tillway.clock import Clock
from tillway.errors import JournalFault, Refused, TillwayError

Event = Literal["status", "problems", "alerts"]
EVENTS: tuple[Event, ...] = ("status", "problems", "alerts")
Look = Callable[[], Awaitable[Mapping[Event, Hashable]]]
"""Returns for each event something that differs once there is news."""

MOST_LISTENERS = 200
LOOK_SECONDS = 1.0
BEAT_SECONDS = 5.0
LONGEST_SECONDS = 600.0
STREAM = "text/event-stream"

STREAM_OPERATIONS: tuple[Operation, ...] = (
    Operation("stream", "GET", "status.read", "Server-sent events: what changed.", STREAM),
)


class Live:
    """Looks for news while somebody listens, and tells every listener."""

    def __init__(
        self,
        look: Look,
        clock: Clock,
        *,
        beat_seconds: float = BEAT_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        most_listeners: int = MOST_LISTENERS,
    ) -> None:
        self._look = look
        self._clock = clock
        self._beat_seconds = beat_seconds
        self._longest_seconds = longest_seconds
        self._most = most_listeners
        self._start = secrets.token_hex(4)
        self._count = 0
        self._seen: dict[Event, Hashable] = {}
        self._versions: dict[Event, tuple[int, int]] = dict.fromkeys(EVENTS, (0, 0))
        self._listeners: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def stop(self) -> None:
        """End every stream; the hub is about to leave."""
        self._stopped = True
        self._wake()
        if self._looking is not None:
            self._looking.cancel()

    async def look(self) -> None:
        """Look once, and wake the listeners when there is news."""
        news = False
        for event, seen in (await self._look()).items():
            if self._seen.get(event, seen) != seen:
                self._count += 1
                self._versions[event] = (self._versions[event][0] + 1, self._count)
                news = True
            self._seen[event] = seen
        if news:
            self._wake()

    async def stream(self, call: Call) -> Reply:
        """Answer a listener. Raises Refused TW-7017 (503) when too many listen or we leave."""
        if self._stopped or len(self._listeners) >= self._most:
            raise Refused(
                "TW-7017", f"{len(self._listeners)} listen already", status=503,
                retry_after_seconds=self._beat_seconds,
            )  # fmt: skip
        last = call.headers.get("last-event-id", "")

        async def pump(send: Send, receive: Receive) -> None:
            await self._pump(send, receive, last)

        return Reply(200, b"", STREAM, {"x-accel-buffering": "no"}, pump)

    async def _pump(self, send: Send, receive: Receive, last: str) -> None:
        woken = asyncio.Event()
        woken.set()
        self._listeners.add(woken)
        self._begin_to_look()
        gone = asyncio.create_task(_gone(receive))
        until = asyncio.get_running_loop().time() + self._longest_seconds
        told = self._number(last)
        try:
            while not (self._stopped or gone.done()):
                woken.clear()
                text, told = self._news(told)
                await send({"type": "http.response.body", "body": text, "more_body": True})
                await _first(gone, woken, self._beat_seconds)
                if asyncio.get_running_loop().time() > until:
                    break
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._listeners.discard(woken)
            gone.cancel()
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    def _news(self, told: int) -> tuple[bytes, int]:
        """Return the events after a number, or a comment; and the number told by now."""
        lines = [
            f"id: {self._start}-{count}\nevent: {event}\n"
            f"data: {msgspec.json.encode({'version': version}).decode()}\n\n"
            for event, (version, count) in sorted(self._versions.items(), key=lambda one: one[1][1])
            if count > told
        ]
        return "".join(lines or [": beat\n\n"]).encode(), self._count

    def _number(self, last: str) -> int:
        """Return up to which number a listener was told; -1 tells it everything."""
        start, _, number = last.rpartition("-")
        known = start == self._start and number.isascii() and number.isdigit()
        return min(int(number[:18]), self._count) if known else -1

    def _begin_to_look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        while not self._stopped:
            try:
                await self.look()
            except JournalFault:
                return
            except TillwayError:
                # A journal that is busy is asked again; the listeners still get their comments.
                pass
            await self._clock.sleep(LOOK_SECONDS)

    def _wake(self) -> None:
        for one in self._listeners:
            one.set()


async def _gone(receive: Receive) -> None:
    """Return when the listener has gone."""
    message: Mapping[str, Any] = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _first(gone: asyncio.Task[None], woken: asyncio.Event, seconds: float) -> None:
    """Return at the first of: the listener has gone, there is news, so long has passed."""
    news = asyncio.create_task(woken.wait())
    try:
        await asyncio.wait({gone, news}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await news

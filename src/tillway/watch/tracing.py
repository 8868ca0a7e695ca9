"""Turns what the journal and the ledger say into spans of messages, and hands them to a collector.

Surprising: nothing here is on the path of a message. The tracer reads what is new every few
seconds, as the recorder does; a collector that is away costs spans, which are counted, and nothing
else. A trace is kept or left whole, chosen by its id; one its sender does not sample is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from tillway.clock import Clock
from tillway.errors import ConfigurationError, TillwayError
from tillway.journal.base import StoredMessage
from tillway.journal.projection import ProjectingJournal
from tillway.project.records import HubSettings, Release
from tillway.watch.spans import Call, Message, Span, arrival_spans, call_span
from tillway.watch.tables import of_journal

LOOK_SECONDS = 2.0
PAGE = 500
BATCH_SPANS = 512
MOST_WAITING = 4096
"""Spans that wait for a collector; beyond them the oldest are dropped."""
TRIES = 3
LONGEST_PAUSE_SECONDS = 60.0
REMEMBERED_COMMITS = 4096
LEAVING_SECONDS = 2.0
"""How long a hub that stops may take to send what waits."""
_log = logging.getLogger(__name__)


class Exporter(Protocol):
    """Sends spans."""

    def export(self, spans: Sequence[Span]) -> bool:
        """Send a batch, in a thread; say whether it was taken. Never raises."""
        ...

    def close(self) -> None:
        """Give up what is being sent."""
        ...


def check_traces(settings: HubSettings) -> None:
    """Raise ConfigurationError TW-7107 when traces are wanted and cannot be sent."""
    if settings.otlp_endpoint and not _is_installed():
        raise ConfigurationError(
            "TW-7107", "otlp_endpoint is set and OpenTelemetry is not installed", path="telemetry"
        )


def tracer_of(
    release: Release, journal: ProjectingJournal, clock: Clock, counts: Counter[str]
) -> Tracer | None:
    """Return what a project asks for, None without a collector: then nothing is imported."""
    if not release.hub.otlp_endpoint:
        return None
    check_traces(release.hub)
    from tillway.watch.otlp import OtlpExporter

    return Tracer(release, journal, clock, OtlpExporter(release.hub), counts)


class Tracer:
    """Reads from where the journal stands when it opens. counts: `exported` and `dropped` spans."""

    def __init__(
        self,
        release: Release,
        journal: ProjectingJournal,
        clock: Clock,
        exporter: Exporter,
        counts: Counter[str],
    ) -> None:
        self._release = release
        self._journal = journal
        self._clock = clock
        self._exporter = exporter
        self._counts = counts
        self._below = _bound(release.hub.trace_percent)
        self._marks: dict[str, int] = {}
        self._commits: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_COMMITS)
        self._waiting: deque[Span] = deque()
        self._failures = 0
        self._paused_until = 0.0
        self._cancel: Callable[[], None] | None = None

    async def open(self) -> None:
        """Begin to read from here on."""
        if self._cancel is None:
            [(position, attempt, _)] = await self._journal.ask(of_journal("newest"))
            self._marks = {"message": position, "attempt": attempt}
            for name, _, _, cursor in await self._journal.ask(of_journal("routes")):
                self._marks[f"route/{name}"] = cursor
            self._cancel = self._journal.subscribe(self._heard)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read what is new and send what waits, a page at a time."""
        await self.open()
        [(position, attempt, _)] = await self._journal.ask(of_journal("newest"))
        await self._pages("message", position, self._arrivals)
        for name, route_id, start, cursor in await self._journal.ask(of_journal("routes")):
            self._marks.setdefault(f"route/{name}", start)
            await self._pages(f"route/{name}", cursor, self._first_calls(name, route_id))
        await self._pages("attempt", attempt, self._later_calls)
        await self._send()

    async def close(self) -> None:
        """Send what is left, if the collector takes it at once."""
        if self._cancel is not None:
            with contextlib.suppress(TimeoutError, TillwayError):
                async with asyncio.timeout(LEAVING_SECONDS):
                    await self.look()
            self._cancel()
            self._cancel = None
        self._exporter.close()
        self._counts["dropped"] += len(self._waiting)
        self._waiting.clear()

    async def _pages(self, mark: str, newest: int, read: Any) -> None:
        while (after := self._marks[mark]) < newest:
            upto = min(newest, after + PAGE)
            self._offer(await read(after, upto))
            self._marks[mark] = upto
            await self._send()

    async def _arrivals(self, after: int, upto: int) -> list[Span]:
        rows = await self._journal.ask(of_journal("traced_messages"), (after, upto, self._below))
        found: list[Span] = []
        for row in rows:
            message = Message(*row)
            found += arrival_spans(message, self._stored_at(message))
        return found

    def _first_calls(self, route: str, route_id: int) -> Any:
        async def read(after: int, upto: int) -> list[Span]:
            values = (route_id, after, upto, route, self._below)
            return self._calls(await self._journal.ask(of_journal("traced_first"), values))

        return read

    async def _later_calls(self, after: int, upto: int) -> list[Span]:
        values = (after, upto, self._below)
        return self._calls(await self._journal.ask(of_journal("traced_attempts"), values))

    def _calls(self, rows: Iterable[tuple[Any, ...]]) -> list[Span]:
        calls = [Call(*row) for row in rows]
        routes = self._release.routes
        return [
            call_span(one, routes[one.route].target if one.route in routes else "") for one in calls
        ]

    def _heard(self, messages: Sequence[StoredMessage]) -> None:
        if messages:
            self._commits.append((messages[-1].position, self._clock.now()))

    def _stored_at(self, message: Message) -> int:
        """Return when the commit of a message was known, its arrival when nobody heard it."""
        at = bisect_left(self._commits, (message.position, 0))
        # Of what is older than all that is remembered nothing is known.
        known = at < len(self._commits) and (at or len(self._commits) < REMEMBERED_COMMITS)
        return max(message.received_at, self._commits[at][1] if known else 0)

    def _offer(self, spans: Iterable[Span]) -> None:
        self._waiting.extend(spans)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._counts["dropped"] += 1

    async def _send(self) -> None:
        while self._waiting and self._clock.monotonic() >= self._paused_until:
            batch = [self._waiting[at] for at in range(min(BATCH_SPANS, len(self._waiting)))]
            if await asyncio.to_thread(self._exporter.export, batch):
                self._counts["exported"] += self._take(batch)
                self._failures = 0
            else:
                self._not_taken(batch)

    def _not_taken(self, batch: list[Span]) -> None:
        self._failures += 1
        if self._failures == 1:
            _log.warning("the collector of traces takes nothing; messages are not held up by it")
        if self._failures % TRIES == 0:
            self._counts["dropped"] += self._take(batch)
        pause = min(LOOK_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
        self._paused_until = self._clock.monotonic() + pause

    def _take(self, batch: list[Span]) -> int:
        for _ in batch:
            self._waiting.popleft()
        return len(batch)


def _bound(percent: float) -> str:
    """Return the text that the last 16 digits of a trace id are below when it is kept."""
    share = round(percent / 100 * 2**64)
    return "g" if share >= 2**64 else f"{share:016x}"


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ModuleNotFoundError:
        return False

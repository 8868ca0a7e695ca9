"""Tryton as a source: every posted move is read back, to be compared with what was sent.

Surprising: the cursor is Tryton's own time of writing, never this machine's; and since a slow
transaction shows its moves later than its time, each look begins a little before the last one.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from tillway.connect.http_client import HttpClient
from tillway.connect.kit import Intake, SourceContext, Submission
from tillway.connectors.tryton.ledger import MODEL
from tillway.connectors.tryton.reported import KEY_PATTERN, MOVE_FIELDS, record_of
from tillway.connectors.tryton.session import TrytonSession
from tillway.connectors.tryton.settings import TrytonSourceSettings
from tillway.errors import (
    JournalFault,
    NotConnected,
    Refused,
    TillwayError,
    Transient,
)

CURSOR = "posted_moves"
# Above this many a first reading of a long history forgets what no later look will meet again.
SEEN_MOVES = 10_000
_encode_lines = msgspec.json.Encoder().encode_lines
_log = logging.getLogger(__name__)


class Place(msgspec.Struct, frozen=True):
    """How far moves were read: time of writing in Tryton (UTC), and the id within it."""

    written_at: datetime
    id: int


class TrytonSource:
    """Looks for posted moves until it is told to stop."""

    def __init__(
        self,
        settings: TrytonSourceSettings,
        context: SourceContext,
        client: HttpClient | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._session = TrytonSession(settings, context.name, client=client)
        self._seen: dict[int, datetime] = {}
        # A cursor for each day the reading begins at, so that another day reads again.
        self._cursor = f"{CURSOR} since {settings.since}" if settings.since else CURSOR

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Look, hand over and wait until stop is set; raises only JournalFault.

        A hub that takes nothing now, or a Tryton that is away, only makes the next look come later;
        the cursor moves after everything before it is durable.
        """
        try:
            while not stop.is_set():
                await self._wait(stop, await self._look_guarded(intake, stop))
        finally:
            await self.close()

    async def ping(self) -> None:
        """Raise a TillwayError when posted moves could not be read."""
        # Connections of its own, so that no run loses its calls when they are closed.
        asking = TrytonSource(self._settings, self._context)
        try:
            await asking._page(None)
        except Transient as fault:
            raise NotConnected(fault.code, fault.detail, target=self._context.name) from None
        finally:
            await asking.close()

    async def close(self) -> None:
        """Let go of connections; a later look opens new ones."""
        await self._session.close()

    async def look(self, intake: Intake, stop: asyncio.Event) -> None:
        """Hand over every posted move that was written since the last look, page by page.

        Raises what stood in the way; what was handed over until then is remembered.
        """
        newest = await self._remembered()
        at = None if newest is None else self._before(newest)
        while not stop.is_set():
            rows = await self._page(at)
            fresh = [row for row in rows if self._seen.get(row["id"]) != row["write_date"]]
            if fresh:
                await self._hand_over(intake, fresh)
            if rows:
                at = Place(rows[-1]["write_date"], rows[-1]["id"])
                newest = await self._remember(newest, at)
            if len(rows) < self._settings.page_size:
                return

    async def _look_guarded(self, intake: Intake, stop: asyncio.Event) -> float:
        """Look once and return the seconds until the next look."""
        try:
            await self.look(intake, stop)
        except JournalFault:
            raise
        except (Refused, Transient) as fault:
            _log.warning("TW-4165 %s: %s", self._context.name, fault)
            return fault.retry_after_seconds or self._settings.poll_seconds
        except TillwayError as fault:
            _log.warning("TW-4165 %s: %s", self._context.name, fault)
        return self._settings.poll_seconds

    async def _hand_over(self, intake: Intake, rows: list[dict[str, Any]]) -> None:
        records = [record_of(row, self._context.name) for row in rows]
        submission = Submission(_encode_lines(records), name="posted moves", format="ndjson")
        result = await intake.submit(submission, keep_items=False)
        if not result.complete:
            raise Transient("TW-4165", "the hub did not take every move that was read")
        self._seen.update({row["id"]: row["write_date"] for row in rows})

    async def _page(self, after: Place | None) -> list[dict[str, Any]]:
        domain: list[Any] = [
            ["company", "=", self._session.company],
            ["state", "=", "posted"],
            ["write_date", "!=", None],
        ]
        if self._settings.prefix:
            plain = self._settings.prefix.replace("\\", "\\\\")
            plain = plain.replace("%", "\\%").replace("_", "\\_")
            domain.append(["description", "like", f"{plain}%"])
        if self._settings.only_our_keys:
            domain.append(["description", "like", KEY_PATTERN])
        if self._settings.since:
            domain.append(["date", ">=", date.fromisoformat(self._settings.since)])
        if after is not None:
            same = [["write_date", "=", after.written_at], ["id", ">", after.id]]
            domain.append(["OR", ["write_date", ">", after.written_at], same])
        rows: list[dict[str, Any]] = await self._session.read(
            f"{MODEL}.search_read",
            domain,
            0,
            self._settings.page_size,
            [["write_date", "ASC"], ["id", "ASC"]],
            MOVE_FIELDS,
        )
        return rows

    def _before(self, newest: Place) -> Place:
        """Return where a look begins, and forget the moves before that."""
        start = newest.written_at - timedelta(seconds=self._settings.overlap_seconds)
        self._seen = {id_: at for id_, at in self._seen.items() if at >= start}
        return Place(start, 0)

    async def _remembered(self) -> Place | None:
        text = await self._context.state.get(self._cursor)
        return msgspec.json.decode(text, type=Place) if text else None

    async def _remember(self, newest: Place | None, at: Place) -> Place:
        """Move the cursor on durably; a look that begins earlier never moves it back."""
        if newest is not None and (at.written_at, at.id) <= (newest.written_at, newest.id):
            return newest
        await self._context.state.put(self._cursor, msgspec.json.encode(at).decode())
        if len(self._seen) > SEEN_MOVES:
            self._before(at)
        return at

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(self._context.clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

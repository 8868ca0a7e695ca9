"""An endpoint as a source: asked for records after a cursor, page after page, at intervals.

Surprising: the cursor moves only after everything before it is durable, so a hub that dies reads a
page again, and the intake knows its records.
"""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from tillway.connect.http_client import HttpClient, HttpReply, http_client
from tillway.connect.kit import Intake, SourceContext, Submission
from tillway.connectors.http.access import access_headers
from tillway.connectors.http.answers import ABSENT, field_at, retry_after_seconds
from tillway.connectors.http.settings import HttpSourceSettings
from tillway.errors import (
    InDoubt,
    NotConnected,
    Permanent,
    Refused,
    TillwayError,
    Transient,
)

CURSOR = "fetched_until"
MAX_CURSOR_CHARACTERS = 2_000
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines
_log = logging.getLogger(__name__)


class HttpFetch:
    """Fetches records until it is told to stop."""

    def __init__(
        self, settings: HttpSourceSettings, context: SourceContext, client: HttpClient | None = None
    ) -> None:
        self._settings = settings
        self._context = context
        self._headers = {"accept": "application/json", **access_headers(settings)}
        self._client = client or http_client(
            connections=1,
            timeout_seconds=settings.timeout_seconds,
            connect_seconds=settings.connect_seconds,
            keep_alive_seconds=settings.keep_alive_seconds,
        )
        first = settings.first_cursor
        # A memory for each beginning, so that another beginning reads again.
        self._memory = f"{CURSOR} from {first}" if first else CURSOR

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Look, hand over and wait until stop is set; raises only JournalFault.

        A hub that takes nothing now, or an endpoint that is away, only makes the next look later.
        """
        looking = asyncio.ensure_future(self._keep_looking(intake))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([looking, stopped], return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                looking.result()
        finally:
            for task in (looking, stopped):
                task.cancel()
            await asyncio.gather(looking, stopped, return_exceptions=True)
            await self.close()

    async def ping(self) -> None:
        """Raise a TillwayError when the endpoint does not answer with a list of records."""
        asking = HttpFetch(self._settings, self._context)
        try:
            await asking._page(await self._remembered())
        except Transient as fault:
            raise NotConnected(fault.code, fault.detail, source=self._context.name) from None
        finally:
            await asking.close()

    async def close(self) -> None:
        """Let go of connections; a later look opens new ones."""
        await self._client.close()

    async def look(self, intake: Intake) -> None:
        """Hand over everything there is after the cursor; raises what stood in the way."""
        while True:
            cursor = await self._remembered()
            records, after = await self._page(cursor)
            if records:
                await self._hand_over(intake, records)
            if after in ("", cursor):
                return
            await self._context.state.put(self._memory, after)
            if not records:
                return

    async def _keep_looking(self, intake: Intake) -> None:
        while True:
            wait = self._settings.poll_seconds
            try:
                await self.look(intake)
            except (Refused, Transient) as fault:
                wait = fault.retry_after_seconds or wait
                _log.warning("source %s waits: %s", self._context.name, fault)
            except (NotConnected, Permanent) as fault:
                _log.warning("source %s waits: %s", self._context.name, fault)
            await self._context.clock.sleep(wait)

    async def _hand_over(self, intake: Intake, records: list[Any]) -> None:
        submission = Submission(_encode_lines(records), name="fetched records", format="ndjson")
        result = await intake.submit(submission, keep_items=False)
        if not result.complete:
            raise Transient("TW-4171", "the hub did not take every record that was fetched")

    async def _page(self, cursor: str) -> tuple[list[Any], str]:
        """Return the records after a cursor and the cursor behind them, "" for none."""
        reply = await self._answered(self._url(cursor))
        try:
            value = _decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._no_list("a body that is no JSON") from None
        where = self._settings.records_field
        records = field_at(value, where) if where else value
        if not isinstance(records, list):
            raise self._no_list(f'no list at "{where}"' if where else "something that is no list")
        return records, self._next(value, records)

    def _next(self, value: Any, records: list[Any]) -> str:
        if self._settings.next_field:
            found = field_at(value, self._settings.next_field)
            told = found not in (ABSENT, None)
        else:
            found = field_at(records[-1], self._settings.record_cursor_field) if records else None
            told = bool(records)
        if not told:
            return ""
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
            raise self._no_list("no cursor where the settings say")
        text = str(found)
        if len(text) > MAX_CURSOR_CHARACTERS:
            raise self._no_list(f"a cursor of more than {MAX_CURSOR_CHARACTERS} characters")
        return text

    def _url(self, cursor: str) -> str:
        settings = self._settings
        query = {settings.cursor_parameter: cursor} if cursor else {}
        if settings.limit_parameter:
            query[settings.limit_parameter] = str(settings.page_size)
        if not query:
            return settings.url
        return settings.url + ("&" if "?" in settings.url else "?") + urlencode(query)

    async def _answered(self, url: str) -> HttpReply:
        """Return an answer of 2xx; asking changes nothing, so nothing is ever in doubt."""
        try:
            reply = await self._client.request("GET", url, self._headers)
        except InDoubt as fault:
            raise Transient("TW-4171", fault.detail, source=self._context.name) from None
        if 200 <= reply.status < 300:
            return reply
        said = f"{self._context.name} answered {reply.status}"
        if reply.status in {408, 425, 429} or reply.status >= 500:
            wait = retry_after_seconds(reply.headers, self._context.clock.now())
            raise Transient("TW-4171", said, retry_after_seconds=wait, source=self._context.name)
        raise NotConnected("TW-4170", said, source=self._context.name)

    def _no_list(self, what: str) -> TillwayError:
        return Permanent(
            "TW-4172", f"{self._context.name} answered with {what}", source=self._context.name
        )

    async def _remembered(self) -> str:
        return await self._context.state.get(self._memory) or self._settings.first_cursor

"""Square as a source: a door for its webhooks, and a poller for all that they only point at.

Surprising: the door never asks Square for anything. It stores a hint or the object it was sent and
answers at once, since Square waits ten seconds; the poller does the rest.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec

from tillway.connect.http_client import HttpClient, http_client
from tillway.connect.kit import Answer, Intake, Request, SourceContext, Submission
from tillway.connect.problems import problem
from tillway.connect.webhooks import noted, stored
from tillway.connectors.square.api import CALL_ATTEMPTS, SquareApi
from tillway.connectors.square.fetching import Fetcher
from tillway.connectors.square.handing import Stored, encode_record
from tillway.connectors.square.health import Health
from tillway.connectors.square.locations import Locations
from tillway.connectors.square.notices import PAYMENT, Notice, notice_of
from tillway.connectors.square.pauses import Pauses
from tillway.connectors.square.records import payment_record, refund_record
from tillway.connectors.square.searching import Searcher
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.errors import NotConnected, Permanent, Refused, Transient
from tillway.security.secrets import Secret
from tillway.security.signatures import signature_stands
from tillway.security.vendor_signatures import square_rule

CONNECTIONS = 4
_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class SquareSource:
    """One Square account, mounted by the gateway at `path`."""

    def __init__(
        self,
        settings: SquareSourceSettings,
        context: SourceContext,
        *,
        open_http: Callable[[], HttpClient] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._open_http = open_http or self._http
        self._pauses = Pauses(rng or random.SystemRandom())
        self.path = settings.path
        self.max_body_bytes = settings.max_body_bytes
        keys = settings.signature_keys
        self._keys = [Secret(key) for key in ([keys] if isinstance(keys, str) else keys) if key]
        self._rule = square_rule(settings.notification_url)
        self._health = Health(settings, context)
        self._stored = Stored()

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Verify, store and answer: 200 for all that is stored, whatever becomes of it later."""
        try:
            self._authenticate(request)
            notice = _read(request.body)
            if notice is None or notice.carried is not None:
                body = request.body if notice is None else encode_record(_carried(notice))
                answer = stored(await intake.submit(Submission(body)), self._context.durability)
            else:
                new = await self._context.hints.put(notice.hint)
                answer = noted(new, self._context.durability)
            await self._health.note_event()
        except Refused as refusal:
            return problem(refusal)
        return answer

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Fetch what was reported and search for the rest until stop is set.

        Raises JournalFault as it comes; anything that Square does is waited out.
        """
        api = self._api()
        locations = Locations(api, self._settings.locations)
        parts = (self._settings, self._context, api, locations, self._stored)
        fetcher, searcher = Fetcher(*parts), Searcher(*parts)
        work = [
            asyncio.create_task(self._keep_fetching(fetcher, intake)),
            asyncio.create_task(self._keep_searching(searcher, intake)),
            asyncio.create_task(self._keep_watching(api)),
        ]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()
        finally:
            # What is cut off in the middle is only asked for again: hints and marks stay behind it.
            stopped.cancel()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, stopped, return_exceptions=True)
            await api.close()

    async def ping(self) -> None:
        """Raise NotConnected or Transient when Square or its webhooks cannot be relied on."""
        api = self._api(attempts=1)
        try:
            await api.locations()
            await self._health.check(api)
        finally:
            await api.close()

    def _authenticate(self, request: Request) -> None:
        now = self._context.clock.now()
        if not signature_stands(self._rule, self._keys, request.headers, request.body, now):
            raise Refused("TW-2002", "not authenticated", status=401)

    async def _keep_fetching(self, fetcher: Fetcher, intake: Intake) -> None:
        async def turn() -> float:
            return 0.0 if await fetcher.turn(intake) else self._settings.poll_seconds

        await self._repeat(turn)

    async def _keep_searching(self, searcher: Searcher, intake: Intake) -> None:
        async def turn() -> float:
            await searcher.turn(intake)
            return self._settings.backfill_seconds

        await self._repeat(turn)

    async def _keep_watching(self, api: SquareApi) -> None:
        """Tell the log when the webhooks become unhealthy, and once they are well again."""
        told = ""

        async def turn() -> float:
            nonlocal told
            try:
                await self._health.check(api)
            except (NotConnected, Permanent) as trouble:
                if trouble.code != told:
                    _log.warning("source %s: %s", self._context.name, trouble)
                told = trouble.code
            else:
                if told:
                    _log.info("source %s: the webhooks are well again", self._context.name)
                told = ""
            return self._settings.health_seconds

        await self._repeat(turn)

    async def _repeat(self, turn: Callable[[], Awaitable[float]]) -> None:
        """Take turns for ever; after trouble the pauses are random and grow."""
        failures = 0
        while True:
            try:
                wait = await turn()
                failures = 0
            except (Transient, NotConnected, Permanent, Refused) as trouble:
                failures += 1
                wait = self._pauses.after(failures, trouble)
                if isinstance(trouble, Refused) and trouble.retry_after_seconds:
                    wait = trouble.retry_after_seconds
                if failures == 1:
                    _log.warning("source %s waits: %s", self._context.name, trouble)
            await self._context.clock.sleep(wait)

    def _api(self, attempts: int = CALL_ATTEMPTS) -> SquareApi:
        clock = self._context.clock
        return SquareApi(self._settings, self._open_http(), clock, self._pauses, attempts)

    def _http(self) -> HttpClient:
        return http_client(
            connections=CONNECTIONS,
            timeout_seconds=self._settings.timeout_seconds,
            connect_seconds=self._settings.connect_seconds,
        )


def _read(body: bytes) -> Notice | None:
    """Return what a body says; None for one that only the intake can judge."""
    try:
        return notice_of(_decode(body))
    except (msgspec.DecodeError, RecursionError):
        return None


def _carried(notice: Notice) -> dict[str, object]:
    assert notice.carried is not None
    made = payment_record if notice.hint.object_type == PAYMENT else refund_record
    return made(notice.carried)

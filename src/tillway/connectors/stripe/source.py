"""Stripe as a source: a door for its events, and a poller for what they only point at.

Surprising: the door never asks Stripe for anything. It stores a hint or the object it was sent and
answers at once; the poller does the rest.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec

from tillway.connect.http_client import HttpClient, http_client
from tillway.connect.kit import (
    Answer,
    Hint,
    Intake,
    Request,
    SourceContext,
    Submission,
)
from tillway.connect.problems import problem
from tillway.connect.webhooks import noted, stored
from tillway.connectors.stripe.api import StripeApi
from tillway.connectors.stripe.events import read_event
from tillway.connectors.stripe.poller import Poller, encode_record
from tillway.connectors.stripe.records import Record
from tillway.connectors.stripe.settings import StripeSourceSettings
from tillway.errors import NotConnected, Permanent, Refused, TillwayError, Transient
from tillway.security.secrets import Secret
from tillway.security.signatures import signature_stands
from tillway.security.vendor_signatures import STRIPE

CONNECTIONS = 2
CONNECT_SECONDS = 5.0
LONGEST_BOUND_SECONDS = 60.0
_DOUBLINGS = 10
_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class StripeSource:
    """One Stripe account, mounted by the gateway at `path`."""

    def __init__(
        self,
        settings: StripeSourceSettings,
        context: SourceContext,
        *,
        open_http: Callable[[], HttpClient] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._open_http = open_http or self._http
        self._rng = rng or random.SystemRandom()
        self.path = settings.path
        self.max_body_bytes = settings.max_body_bytes
        given = settings.signing_secrets
        self._secrets = [Secret(text) for text in ([given] if isinstance(given, str) else given)]
        self._rule = msgspec.structs.replace(STRIPE, tolerance_seconds=settings.tolerance_seconds)

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Verify, store and answer: 200 for all that is stored, whatever becomes of it later."""
        try:
            self._authenticate(request)
            found = self._read(request.body)
            if isinstance(found, Hint):
                new = await self._context.hints.put(found)
                return noted(new, self._context.durability)
            body = request.body if found is None else encode_record(found)
            return stored(await intake.submit(Submission(body)), self._context.durability)
        except Refused as refusal:
            return problem(refusal)

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Fetch what was reported and search for the rest until stop is set.

        Raises JournalFault as it comes; anything that Stripe does is waited out.
        """
        api = StripeApi(self._settings, self._open_http())
        poller = Poller(self._settings, self._context, api)
        work = [
            asyncio.create_task(
                self._repeat(lambda: poller.fetch(intake), self._settings.poll_seconds)
            ),
            asyncio.create_task(
                self._repeat(lambda: poller.search(intake), self._settings.search_seconds)
            ),
            asyncio.create_task(self._repeat(poller.check, self._settings.search_seconds)),
        ]
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()
        finally:
            # What is cut off in the middle is only asked for again: hints and mark stay behind it.
            stopped.cancel()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, stopped, return_exceptions=True)
            await api.close()

    async def ping(self) -> None:
        """Raise NotConnected or Transient when Stripe or its webhooks cannot be relied on."""
        api = StripeApi(self._settings, self._open_http())
        try:
            await api.reachable()
            await Poller(self._settings, self._context, api).check()
        finally:
            await api.close()

    def _authenticate(self, request: Request) -> None:
        now = self._context.clock.now()
        if not signature_stands(self._rule, self._secrets, request.headers, request.body, now):
            raise Refused("TW-2002", "not authenticated", status=401)

    def _read(self, body: bytes) -> Record | Hint | None:
        """Return what a body says; None for one that only the intake can judge."""
        try:
            return read_event(_decode(body), self._settings.metadata)
        except (msgspec.DecodeError, RecursionError):
            return None

    async def _repeat(self, work: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
        """Do one kind of work for ever; after trouble the pauses are random and grow."""
        failures = 0
        while True:
            wait = pause_seconds
            try:
                await work()
                failures = 0
            except (Transient, NotConnected, Permanent, Refused) as trouble:
                failures += 1
                wait = self._pause(failures, trouble)
                if failures == 1:
                    _log.warning("source %s waits: %s", self._context.name, trouble)
            await self._context.clock.sleep(wait)

    def _pause(self, failures: int, trouble: TillwayError) -> float:
        """Return the seconds to wait, never less than the other side asked for."""
        asked = getattr(trouble, "retry_after_seconds", None)
        if asked:
            return float(asked) * self._rng.uniform(1.0, 1.25)
        bound = min(2.0 ** min(failures, _DOUBLINGS), LONGEST_BOUND_SECONDS)
        return self._rng.uniform(bound / 4, bound)

    def _http(self) -> HttpClient:
        return http_client(
            connections=CONNECTIONS,
            timeout_seconds=self._settings.timeout_seconds,
            connect_seconds=CONNECT_SECONDS,
        )

"""A Shopify shop as a source: a door that takes hints, and a poller that fetches what they mean.

Surprising: the poller also searches by itself, because a webhook is a hint and never the record:
some never come, and Shopify deletes a subscription whose door was closed for too long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tillway.connect.http_client import HttpClient, http_client
from tillway.connect.kit import Answer, Intake, Request, SourceContext
from tillway.connectors.shopify.admin_api import LONGEST_WAIT_SECONDS, AdminApi
from tillway.connectors.shopify.door import Door
from tillway.connectors.shopify.money import Money
from tillway.connectors.shopify.orders import Orders
from tillway.connectors.shopify.settings import ShopifySourceSettings
from tillway.connectors.shopify.subscriptions import Subscriptions
from tillway.errors import EndOfInput, JournalFault, Refused, TillwayError, Transient

DEFAULT_WAIT_SECONDS = 5.0
CONNECT_SECONDS = 3.0
CONNECTIONS = 2
_log = logging.getLogger(__name__)


class ShopifySource:
    """Door and poller of one shop. client replaces the HTTP client, for tests."""

    def __init__(
        self,
        settings: ShopifySourceSettings,
        context: SourceContext,
        client: HttpClient | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self.path = settings.path
        self.max_body_bytes = settings.max_body_bytes
        self._door = Door(settings, context)
        self._client = client
        self._api = self._new_api()
        self._orders = Orders(settings, context, self._api)
        self._money = Money(settings, context, self._api)
        self._subscriptions = Subscriptions(settings, self._api, context.name)

    async def receive(self, request: Request, intake: Intake) -> Answer:  # noqa: ARG002 - hints only
        """Prove who sends and leave a hint; the poller hands the order to the intake."""
        return await self._door.receive(request)

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Fetch until stop is set; each of the tasks goes on when another fails."""
        tasks = [
            self._repeat("hints", self._settings.hint_seconds, self._take_hints, intake, stop),
            self._repeat("orders", self._settings.poll_seconds, self._orders.search, intake, stop),
            self._repeat("money", self._settings.payout_seconds, self._money.search, intake, stop),
            self._repeat("health", self._settings.health_seconds, self._mend, intake, stop),
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(task)
        except ExceptionGroup as faults:
            # Not `except*`: up to Python 3.11.2 what is raised there comes out as a group again.
            failed = faults.subgroup(JournalFault)
            if failed is None:
                raise
            raise failed.exceptions[0] from None
        finally:
            await self._api.close()

    async def ping(self) -> None:
        """Raise NotConnected when the API does not answer us, TW-2361 when topics are missing."""
        api = self._new_api()
        try:
            await api.once("webhooks.json", "webhooks", limit=1)
            await Subscriptions(self._settings, api, self._context.name).check()
        finally:
            await api.close()

    def _new_api(self) -> AdminApi:
        """Return the API with connections of its own: a ping must not close those in use."""
        client = self._client or http_client(
            connections=CONNECTIONS,
            timeout_seconds=self._settings.timeout_seconds,
            connect_seconds=CONNECT_SECONDS,
        )
        return AdminApi(self._settings, self._context.clock, client, self._context.name)

    async def _repeat(
        self,
        what: str,
        seconds: float,
        work: Callable[[Intake, asyncio.Event], Awaitable[object]],
        intake: Intake,
        stop: asyncio.Event,
    ) -> None:
        """Do one kind of work again and again; what fails is told and tried again."""
        with suppress(EndOfInput):
            while not stop.is_set():
                wait = seconds
                try:
                    await work(intake, stop)
                except (EndOfInput, JournalFault):
                    raise
                except TillwayError as fault:
                    wait = max(_wait_after(fault), min(seconds, LONGEST_WAIT_SECONDS))
                    _log.warning("source %s, %s: %s", self._context.name, what, fault)
                await self._api.pause(stop, wait)

    async def _take_hints(self, intake: Intake, stop: asyncio.Event) -> None:
        while await self._orders.take_hints(intake, stop):
            pass

    async def _mend(self, _intake: Intake, _stop: asyncio.Event) -> None:
        await self._subscriptions.mend()


def _wait_after(fault: TillwayError) -> float:
    if isinstance(fault, Refused | Transient) and fault.retry_after_seconds is not None:
        return fault.retry_after_seconds
    return DEFAULT_WAIT_SECONDS

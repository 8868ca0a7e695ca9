"""Watches the subscriptions: Shopify deletes one after 8 failed deliveries within 4 hours.

Only subscriptions made through the Admin API are listed and deleted; those an app declares in its
own configuration are neither, so nothing is watched without `webhook_url`.
"""

from __future__ import annotations

import logging

from tillway.connectors.shopify.admin_api import AdminApi
from tillway.connectors.shopify.parts import text
from tillway.connectors.shopify.settings import LARGEST_PAGE, ShopifySourceSettings
from tillway.errors import Transient

_log = logging.getLogger(__name__)


class Subscriptions:
    """What the shop sends to our door, and what it should."""

    def __init__(self, settings: ShopifySourceSettings, api: AdminApi, name: str) -> None:
        self._settings = settings
        self._api = api
        self._name = name
        self._told: list[str] = []

    async def missing(self) -> list[str]:
        """Return the topics nobody sends us. Asks once; raises NotConnected, Transient, InDoubt."""
        if not self._settings.webhook_url:
            return []
        found = await self._api.once(
            "webhooks.json", "webhooks", address=self._settings.webhook_url, limit=LARGEST_PAGE
        )
        sent = {
            text(one, "topic")
            for one in found
            if text(one, "address") == self._settings.webhook_url
        }
        return [topic for topic in self._settings.topics if topic not in sent]

    async def check(self) -> None:
        """Raise Transient TW-2361 when topics are missing and nobody makes them again."""
        missing = await self.missing()
        if missing and self._settings.subscriptions == "warn":
            raise self._fault(missing)

    async def mend(self) -> None:
        """Make missing subscriptions again, or say once in the log that they are missing."""
        missing = await self.missing()
        if missing and missing != self._told:
            _log.warning("source %s: %s", self._name, self._fault(missing))
        self._told = missing
        if self._settings.subscriptions == "create":
            for topic in missing:
                await self._api.create(
                    "webhooks.json",
                    {
                        "webhook": {
                            "topic": topic,
                            "address": self._settings.webhook_url,
                            "format": "json",
                        }
                    },
                )

    def _fault(self, missing: list[str]) -> Transient:
        return Transient(
            "TW-2361", f"Shopify does not send {', '.join(missing)}", source=self._name
        )

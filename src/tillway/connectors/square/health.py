"""Checks that the webhooks still come: the subscription is there, enabled, and heard of.

An unhealthy subscription loses nothing, since searches find everything; it only makes it late.
"""

from __future__ import annotations

from datetime import datetime

from tillway.clock import MICROSECONDS, utc_text
from tillway.connect.kit import SourceContext
from tillway.connectors.square.api import SquareApi
from tillway.connectors.square.searching import FOUND_AT
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.errors import NotConnected

EVENT_AT = "last_event_at"
EVENT_NOTED_SECONDS = 60.0
SILENT_SECONDS = 3600.0


class Health:
    """What is known of the webhook subscription."""

    def __init__(self, settings: SquareSourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._noted_at: float | None = None

    async def note_event(self) -> None:
        """Remember that a notification came; written down once a minute at most."""
        now = self._context.clock.monotonic()
        if self._noted_at is None or now - self._noted_at >= EVENT_NOTED_SECONDS:
            self._noted_at = now
            await self._context.state.put(EVENT_AT, utc_text(self._context.clock.now()))

    async def check(self, api: SquareApi) -> None:
        """Raise NotConnected TW-2354 (no subscription), TW-2355 (disabled) or TW-2356 (silent)."""
        if self._settings.watch_subscription:
            await self._check_subscription(api)
        last = _seconds(await self._context.state.get(EVENT_AT))
        found = _seconds(await self._context.state.get(FOUND_AT))
        if found - last > SILENT_SECONDS:
            raise NotConnected("TW-2356", f"{self._heard(last)}, and searches find changes")

    async def _check_subscription(self, api: SquareApi) -> None:
        url = self._settings.notification_url
        ours = [one for one in await api.subscriptions() if one.get("notification_url") == url]
        if not ours:
            raise NotConnected("TW-2354", f"no webhook subscription sends to {url}")
        if not any(one.get("enabled") for one in ours):
            last = _seconds(await self._context.state.get(EVENT_AT))
            raise NotConnected(
                "TW-2355", f"the webhook subscription is disabled; {self._heard(last)}"
            )

    def _heard(self, last: float) -> str:
        if not last:
            return "no notification was ever taken"
        minutes = (self._context.clock.now() / MICROSECONDS - last) // 60
        return f"the last notification came {minutes:.0f} minutes ago"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0

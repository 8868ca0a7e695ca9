"""A fake shop, its API and the source under test joined in one process, with time by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tillway.clock import MICROSECONDS, ManualClock
from tillway.connect.http_client import HttpReply
from tillway.connect.kit import Request, SourceContext
from tillway.connect.settings import settings_from
from tillway.connectors.shopify import REGISTRATION
from tillway.connectors.shopify.settings import ShopifySourceSettings
from tillway.connectors.shopify.source import ShopifySource
from tillway.errors import TillwayError
from tillway.security import Secret
from tillway.simulator.shopify_api import ApiLimits, ShopifyApi
from tillway.simulator.shopify_hooks import HookFaults, ShopifyHooks
from tillway.simulator.shopify_shop import ShopifyShop
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState
from vendors.shopify_project import OLD_SECRET, SECRET, SHOP, TOKEN

ADDRESS = "https://hub.example.com/in/shopify"
API = "http://shopify.test"
AMPLE = ApiLimits(bucket=100_000, leak_per_second=100_000)


class AppClient:
    """An HTTP client that calls an ASGI application; fault is raised instead of the next call."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.calls: list[str] = []
        self.fault: TillwayError | None = None

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Call the application once."""
        self.calls.append(url)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        parts = urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": [
                (b"host", parts.netloc.encode()),
                *((name.encode(), value.encode()) for name, value in headers.items()),
            ],
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b""}

        async def send(event: dict[str, Any]) -> None:
            sent.append(event)

        await self._app(scope, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return HttpReply(sent[0]["status"], found, sent[1]["body"])

    async def close(self) -> None:
        """Nothing is held open."""


class FakeShopify:
    """One shop with its API and hooks, and a source in front of it. door_open: it answers."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: ApiLimits = AMPLE,
        faults: HookFaults | None = None,
        **settings: Any,
    ) -> None:
        self.clock = ManualClock()
        self.intake = FakeIntake()
        self.state = MemoryState()
        self.hints = MemoryHints()
        self.door_open = True
        self.folder = folder
        self.hooks = ShopifyHooks(
            SHOP, SECRET, self.now, self._send, Random(7), faults or HookFaults()
        )
        self.shop = ShopifyShop(7, self.now, self.hooks.tell)
        self.api = ShopifyApi(self.shop, self.hooks, TOKEN, self.now, limits)
        self.client = AppClient(self.api)
        self.settings = shopify_settings(**settings)
        self.source = self.new_source()

    def now(self) -> float:
        """Return the time of the shop: that of the clock."""
        return self.clock.now() / MICROSECONDS

    def new_source(self) -> ShopifySource:
        """Return another source over the same memory, as after a restart."""
        context = SourceContext(
            "shopify", self.clock, self.state, str(self.folder), hints=self.hints
        )
        return ShopifySource(self.settings, context, self.client)

    async def _send(self, _address: str, headers: Mapping[str, str], body: bytes) -> int:
        if not self.door_open:
            return 0
        request = Request("POST", self.source.path, headers, body)
        return (await self.source.receive(request, self.intake)).status


def settings_values(**settings: Any) -> dict[str, Any]:
    """Return the values of the settings as a project gives them, secrets resolved."""
    return {
        "shop": SHOP,
        "webhook_secrets": [Secret(OLD_SECRET), Secret(SECRET)],
        "access_token": Secret(TOKEN),
        "api_url": API,
        "webhook_url": ADDRESS,
        **settings,
    }


def shopify_settings(**settings: Any) -> ShopifySourceSettings:
    """Return settings with live secrets; settings replace the usual ones."""
    assert REGISTRATION.source_settings is ShopifySourceSettings
    return settings_from(ShopifySourceSettings, settings_values(**settings), "test")


def records(fake: FakeShopify) -> list[dict[str, Any]]:
    """Return every record that was handed over, in order."""
    return [json.loads(line) for body in fake.intake.bodies for line in body.splitlines()]


def versions(fake: FakeShopify) -> dict[str, list[int]]:
    """Return the revisions of each order in the order they came."""
    found: dict[str, list[int]] = {}
    for record in records(fake):
        if record["kind"] == "order":
            found.setdefault(record["item_id"], []).append(record["revision"])
    return found


def taken(fake: FakeShopify, count: int) -> Callable[[], bool]:
    """Return a condition: so many orders were taken."""
    return lambda: len(versions(fake)) >= count


def sell(fake: FakeShopify, count: int) -> list[str]:
    """Sell orders that are paid at once and nothing more; returns their names."""
    while len(fake.shop.orders) < count:
        fake.shop.step(count)
    return [f"Order/{number}" for number in fake.shop.orders]

"""Calls the Admin API of one shop: pages, throttling, back-off.

Surprising: a call is repeated until it is answered or the source is told to stop. Everything here
asks and changes nothing at Shopify, but for making a subscription, which says itself when it is
there already.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from tillway.clock import MICROSECONDS, Clock
from tillway.connect.http_client import HttpClient, HttpReply
from tillway.connectors.shopify.parts import Part
from tillway.connectors.shopify.settings import ShopifySourceSettings
from tillway.errors import EndOfInput, InDoubt, NotConnected, Permanent, TillwayError, Transient
from tillway.security.secrets import Secret

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
CALM_SHARE = 0.8
CALM_SECONDS = 0.5
EXCERPT_CHARACTERS = 200
_log = logging.getLogger(__name__)


class Page(msgspec.Struct, frozen=True):
    """One page of a list. now: seconds since 1970 by Shopify's clock; following: "" for none."""

    items: list[dict[str, msgspec.Raw]]
    now: int
    following: str


class AdminApi:
    """One shop. stop ends every wait."""

    def __init__(
        self, settings: ShopifySourceSettings, clock: Clock, client: HttpClient, name: str
    ) -> None:
        self._base = settings.api_url.rstrip("/") or f"https://{settings.shop}"
        self._version = f"{self._base}/admin/api/{settings.api_version}/"
        self._token = Secret(settings.access_token)
        self._clock = clock
        self._client = client
        self._name = name

    async def page(
        self, path: str, member: str, stop: asyncio.Event, **query: object
    ) -> Page | None:
        """Return the first page of a list, None when the shop knows nothing at this path.

        Raises EndOfInput when told to stop, NotConnected TW-2360, Permanent TW-2362.
        """
        asked = f"?{urlencode(query)}" if query else ""
        return await self._page(f"{self._version}{path}{asked}", member, stop)

    async def next_page(self, page: Page, member: str, stop: asyncio.Event) -> Page | None:
        """Return the page after this one, None when it was the last."""
        return await self._page(page.following, member, stop) if page.following else None

    async def whole(
        self, path: str, member: str, stop: asyncio.Event, **query: object
    ) -> list[dict[str, msgspec.Raw]] | None:
        """Return all pages of a short list joined, None when there is nothing at this path."""
        page = await self.page(path, member, stop, **query)
        if page is None:
            return None
        items = list(page.items)
        while (following := await self.next_page(page, member, stop)) is not None:
            items += following.items
            page = following
        return items

    async def once(self, path: str, member: str, **query: object) -> list[Part]:
        """Return one page, asked for once. Raises NotConnected, Transient, InDoubt, Permanent."""
        asked = f"?{urlencode(query)}" if query else ""
        reply = await self._call("GET", f"{self._version}{path}{asked}", None)
        self._judge(reply)
        return list(_members(reply, member))

    async def create(self, path: str, document: Mapping[str, Any]) -> bool:
        """Make something; False when it is there already (422)."""
        reply = await self._call("POST", f"{self._version}{path}", msgspec.json.encode(document))
        if reply.status == 422:
            return False
        self._judge(reply)
        return True

    async def pause(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait, or raise EndOfInput as soon as the source is told to stop."""
        waits = [
            asyncio.ensure_future(stop.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if stop.is_set():
            raise EndOfInput("TW-2020", "the source is stopping")

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _page(self, url: str, member: str, stop: asyncio.Event) -> Page | None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                reply = await self._call("GET", url, None)
                if reply.status == 404:
                    return None
                self._judge(reply)
                items = _members(reply, member)
            except (Transient, InDoubt, NotConnected) as fault:
                if fault.code == "TW-2360":
                    raise
                await self._back_off(stop, fault, wait)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
                continue
            await self._stay_calm(stop, reply)
            return Page(items, self._time_of(reply), self._following(reply))

    async def _back_off(self, stop: asyncio.Event, fault: TillwayError, wait: float) -> None:
        asked = fault.retry_after_seconds if isinstance(fault, Transient) else None
        if wait > FIRST_WAIT_SECONDS:
            _log.warning("source %s asks Shopify again in %.0f s: %s", self._name, wait, fault)
        await self.pause(stop, wait if asked is None else asked)

    async def _stay_calm(self, stop: asyncio.Event, reply: HttpReply) -> None:
        """Slow down before the bucket is full: `X-Shopify-Shop-Api-Call-Limit: 32/40`."""
        used, _, size = reply.headers.get("x-shopify-shop-api-call-limit", "").partition("/")
        if used.isdigit() and size.isdigit() and int(used) > CALM_SHARE * int(size):
            await self.pause(stop, CALM_SECONDS)

    async def _call(self, method: str, url: str, body: bytes | None) -> HttpReply:
        headers = {
            "x-shopify-access-token": self._token.reveal(),
            "accept": "application/json",
            "content-type": "application/json",
        }
        return await self._client.request(method, url, headers, body)

    def _judge(self, reply: HttpReply) -> None:
        """Raise what an answer outside 2xx means."""
        if 200 <= reply.status < 300:
            return
        said = f"Shopify answered {reply.status}: {_excerpt(reply.body)}"
        if reply.status in {401, 403}:
            raise NotConnected("TW-2360", said, source=self._name)
        if reply.status in {408, 423, 425, 429, 430} or reply.status >= 500:
            seconds = _number(reply.headers.get("retry-after", ""))
            raise Transient("TW-4106", said, retry_after_seconds=seconds, source=self._name)
        raise Permanent("TW-2362", said, source=self._name)

    def _time_of(self, reply: HttpReply) -> int:
        with suppress(ValueError, TypeError):
            return int(parsedate_to_datetime(reply.headers.get("date", "")).timestamp())
        return self._clock.now() // MICROSECONDS

    def _following(self, reply: HttpReply) -> str:
        """Return the address behind `rel="next"`; one outside the shop would get the token."""
        for link in reply.headers.get("link", "").split(","):
            address, _, rest = link.partition(";")
            url = address.strip().removeprefix("<").removesuffix(">")
            if 'rel="next"' in rest and url.startswith(f"{self._base}/admin/"):
                return url
        return ""


def _members(reply: HttpReply, member: str) -> list[dict[str, msgspec.Raw]]:
    try:
        document = msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(document[member], type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, KeyError):
        raise Transient(
            "TW-2363", f'an answer has no list "{member}": {_excerpt(reply.body)}'
        ) from None


def _number(seconds: str) -> float | None:
    """Return Retry-After, which Shopify writes as `2.0`."""
    try:
        return min(max(float(seconds), 0.0), LONGEST_WAIT_SECONDS)
    except ValueError:
        return None


def _excerpt(body: bytes) -> str:
    return " ".join(body[:EXCERPT_CHARACTERS].decode("utf-8", "replace").split())

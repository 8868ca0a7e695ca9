"""Stripe's API as the poller needs it: one method per question, pages turned, errors sorted.

Everything here only reads, so an answer that is no answer (timeout, 429, 5xx, a proxy's page) is
Transient and asked for again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tillway.connect.http_client import HttpClient, HttpReply
from tillway.connectors.stripe.settings import StripeSourceSettings
from tillway.errors import InDoubt, NotConnected, Permanent, Transient

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMED_OUT = 200, 401, 403, 404, 408
CONFLICT, TOO_MANY, SERVER_FAULT = 409, 429, 500
DETAIL_CHARACTERS = 300
LONGEST_WAIT_SECONDS = 3600.0
Json = dict[str, Any]
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class StripeApi:
    """Calls Stripe with one key. Every call raises what `_checked` says."""

    def __init__(self, settings: StripeSourceSettings, http: HttpClient) -> None:
        self._settings = settings
        self._http = http

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def events(self, types: Sequence[str], begin: int, end: int) -> AsyncIterator[list[Json]]:
        """Yield pages of events made in [begin, end), newest first. begin, end: seconds."""
        query = [("created[gte]", str(begin)), ("created[lt]", str(end))]
        query += [("types[]", name) for name in types]
        async for page in self._pages("/v1/events", query):
            yield page

    async def payout(self, payout_id: str) -> Json | None:
        """Return a payout, None when Stripe does not know it."""
        reply = await self._called(f"/v1/payouts/{quote(payout_id, safe='')}")
        return None if reply.status == NOT_FOUND else _checked(reply)

    async def entries(self, payout_id: str) -> list[Json]:
        """Return the balance transactions of an automatic payout, its own among them."""
        pages = self._pages("/v1/balance_transactions", [("payout", payout_id)])
        return [entry async for page in pages for entry in page]

    async def reachable(self) -> None:
        """Ask for one event: the smallest question that needs a right key."""
        _checked(await self._called("/v1/events?limit=1"))

    async def endpoints(self) -> list[Json]:
        """Return the webhook endpoints of the account, disabled ones too."""
        return [one async for page in self._pages("/v1/webhook_endpoints", []) for one in page]

    async def _pages(
        self, path: str, query: Sequence[tuple[str, str]]
    ) -> AsyncIterator[list[Json]]:
        asked = [*query, ("limit", str(self._settings.page_size))]
        after: list[tuple[str, str]] = []
        while True:
            page = _checked(await self._called(f"{path}?{urlencode([*asked, *after])}"))
            found = page.get("data")
            members = [one for one in found if isinstance(one, dict)] if found else []
            yield members
            if not page.get("has_more") or not members:
                return
            after = [("starting_after", str(members[-1].get("id")))]

    async def _called(self, path: str) -> HttpReply:
        headers = {
            "authorization": f"Bearer {''.join(self._settings.api_key)}",
            "stripe-version": self._settings.api_version,
            "accept": "application/json",
        }
        url = self._settings.api_url.rstrip("/") + path
        try:
            return await self._http.request("GET", url, headers)
        except (InDoubt, NotConnected) as fault:
            raise Transient("TW-2371", fault.detail) from None


def _checked(reply: HttpReply) -> Json:
    """Return a good answer as a table.

    Raises NotConnected TW-2370 (401, 403), Transient TW-2371 (408, 409, 429, 5xx) or TW-2373 (not
    to be read), Permanent TW-2372 (any other).
    """
    status = reply.status
    if status in (TIMED_OUT, CONFLICT, TOO_MANY) or status >= SERVER_FAULT:
        wait = _wait_named(reply.headers.get("retry-after", ""))
        raise Transient("TW-2371", f"Stripe answered {status}", retry_after_seconds=wait)
    if status in (UNAUTHORIZED, FORBIDDEN):
        raise NotConnected("TW-2370", f"Stripe answered {status}: {_said(reply.body)}")
    if status != OK:
        raise Permanent("TW-2372", f"Stripe answered {status}: {_said(reply.body)}")
    try:
        found = _decode(reply.body)
    except msgspec.DecodeError:
        raise Transient("TW-2373", "Stripe's answer is no JSON document") from None
    if not isinstance(found, dict):
        raise Transient("TW-2373", "Stripe's answer is no JSON object")
    return found


def _said(body: bytes) -> str:
    """Return the kind and code of Stripe's error; its message may hold a part of the key."""
    try:
        error = _decode(body)["error"]
        told = f"{error.get('type', '')} {error.get('code', '')}".strip()
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
        told = ""
    return told[:DETAIL_CHARACTERS] or "without a reason"


def _wait_named(text: str) -> float | None:
    """Return the seconds a Retry-After header names; None for a date."""
    try:
        return min(max(0.0, float(text)), LONGEST_WAIT_SECONDS)
    except ValueError:
        return None

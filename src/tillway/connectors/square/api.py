"""Square's API as the poller needs it: one method per call, pages turned, errors sorted.

Answers that are no answer (timeouts, 429, 5xx, HTML) are Transient, since everything here only
reads. A call is repeated a few times by itself, so that one throttled page does not cost a search.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tillway.clock import Clock
from tillway.connect.http_client import HttpClient, HttpReply
from tillway.connectors.square.pauses import Pauses
from tillway.connectors.square.settings import SquareSourceSettings
from tillway.errors import InDoubt, NotConnected, Permanent, Transient

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMED_OUT = 200, 401, 403, 404, 408
TOO_MANY, SERVER_FAULT = 429, 500
DETAIL_CHARACTERS = 300
LONGEST_WAIT_SECONDS = 3600.0
CALL_ATTEMPTS = 5
Json = dict[str, Any]
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder().encode


class SquareApi:
    """Calls Square with one access token. Every call raises what `_checked` says."""

    def __init__(
        self,
        settings: SquareSourceSettings,
        http: HttpClient,
        clock: Clock,
        pauses: Pauses,
        attempts: int = CALL_ATTEMPTS,
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._pauses = pauses
        self._attempts = attempts

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def locations(self) -> list[Json]:
        """Return all locations of the account, inactive ones too."""
        return _members(await self._get("/v2/locations"), "locations")

    async def orders(self, order_ids: Sequence[str]) -> list[Json]:
        """Return these orders, at most 100; one that Square does not know is left out."""
        body = {"order_ids": list(order_ids)}
        return _members(await self._post("/v2/orders/batch-retrieve", body), "orders")

    async def changed_orders(
        self, location: str, begin: str, end: str
    ) -> AsyncIterator[list[Json]]:
        """Yield pages of entries (order_id, version) of one location, by the time of the change."""
        changed = {"updated_at": {"start_at": begin, "end_at": end}}
        body: Json = {
            "location_ids": [location],
            "query": {
                "filter": {"date_time_filter": changed},
                "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
            },
            "limit": self._settings.search_page,
            "return_entries": True,
        }
        while True:
            page = await self._post("/v2/orders/search", body)
            yield _members(page, "order_entries")
            if not page.get("cursor"):
                return
            body = {**body, "cursor": page["cursor"]}

    async def changed_payments(
        self, location: str, begin: str, end: str
    ) -> AsyncIterator[list[Json]]:
        """Yield pages of payments of one location, by the time of the change."""
        query = {**_changed(begin, end), "location_id": location}
        async for page in self._pages("/v2/payments", query, "payments"):
            yield page

    async def changed_refunds(self, begin: str, end: str) -> AsyncIterator[list[Json]]:
        """Yield pages of refunds of all locations, by the time of the change."""
        async for page in self._pages("/v2/refunds", _changed(begin, end), "refunds"):
            yield page

    async def payouts(self, location: str, begin: str, end: str) -> AsyncIterator[list[Json]]:
        """Yield pages of payouts of one location, by the time they were made."""
        query = {"location_id": location, "begin_time": begin, "end_time": end, "sort_order": "ASC"}
        async for page in self._pages("/v2/payouts", query, "payouts"):
            yield page

    async def entries(self, payout_id: str) -> list[Json]:
        """Return all entries of a payout."""
        path = f"/v2/payouts/{quote(payout_id, safe='')}/payout-entries"
        return [
            entry
            async for page in self._pages(path, {"sort_order": "ASC"}, "payout_entries")
            for entry in page
        ]

    async def shifts(self, location: str, begin: str, end: str) -> AsyncIterator[list[Json]]:
        """Yield pages of cash drawer shifts of one location, by the time they were opened."""
        query = {"location_id": location, "begin_time": begin, "end_time": end}
        async for page in self._pages("/v2/cash-drawers/shifts", query, "cash_drawer_shifts"):
            yield page

    async def shift(self, shift_id: str, location: str) -> Json | None:
        """Return a cash drawer shift with all of its sums."""
        path = f"/v2/cash-drawers/shifts/{quote(shift_id, safe='')}"
        return await self._one(
            f"{path}?{urlencode({'location_id': location})}", "cash_drawer_shift"
        )

    async def payment(self, payment_id: str) -> Json | None:
        """Return a payment, None when Square does not know it."""
        return await self._one(f"/v2/payments/{quote(payment_id, safe='')}", "payment")

    async def refund(self, refund_id: str) -> Json | None:
        """Return a refund, None when Square does not know it."""
        return await self._one(f"/v2/refunds/{quote(refund_id, safe='')}", "refund")

    async def payout(self, payout_id: str) -> Json | None:
        """Return a payout, None when Square does not know it."""
        return await self._one(f"/v2/payouts/{quote(payout_id, safe='')}", "payout")

    async def subscriptions(self) -> list[Json]:
        """Return the application's webhook subscriptions, disabled ones too."""
        query = {"include_disabled": "true"}
        pages = self._pages("/v2/webhooks/subscriptions", query, "subscriptions")
        return [subscription async for page in pages for subscription in page]

    async def _pages(
        self, path: str, query: Mapping[str, str], name: str
    ) -> AsyncIterator[list[Json]]:
        asked = {**query, "limit": str(self._settings.list_page)}
        while True:
            page = await self._get(f"{path}?{urlencode(asked)}")
            yield _members(page, name)
            if not page.get("cursor"):
                return
            asked["cursor"] = str(page["cursor"])

    async def _one(self, path: str, name: str) -> Json | None:
        found = (await self._asked("GET", path, gone_is_empty=True)).get(name)
        return found if isinstance(found, dict) else None

    async def _get(self, path: str) -> Json:
        return await self._asked("GET", path)

    async def _post(self, path: str, body: Json) -> Json:
        return await self._asked("POST", path, _encode(body))

    async def _asked(
        self, method: str, path: str, body: bytes | None = None, *, gone_is_empty: bool = False
    ) -> Json:
        """Return a good answer; after trouble that passes the call is repeated, after a pause."""
        failures = 0
        while True:
            try:
                reply = await self._called(method, path, body)
                if gone_is_empty and reply.status == NOT_FOUND:
                    return {}
                return _checked(reply)
            except Transient as trouble:
                failures += 1
                if failures >= self._attempts:
                    raise
                await self._clock.sleep(self._pauses.after(failures, trouble))

    async def _called(self, method: str, path: str, body: bytes | None = None) -> HttpReply:
        headers = {
            "authorization": f"Bearer {''.join(self._settings.access_token)}",
            "square-version": self._settings.api_version,
            "accept": "application/json",
        }
        if body is not None:
            headers["content-type"] = "application/json"
        url = self._settings.api_url.rstrip("/") + path
        try:
            return await self._http.request(method, url, headers, body)
        except (InDoubt, NotConnected) as fault:
            raise Transient("TW-2351", fault.detail) from None


def _checked(reply: HttpReply) -> Json:
    """Return a good answer as a table.

    Raises NotConnected TW-2350 (401, 403), Transient TW-2351 (408, 429, 5xx) or TW-2353 (not to be
    read), Permanent TW-2352 (any other).
    """
    status = reply.status
    if status in (TIMED_OUT, TOO_MANY) or status >= SERVER_FAULT:
        raise Transient(
            "TW-2351",
            f"Square answered {status}",
            retry_after_seconds=_wait_named(reply.headers.get("retry-after", "")),
        )
    if status in (UNAUTHORIZED, FORBIDDEN):
        raise NotConnected("TW-2350", f"Square answered {status}: {_said(reply.body)}")
    if status != OK:
        raise Permanent("TW-2352", f"Square answered {status}: {_said(reply.body)}")
    try:
        found = _decode(reply.body)
    except msgspec.DecodeError:
        raise Transient("TW-2353", "Square's answer is no JSON document") from None
    if not isinstance(found, dict):
        raise Transient("TW-2353", "Square's answer is no JSON object")
    return found


def _said(body: bytes) -> str:
    """Return what Square's errors say, shortened; the body of another server is not repeated."""
    try:
        errors = _members(_decode(body), "errors")
    except (msgspec.DecodeError, AttributeError):
        return "without a reason"
    told = [f"{error.get('code', '')} {error.get('detail', '')}".strip() for error in errors]
    return "; ".join(told)[:DETAIL_CHARACTERS] or "without a reason"


def _wait_named(text: str) -> float | None:
    """Return the seconds a Retry-After header names; None for a date."""
    try:
        return min(max(0.0, float(text)), LONGEST_WAIT_SECONDS)
    except ValueError:
        return None


def _changed(begin: str, end: str) -> dict[str, str]:
    return {
        "updated_at_begin_time": begin,
        "updated_at_end_time": end,
        "sort_field": "UPDATED_AT",
        "sort_order": "ASC",
    }


def _members(page: Json, name: str) -> list[Json]:
    found = page.get(name)
    if not isinstance(found, list):
        return []
    return [member for member in found if isinstance(member, dict)]

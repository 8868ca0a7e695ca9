"""The Admin API of a fake Shopify shop, plain ASGI, written from the vendor's documentation.

GET  orders.json, orders/ID/transactions.json, tender_transactions.json, webhooks.json,
     shopify_payments/payouts.json, shopify_payments/balance/transactions.json
POST webhooks.json

Pages are followed by the address in `Link`; a full bucket answers 429 with `Retry-After`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from email.utils import formatdate
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec

from tillway.simulator.shopify_hooks import ShopifyHooks
from tillway.simulator.shopify_shop import ShopifyShop

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Query = dict[str, str]

PREFIX = "/admin/api/"
LARGEST_PAGE = 250
DEFAULT_PAGE = 50
CREATED, UNPROCESSABLE, TOO_MANY, BROKEN = 201, 422, 429, 503


class ApiLimits(msgspec.Struct, frozen=True):
    """bucket: calls that may come at once; leak_per_second: how fast it empties (Standard: 40, 2).

    broken: share of calls that are answered 503.
    """

    bucket: int = 40
    leak_per_second: float = 2.0
    broken: float = 0.0


class _Reply(msgspec.Struct):
    status: int
    body: Any
    headers: dict[str, str] = msgspec.field(default_factory=dict)


class ShopifyApi:
    """The API of one shop. now: seconds since 1970, also in the `Date` of each answer.

    counts: answers by status. hidden: numbers of orders it denies to know.
    """

    def __init__(
        self,
        shop: ShopifyShop,
        hooks: ShopifyHooks,
        token: str,
        now: Callable[[], float],
        limits: ApiLimits | None = None,
    ) -> None:
        self.shop = shop
        self.hooks = hooks
        self.counts: Counter[int] = Counter()
        self.hidden: set[int] = set()
        self._token = token
        self._now = now
        self._limits = limits or ApiLimits()
        self._rng = Random(shop.seed)
        self._level = 0.0
        self._leaked_at = now()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _body(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        reply = self._limited(scope, headers, body)
        self.counts[reply.status] += 1
        reply.headers.setdefault("content-type", "application/json")
        reply.headers["date"] = formatdate(self._now(), usegmt=True)
        sent = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": json.dumps(reply.body).encode()})

    def _limited(self, scope: Scope, headers: dict[str, str], body: bytes) -> _Reply:
        if headers.get("x-shopify-access-token") != self._token:
            return _Reply(401, {"errors": "[API] Invalid API key or access token"})
        if self._rng.random() < self._limits.broken:
            return _Reply(BROKEN, {"errors": "Service Unavailable"})
        now = self._now()
        leaked = (now - self._leaked_at) * self._limits.leak_per_second
        self._level, self._leaked_at = max(0.0, self._level - leaked), now
        if self._level + 1 > self._limits.bucket:
            retry = {"retry-after": f"{1 / self._limits.leak_per_second:.1f}"}
            return _Reply(TOO_MANY, {"errors": "Exceeded the calls per second"}, retry)
        self._level += 1
        reply = self._route(scope, body)
        used = f"{int(self._level)}/{self._limits.bucket}"
        reply.headers["x-shopify-shop-api-call-limit"] = used
        return reply

    def _route(self, scope: Scope, body: bytes) -> _Reply:
        path = scope["path"].removeprefix(PREFIX).partition("/")[2].removesuffix(".json")
        query = {
            name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()
        }
        match scope["method"], path.split("/"):
            case "GET", ["orders"]:
                return self._list(scope, "orders", self._orders(query), query)
            case "GET", ["orders", number, "transactions"]:
                return self._transactions(int(number), query)
            case "GET", ["tender_transactions"]:
                return self._list(scope, "tender_transactions", self._tenders(query), query)
            case "GET", ["shopify_payments", "payouts"]:
                since = query.get("date_min", "")
                payouts = [one for one in self.shop.payouts if one["date"] >= since]
                return self._list(scope, "payouts", payouts, query)
            case "GET", ["shopify_payments", "balance", "transactions"]:
                payout = query.get("payout_id", "")
                entries = [one for one in self.shop.balance if str(one["payout_id"]) == payout]
                return self._list(scope, "transactions", entries, query)
            case "GET", ["webhooks"]:
                return _Reply(200, {"webhooks": self._subscriptions(query)})
            case "POST", ["webhooks"]:
                return self._subscribe(json.loads(body)["webhook"])
        return _not_found()

    def _transactions(self, number: int, query: Query) -> _Reply:
        found = self.shop.transactions.get(number)
        if found is None or number in self.hidden:
            return _not_found()
        return _Reply(200, {"transactions": _chosen(found, query)})

    def _orders(self, query: Query) -> list[dict[str, Any]]:
        found = [one for one in self.shop.orders.values() if one["id"] not in self.hidden]
        if "ids" in query:
            wanted = {int(number) for number in query["ids"].split(",")}
            return [one for one in found if one["id"] in wanted]
        if "updated_at_min" in query:
            since = datetime.fromisoformat(query["updated_at_min"])
            found = [one for one in found if datetime.fromisoformat(one["updated_at"]) >= since]
        return sorted(found, key=lambda one: (one["updated_at"], one["id"]))

    def _tenders(self, query: Query) -> list[dict[str, Any]]:
        since = datetime.fromisoformat(query["processed_at_min"])
        return [
            {
                "id": one["id"],
                "order_id": one["order_id"],
                "amount": one["amount"] if one["kind"] != "refund" else f"-{one['amount']}",
                "currency": one["currency"],
                "processed_at": one["processed_at"],
                "remote_reference": str(one["id"]),
                "payment_method": "credit_card",
            }
            for transactions in self.shop.transactions.values()
            for one in transactions
            if one["kind"] in {"sale", "capture", "refund"}
            and datetime.fromisoformat(one["processed_at"]) >= since
        ]

    def _list(self, scope: Scope, name: str, items: list[dict[str, Any]], query: Query) -> _Reply:
        """Answer one page; the next one begins after the last object of this one."""
        limit = min(int(query.get("limit", DEFAULT_PAGE)), LARGEST_PAGE)
        after = query.get("page_info", "")
        if after:
            at, _, number = after.partition("_")
            items = [one for one in items if (_place(one), one["id"]) > (at, int(number))]
        page, headers = items[:limit], {}
        if len(items) > limit:
            host = dict(scope["headers"])[b"host"].decode()
            following = {**query, "page_info": f"{_place(page[-1])}_{page[-1]['id']}"}
            url = f"http://{host}{scope['path']}?{urlencode(following)}"
            headers["link"] = f'<{url}>; rel="next"'
        return _Reply(200, {name: _chosen(page, query)}, headers)

    def _subscriptions(self, query: Query) -> list[dict[str, Any]]:
        address = query.get("address")
        return [
            {"id": one.id, "topic": one.topic, "address": one.address, "format": "json"}
            for one in self.hooks.subscriptions.values()
            if address in {None, one.address}
        ]

    def _subscribe(self, wanted: dict[str, Any]) -> _Reply:
        made = self.hooks.subscribe(wanted["topic"], wanted["address"])
        if made is None:
            taken = {"errors": {"address": ["for this topic has already been taken"]}}
            return _Reply(UNPROCESSABLE, taken)
        return _Reply(CREATED, {"webhook": {**wanted, "id": made.id}})


def _not_found() -> _Reply:
    return _Reply(404, {"errors": "Not Found"})


def _place(thing: dict[str, Any]) -> str:
    return str(thing.get("updated_at", ""))


def _chosen(items: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """Return objects with the fields that were asked for."""
    if "fields" not in query:
        return items
    names = query["fields"].split(",")
    return [{name: one[name] for name in names if name in one} for one in items]


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        event = await receive()
        parts.append(event.get("body", b""))
        if not event.get("more_body"):
            return b"".join(parts)

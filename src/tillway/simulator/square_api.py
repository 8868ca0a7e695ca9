"""A fake of Square's API over a fake account: the calls a poller makes, with throttling and faults.

Written from Square's public API description. It answers as an ASGI application, or in the same
process through `answer`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from random import Random
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tillway.simulator.square_account import Json, SquareAccount

MOST_ORDERS = 100
MOST_LISTED = 100
OK, BAD_REQUEST, UNAUTHORIZED, NOT_FOUND, TOO_MANY, UNAVAILABLE = 200, 400, 401, 404, 429, 503
_KINDS = {"payments": "payment", "refunds": "refund", "payouts": "payout"}
_encode = msgspec.json.encode
_Message = MutableMapping[str, Any]


class ApiReply(msgspec.Struct, frozen=True):
    """One answer of the fake."""

    status: int
    body: Json
    headers: dict[str, str]


class ApiFaults(msgspec.Struct):
    """Shares of calls that are answered 429 and 503. retry_after: what 429 says, "" for nothing."""

    throttled: float = 0.0
    failing: float = 0.0
    retry_after: str = "0"


class SquareApiFake:
    """Square's API for one account and one token. calls counts what was asked for, by path."""

    def __init__(
        self, account: SquareAccount, token: str, rng: Random, faults: ApiFaults | None = None
    ) -> None:
        self._account = account
        self._token = token
        self._rng = rng
        self.faults = faults or ApiFaults()
        self.calls: dict[str, int] = {}
        self.refused: dict[int, int] = {}

    def answer(self, method: str, target: str, authorization: str, body: bytes = b"") -> ApiReply:
        """Answer one call. target: path and query."""
        parts = urlsplit(target)
        self.calls[parts.path] = self.calls.get(parts.path, 0) + 1
        refusal = self._refusal(authorization)
        if refusal is not None:
            self.refused[refusal.status] = self.refused.get(refusal.status, 0) + 1
            return refusal
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        steps = [unquote(step) for step in parts.path.removeprefix("/v2/").split("/")]
        if method == "POST":
            return self._posted(steps, msgspec.json.decode(body) if body else {})
        return self._got(steps, query)

    async def __call__(
        self,
        scope: _Message,
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Answer over HTTP (ASGI)."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        reply = self.answer(scope["method"], target, headers.get("authorization", ""), body)
        told = {"content-type": "application/json", **reply.headers}
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(name.encode(), value.encode()) for name, value in told.items()],
            }
        )
        await send({"type": "http.response.body", "body": _encode(reply.body)})

    def _refusal(self, authorization: str) -> ApiReply | None:
        if authorization != f"Bearer {self._token}":
            return _error(UNAUTHORIZED, "UNAUTHORIZED", "This request could not be authorized.")
        chance = self._rng.random()
        if chance < self.faults.throttled:
            wait = self.faults.retry_after
            headers = {"retry-after": wait} if wait else {}
            return _error(TOO_MANY, "RATE_LIMITED", "Too many requests.", headers)
        if chance < self.faults.throttled + self.faults.failing:
            return _error(UNAVAILABLE, "SERVICE_UNAVAILABLE", "Try again later.")
        return None

    def _posted(self, steps: list[str], asked: Json) -> ApiReply:
        if steps == ["orders", "batch-retrieve"]:
            wanted = asked.get("order_ids", [])
            if len(wanted) > MOST_ORDERS:
                return _error(BAD_REQUEST, "VALUE_TOO_LONG", f"At most {MOST_ORDERS} order ids.")
            found = [self._account.get("order", order_id) for order_id in wanted]
            return _good({"orders": [order for order in found if order is not None]})
        if steps == ["orders", "search"]:
            return self._searched(asked)
        return _error(NOT_FOUND, "NOT_FOUND", "There is no such call.")

    def _searched(self, asked: Json) -> ApiReply:
        query = asked["query"]
        times = query["filter"]["date_time_filter"]["updated_at"]
        if query["sort"]["sort_field"] != "UPDATED_AT":
            return _error(BAD_REQUEST, "BAD_REQUEST", "sort_field must match the time filter.")
        found = [
            {
                "order_id": order["id"],
                "version": order["version"],
                "location_id": order["location_id"],
            }
            for order in self._account.all("order")
            if order["location_id"] in asked["location_ids"]
            and times["start_at"] <= order["updated_at"] <= times["end_at"]
        ]
        return _page("order_entries", found, asked.get("limit", 500), asked.get("cursor", ""))

    def _got(self, steps: list[str], query: dict[str, str]) -> ApiReply:
        if steps == ["locations"]:
            known = [{"id": at.id, "timezone": at.time_zone} for at in self._account.locations]
            return _good({"locations": known})
        if steps == ["webhooks", "subscriptions"]:
            return _good({"subscriptions": [self._account.subscription]})
        if steps[:2] == ["cash-drawers", "shifts"]:
            return self._shifts(steps[2:], query)
        kind = _KINDS.get(steps[0], "")
        if not kind:
            return _error(NOT_FOUND, "NOT_FOUND", "There is no such call.")
        if len(steps) == 1:
            return self._listed(steps[0], kind, query)
        if steps[2:] == ["payout-entries"]:
            entries = self._account.entries.get(steps[1], [])
            return _page("payout_entries", entries, _limit(query), query.get("cursor", ""))
        found = self._account.get(kind, steps[1])
        if found is None:
            return _error(NOT_FOUND, "NOT_FOUND", f"Could not find {kind} {steps[1]}.")
        return _good({kind: found})

    def _listed(self, name: str, kind: str, query: dict[str, str]) -> ApiReply:
        """List by the time of the change where the call asks so, else by the time it was made."""
        changed = "updated_at_begin_time" in query
        field = "updated_at" if changed else "created_at"
        begin = query.get("updated_at_begin_time" if changed else "begin_time", "")
        end = query.get("updated_at_end_time" if changed else "end_time", "9")
        location = query.get("location_id", "")
        if not location and kind != "refund":
            location = self._account.locations[0].id
        found = [
            one
            for one in self._account.all(kind)
            if begin <= one[field] <= end and location in {"", one["location_id"]}
        ]
        return _page(name, found, _limit(query), query.get("cursor", ""))

    def _shifts(self, steps: list[str], query: dict[str, str]) -> ApiReply:
        kind = "cash_drawer_shift"
        if steps:
            found = self._account.get(kind, steps[0])
            if found is None:
                return _error(NOT_FOUND, "NOT_FOUND", "There is no such shift.")
            return _good({kind: found})
        names = ("id", "state", "opened_at", "ended_at", "closed_at", "opened_cash_money",
                 "expected_cash_money", "closed_cash_money")  # fmt: skip
        listed = [
            {name: shift[name] for name in names}
            for shift in self._account.all(kind)
            if shift["location_id"] == query["location_id"]
            and query["begin_time"] <= shift["opened_at"] < query["end_time"]
        ]
        return _page("cash_drawer_shifts", listed, _limit(query), query.get("cursor", ""))


def _limit(query: dict[str, str]) -> int:
    return min(int(query.get("limit", MOST_LISTED)), MOST_LISTED)


def _page(name: str, found: list[Json], limit: int, cursor: str) -> ApiReply:
    """Return one page; the cursor says where the next one begins."""
    start = int(cursor or 0)
    page: Json = {name: found[start : start + limit]}
    if start + limit < len(found):
        page["cursor"] = str(start + limit)
    return _good(page)


def _good(body: Json) -> ApiReply:
    return ApiReply(OK, body, {})


def _error(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> ApiReply:
    return ApiReply(status, {"errors": [{"code": code, "detail": detail}]}, headers or {})

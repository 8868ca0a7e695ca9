"""The fake of Square itself: it must fail the way Square does, or the flow proves nothing."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from random import Random
from typing import Any

from tillway.clock import ManualClock
from tillway.simulator.square_account import LOCATIONS, SquareAccount
from tillway.simulator.square_api import ApiFaults, SquareApiFake
from tillway.simulator.square_hooks import (
    DISABLED_AFTER_SECONDS,
    RETRY_MINUTES,
    SIGNATURE_HEADER,
    HookFaults,
    SquareHooks,
)
from tillway.simulator.square_till import SquareTill
from vendors.square_seller import KEY, TOKEN, URL, Ticks

SHOP = LOCATIONS[0]
DAY_MINUTES = 24 * 60


class LeapingClock(ManualClock):
    """A clock that jumps over every sleep."""

    async def sleep(self, seconds: float) -> None:
        """Let the time be over at once."""
        await self.advance(seconds)


class Sold:
    """A fake with one sale in it, and a door that answers what it is told. got holds the bodies."""

    def __init__(self, faults: HookFaults | None = None, *statuses: int) -> None:
        self.account = SquareAccount(Random(1), Ticks())
        self.account.subscription = {"enabled": True, "notification_url": URL}
        self.till = SquareTill(self.account, Random(2))
        self.till.sell(SHOP)
        self.api = SquareApiFake(self.account, TOKEN, Random(3))
        self.clock = LeapingClock()
        self.hooks = SquareHooks(self.account, KEY, self._post, self.clock, Random(4), faults)
        self.statuses = list(statuses)
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    async def _post(self, body: bytes, headers: dict[str, str]) -> int:
        self.got.append(json.loads(body))
        self.headers.append(headers)
        return self.statuses.pop(0) if self.statuses else 200

    def ask(self, target: str, body: Any = None) -> dict[str, Any]:
        """Ask the API; a body makes it a POST."""
        method = "GET" if body is None else "POST"
        reply = self.api.answer(method, target, f"Bearer {TOKEN}", json.dumps(body or {}).encode())
        return {"status": reply.status, **reply.body}


async def test_a_sale_is_an_order_in_versions_and_a_payment_in_steps() -> None:
    """Orders are notified thin, payments whole, and every notification has its own id."""
    sold = Sold()
    await sold.hooks.send_due(senders=1)
    types = [event["type"] for event in sold.got]
    assert types[:4] == ["order.created", "payment.created", "order.updated", "payment.updated"]
    assert sold.got[0]["data"]["object"]["order_created"]["version"] == 1
    assert sold.got[1]["data"]["object"]["payment"]["status"] == "APPROVED"
    assert len({event["event_id"] for event in sold.got}) == len(sold.got)


async def test_signatures_are_made_over_the_address_and_the_body() -> None:
    """The signature is made here once more, by hand."""
    sold = Sold()
    body = b'{"a":1}'
    digest = hmac.new(KEY.encode(), URL.encode() + body, hashlib.sha256).digest()
    assert sold.hooks.signature(body) == b64encode(digest).decode()
    await sold.hooks.send_due()
    assert all(SIGNATURE_HEADER in headers for headers in sold.headers)


async def test_a_failed_notification_is_tried_for_a_day_by_the_schedule() -> None:
    """After 1, 2, 4 ... 32 minutes and then every hour, about a day; then it is discarded."""
    assert RETRY_MINUTES[:6] == (1, 2, 4, 8, 16, 32)
    assert DAY_MINUTES <= sum(RETRY_MINUTES) + 60 <= DAY_MINUTES + 63
    sold = Sold(None, *[500] * (len(RETRY_MINUTES) + 1))
    del sold.account.events[1:]
    await sold.hooks.send_due()
    assert sold.hooks.sent.discarded == ["order.created"]
    assert sold.clock.monotonic() == sum(RETRY_MINUTES) * 60
    again = Sold(None, 500, 0, 302)
    del again.account.events[1:]
    await again.hooks.send_due()
    assert (again.hooks.sent.attempts, again.hooks.sent.taken) == (4, 1)


async def test_three_weeks_of_failure_disable_the_subscription() -> None:
    """From then on nothing is sent, until somebody enables it again."""
    sold = Sold(None, *[500] * 10_000)
    while sold.account.subscription["enabled"]:
        assert sold.clock.monotonic() < DISABLED_AFTER_SECONDS + 2 * 86_400
        sold.till.sell(SHOP)
        await sold.hooks.send_due(senders=1)
    attempts = sold.hooks.sent.attempts
    sold.till.sell(SHOP)
    await sold.hooks.send_due()
    assert sold.hooks.sent.attempts == attempts
    assert sold.clock.monotonic() >= DISABLED_AFTER_SECONDS


async def test_notifications_come_twice_late_or_never() -> None:
    """Each fault happens, and a lost answer makes Square send again what the door has."""
    for faults in (HookFaults(doubled=1.0), HookFaults(unanswered=0.5, shuffled=8)):
        sold = Sold(faults)
        events = len(sold.account.events)
        await sold.hooks.send_due()
        assert len(sold.got) > events
        assert len({event["event_id"] for event in sold.got}) == events
    silent = Sold(HookFaults(dropped=1.0))
    await silent.hooks.send_due()
    assert (silent.got, bool(silent.hooks.sent.dropped)) == ([], True)


async def test_searches_come_in_pages_with_a_cursor() -> None:
    """A page holds no more than the limit, and the cursor leads to the next."""
    sold = Sold()
    for _ in range(9):
        sold.till.sell(SHOP)
    changed = {"updated_at": {"start_at": "2026", "end_at": "2027"}}
    asked = {
        "location_ids": [SHOP.id],
        "query": {
            "filter": {"date_time_filter": changed},
            "sort": {"sort_field": "UPDATED_AT"},
        },
        "limit": 4,
    }
    found, cursor = [], ""
    while True:
        page = sold.ask("/v2/orders/search", {**asked, "cursor": cursor})
        assert len(page["order_entries"]) <= 4
        found += [entry["order_id"] for entry in page["order_entries"]]
        cursor = page.get("cursor", "")
        if not cursor:
            break
    assert sorted(found) == sorted(order["id"] for order in sold.account.all("order"))


def test_payments_are_listed_for_the_main_location_unless_another_is_named() -> None:
    """As at Square: without location_id only the first shop's payments and payouts are seen."""
    sold = Sold()
    sold.till.sell(LOCATIONS[1])
    here = {one["location_id"] for one in sold.ask("/v2/payments?begin_time=2026")["payments"]}
    there = sold.ask(f"/v2/payments?location_id={LOCATIONS[1].id}")["payments"]
    assert here == {SHOP.id}
    assert {one["location_id"] for one in there} == {LOCATIONS[1].id}


def test_the_api_refuses_what_square_refuses() -> None:
    """A wrong token, too many ids, unknown objects and unknown calls have Square's answers."""
    sold = Sold()
    assert sold.api.answer("GET", "/v2/locations", "Bearer wrong").status == 401
    ids = {"order_ids": [str(n) for n in range(101)]}
    assert sold.ask("/v2/orders/batch-retrieve", ids)["status"] == 400
    assert sold.ask("/v2/orders/batch-retrieve", {"order_ids": ["gone"]})["orders"] == []
    for gone in ("/v2/payments/gone", "/v2/nothing", "/v2/cash-drawers/shifts/gone"):
        assert sold.ask(gone)["status"] == 404
    sold.api.faults = ApiFaults(throttled=1.0, retry_after="7")
    reply = sold.api.answer("GET", "/v2/locations", f"Bearer {TOKEN}")
    assert (reply.status, reply.headers) == (429, {"retry-after": "7"})
    sold.api.faults = ApiFaults(failing=1.0)
    assert sold.ask("/v2/locations")["status"] == 503


def test_a_change_may_stay_out_of_sight_for_some_reads() -> None:
    """The API shows the version before, or nothing at all, until it has caught up."""
    account = SquareAccount(Random(1), Ticks(), hidden_share=1.0, hidden_reads=1)
    account.subscription = {"enabled": True, "notification_url": URL}
    account.put("order", {"id": "O", "location_id": SHOP.id, "state": "OPEN"})
    assert account.get("order", "O") is None
    shown = account.get("order", "O")
    assert shown is not None
    account.put("order", {**shown, "state": "COMPLETED"})
    versions = [(account.get("order", "O") or {})["version"] for _ in range(2)]
    assert versions == [1, 2]

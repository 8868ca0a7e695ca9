"""What a Shopify source watches and fetches beside orders: subscriptions, payouts, tenders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tillway.connectors.shopify.settings import TOPICS
from tillway.errors import TillwayError
from tillway.simulator.shopify_hooks import RETRY_SECONDS
from tillway.testing.sources import running, turns, until
from vendors.shopify_fake import ADDRESS, FakeShopify, records, sell, taken


async def test_missing_subscriptions_are_made(tmp_path: Path) -> None:
    """The first look makes all of them, for the registered address; a second makes none."""
    fake = FakeShopify(tmp_path, health_seconds=5)
    async with running(fake.source, fake.intake):
        await until(fake.clock, lambda: len(fake.hooks.subscriptions) == len(TOPICS))
        await turns(fake.clock, 20)
    made = {(one.topic, one.address) for one in fake.hooks.subscriptions.values()}
    assert made == {(topic, ADDRESS) for topic in TOPICS}


async def test_a_door_closed_for_four_hours_loses_its_subscriptions_and_no_order(
    tmp_path: Path,
) -> None:
    """They are deleted after 8 retries; the search finds the orders; they are made again."""
    fake = FakeShopify(tmp_path, health_seconds=40_000)
    async with running(fake.source, fake.intake):
        await until(fake.clock, lambda: len(fake.hooks.subscriptions) == len(TOPICS))
        fake.door_open = False
        sell(fake, 2)
        for seconds in (0, *RETRY_SECONDS):
            await fake.clock.advance(seconds)
            await fake.hooks.deliver()
        assert fake.hooks.counts["deleted"] > 0
        assert len(fake.hooks.subscriptions) < len(TOPICS)
        await until(fake.clock, taken(fake, 2))
        await fake.clock.advance(40_000)
        await until(fake.clock, lambda: len(fake.hooks.subscriptions) == len(TOPICS))


async def test_a_door_open_again_in_time_keeps_its_subscriptions(tmp_path: Path) -> None:
    """Positive control: seven failed retries and a good one delete nothing."""
    fake = FakeShopify(tmp_path, health_seconds=40_000)
    async with running(fake.source, fake.intake):
        await until(fake.clock, lambda: len(fake.hooks.subscriptions) == len(TOPICS))
        fake.door_open = False
        sell(fake, 1)
        for seconds in (0, *RETRY_SECONDS[:-1]):
            await fake.clock.advance(seconds)
            await fake.hooks.deliver()
        fake.door_open = True
        await fake.clock.advance(RETRY_SECONDS[-1])
        await fake.hooks.deliver()
    assert fake.hooks.counts["deleted"] == 0
    assert fake.hooks.waiting == 0


async def test_who_only_warns_is_told_by_ping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With `warn` nothing is made: log and ping name the topics, the log once."""
    fake = FakeShopify(tmp_path, subscriptions="warn", health_seconds=5)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 40)
    assert fake.hooks.subscriptions == {}
    assert caplog.text.count("TW-2361") == 1
    with pytest.raises(TillwayError, match="orders/create") as missing:
        await fake.source.ping()
    assert missing.value.code == "TW-2361"
    for topic in TOPICS:
        fake.hooks.subscribe(topic, ADDRESS)
    await fake.source.ping()


async def test_payouts_come_with_their_entries(tmp_path: Path) -> None:
    """A paid payout is taken with every balance transaction; one under way keeps the cursor."""
    fake = FakeShopify(tmp_path, payout_seconds=20, start="2023-11-01T00:00:00Z")
    sell(fake, 5)
    payout = fake.shop.pay_out("2023-11-10")
    fake.shop.payouts.append({**payout, "id": 1, "status": "in_transit", "date": "2023-11-12"})
    async with running(fake.source, fake.intake):
        await until(fake.clock, lambda: "payouts_cursor" in fake.state.values)
        found = [one for one in records(fake) if one["kind"] == "payout"]
        assert [one["item_id"] for one in found] == [str(payout["id"])]
        assert found[0]["revision"] == 3
        assert len(found[0]["entries"]) == len(fake.shop.balance) > 0
        assert fake.state.values["payouts_cursor"] == "2023-11-10"
        fake.shop.payouts[-1]["status"] = "failed"
        await turns(fake.clock, 60)
    found = [one for one in records(fake) if one["item_id"] == "1"]
    assert [(one["revision"], one["entries"]) for one in found[:1]] == [(4, [])]
    assert fake.state.values["payouts_cursor"] == "2023-11-12"


async def test_a_shop_without_payments_has_no_payouts(tmp_path: Path) -> None:
    """Shopify answers 404 where Shopify Payments is not in use; nothing else suffers."""
    fake = FakeShopify(tmp_path, poll_seconds=3)
    usual = fake.api._route

    def route(scope: Any, body: bytes) -> Any:
        if "shopify_payments" in scope["path"]:
            scope = {**scope, "path": "/nowhere"}
        return usual(scope, body)

    fake.api._route = route  # type: ignore[method-assign]
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        sell(fake, 1)
        await until(fake.clock, taken(fake, 1))


async def test_tender_transactions_are_taken_where_they_are_asked_for(tmp_path: Path) -> None:
    """They are off as a rule: they are the same money as the transactions."""
    fake = FakeShopify(tmp_path, tender_transactions=True, payout_seconds=5)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 1)
        sell(fake, 20)
        await turns(fake.clock, 20)
    tenders = {one["item_id"] for one in records(fake) if one["kind"] == "tender"}
    captured = [
        one
        for transactions in fake.shop.transactions.values()
        for one in transactions
        if one["kind"] in {"sale", "capture", "refund"}
    ]
    assert tenders == {str(one["id"]) for one in captured}

"""The Shopify door runs the suite of push sources; as poller it keeps what that suite asks for too.

It hands a hint to the hub and never the body, so three promises of the suite read differently here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.connect import Answer, Hint, PushSource, Request
from tillway.connectors.shopify import REGISTRATION
from tillway.errors import JournalFault, Refused
from tillway.testing.sources import FakeIntake, PushSourceSuite, running, turns, until
from vendors.shopify_fake import FakeShopify, settings_values
from vendors.shopify_project import OLD_SECRET, SECRET, SHOP, TOKEN

ORDER = b'{"id": 5600000000017}'


class TestShopifyDoor(PushSourceSuite):
    """A door for the webhooks of one shop, with two live secrets."""

    registration = REGISTRATION
    secrets = (SECRET, OLD_SECRET, TOKEN)

    @pytest.fixture(autouse=True)
    def fake(self, tmp_path: Path) -> FakeShopify:
        """Give the shop the source stands in front of."""
        self.shop = FakeShopify(tmp_path)
        return self.shop

    @pytest.fixture
    def source(self, fake: FakeShopify) -> PushSource:
        """Return the source in front of the fake shop."""
        return fake.source

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the fake shop."""
        return settings_values()

    def good_request(self, body: bytes) -> Request:
        """Signed over the raw body, for this shop."""
        headers = {
            "x-shopify-topic": "orders/updated",
            "x-shopify-shop-domain": SHOP,
            "x-shopify-hmac-sha256": self.shop.hooks.sign(body),
        }
        return Request("POST", "/in/shopify", headers, body)

    def without_proof(self, body: bytes) -> Request:
        """The signature of other bytes."""
        signed = self.good_request(body + b" ")
        return Request("POST", "/in/shopify", signed.headers, body)

    async def answer(self, source: PushSource, intake: FakeIntake, body: bytes) -> Answer:
        """Send a good request about an order, whatever the suite would send."""
        del body
        return await source.receive(self.good_request(ORDER), intake)

    async def test_bytes_are_handed_over_unchanged(self, source: PushSource) -> None:
        """Nothing of the body is handed over: a durable hint names the order."""
        intake = FakeIntake()
        assert (await self.answer(source, intake, ORDER)).status == 200
        assert intake.bodies == []
        assert [one.object_id for one in self.shop.hints.stored] == ["5600000000017"]

    async def test_a_stored_message_gets_a_receipt(self, source: PushSource) -> None:
        """The receipt holds outcome, event and durability."""
        receipt = msgspec.json.decode((await self.answer(source, FakeIntake(), ORDER)).body)
        assert receipt["outcome"] == "accepted"
        assert receipt["event_id"] == self.shop.hints.stored[0].event_id
        assert receipt["durability"] in {"fsync", "quorum-fsync", "memory"}

    async def test_a_closed_hub_sends_the_sender_away_with_a_time(self, source: PushSource) -> None:
        """A refusal of the hints keeps its status and says when to come back."""

        async def closed(_hint: Hint) -> bool:
            raise Refused("TW-2020", "stopping", status=503, retry_after_seconds=9)

        self.shop.hints.put = closed  # type: ignore[method-assign, assignment]
        answer = await self.answer(source, FakeIntake(), ORDER)
        assert (answer.status, answer.headers["retry-after"]) == (503, "9")


class TestShopifyPoller:
    """What the suite of fetching sources asks of a folder, asked of a shop."""

    @pytest.fixture
    def fake(self, tmp_path: Path) -> FakeShopify:
        """Give a shop with three orders nobody was told of."""
        fake = FakeShopify(tmp_path, poll_seconds=3, webhook_url="", start="2023-01-01T00:00:00Z")
        while len(fake.shop.orders) < 3:
            fake.shop.step(3)
        return fake

    async def test_an_input_is_handed_over_once(self, fake: FakeShopify) -> None:
        """Every record is handed over, and none of them twice in one run."""
        async with running(fake.source, fake.intake):
            await until(fake.clock, lambda: fake.intake.counts["accepted"] >= 3)
            await turns(fake.clock, 30)
        assert fake.intake.counts["duplicate"] == 0

    async def test_an_interrupted_search_begins_again(self, fake: FakeShopify) -> None:
        """What was stored before the end gives duplicates, the rest is accepted."""
        async with running(fake.source, fake.intake):
            await until(fake.clock, lambda: fake.intake.counts["accepted"] >= 3)
            await turns(fake.clock, 10)
        before = fake.intake.counts["accepted"]
        async with running(fake.new_source(), fake.intake):
            await until(fake.clock, lambda: fake.intake.counts["duplicate"] >= before)
        assert fake.intake.counts["accepted"] == before

    async def test_stop_ends_the_run(self, fake: FakeShopify) -> None:
        """A source that waits returns as soon as it is told to stop."""
        stop = asyncio.Event()
        run = asyncio.create_task(fake.source.run(fake.intake, stop))
        await turns(fake.clock, 2)
        stop.set()
        await run
        assert run.done()

    async def test_a_journal_that_failed_ends_the_run(self, fake: FakeShopify) -> None:
        """Nothing is fetched any more for a journal that takes nothing."""
        fake.intake.refusal = JournalFault("TW-5001", "the disk is gone")
        run = asyncio.create_task(fake.source.run(fake.intake, asyncio.Event()))
        await until(fake.clock, run.done)
        assert isinstance(run.exception(), JournalFault)

    async def test_ping_is_silent_when_it_can_work(self, fake: FakeShopify) -> None:
        """Ping raises nothing while the API answers."""
        await fake.source.ping()

"""The door of a Shopify shop: who is let in, what is kept of a webhook, what is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tillway.connect.kit import Answer, Hint, Request
from tillway.errors import Refused
from vendors.shopify_fake import FakeShopify
from vendors.shopify_project import OLD_SECRET, SHOP

ORDER = json.dumps({"id": 5_600_000_000_017, "email": "bob.norman@example.com"}).encode()


@pytest.fixture
def fake(tmp_path: Path) -> FakeShopify:
    """Give a shop and a source in front of it."""
    return FakeShopify(tmp_path)


async def post(fake: FakeShopify, body: bytes = ORDER, **changed: str | None) -> Answer:
    """Send a signed webhook; changed replaces headers (`_` for `-`), None leaves one out."""
    headers = {
        "x-shopify-topic": "orders/updated",
        "x-shopify-shop-domain": SHOP,
        "x-shopify-hmac-sha256": fake.hooks.sign(body),
        "x-shopify-webhook-id": "delivery-1",
        "x-shopify-event-id": "event-1",
        "x-shopify-triggered-at": "2026-11-20T10:00:00.123456789Z",
    }
    headers |= {
        name.replace("_", "-"): value for name, value in changed.items() if value is not None
    }
    for name, value in changed.items():
        if value is None:
            del headers[name.replace("_", "-")]
    return await fake.source.receive(Request("POST", "/in/shopify", headers, body), fake.intake)


async def test_an_order_becomes_a_hint_and_nothing_else_is_kept(fake: FakeShopify) -> None:
    """The hint names the order, and no word of the body goes further."""
    answer = await post(fake)
    assert answer.status == 200
    assert fake.hints.stored == [
        Hint(
            event_id="orders/updated:event-1",
            object_type="Order",
            object_id="5600000000017",
            occurred_at="2026-11-20T10:00:00.123456+00:00",
        )
    ]
    assert fake.intake.submissions == []


async def test_a_repeated_webhook_is_answered_and_not_kept_twice(fake: FakeShopify) -> None:
    """The same event in another delivery is a duplicate; another topic of it is not."""
    first = await post(fake)
    again = await post(fake, x_shopify_webhook_id="delivery-2")
    other = await post(fake, x_shopify_topic="orders/create")
    outcomes = [json.loads(one.body)["outcome"] for one in (first, again, other)]
    assert outcomes == ["accepted", "duplicate", "accepted"]
    assert [one.status for one in (first, again, other)] == [200, 200, 200]


async def test_an_event_without_its_id_is_known_by_its_body(fake: FakeShopify) -> None:
    """Without ids the same bytes are a duplicate, other bytes are not."""
    gone = {"x_shopify_event_id": None, "x_shopify_webhook_id": None}
    bodies = (ORDER, ORDER, ORDER + b" ")
    outcomes = [json.loads((await post(fake, body, **gone)).body)["outcome"] for body in bodies]
    assert outcomes == ["accepted", "duplicate", "accepted"]


async def test_both_live_secrets_are_taken(fake: FakeShopify) -> None:
    """While a secret is rotated, a webhook signed with the old one is still taken."""
    fake.hooks.secret = OLD_SECRET
    assert (await post(fake)).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"x_shopify_hmac_sha256": None},
        {"x_shopify_hmac_sha256": ""},
        {"x_shopify_hmac_sha256": "AAAA"},
        {"x_shopify_shop_domain": "other.myshopify.com"},
        {"x_shopify_shop_domain": None},
    ],
)
async def test_who_is_not_this_shop_learns_nothing(
    fake: FakeShopify, changed: dict[str, Any]
) -> None:
    """A wrong or missing signature and the domain of another shop get one and the same answer."""
    answer = await post(fake, **changed)
    assert (answer.status, answer.body) == (401, (await post(fake, b"x", **changed)).body)
    assert "where" not in json.loads(answer.body)
    assert fake.hints.stored == []


async def test_one_changed_byte_is_refused(fake: FakeShopify) -> None:
    """The signature is over the raw bytes: a blank more is another body."""
    answer = await post(fake, ORDER + b" ", x_shopify_hmac_sha256=fake.hooks.sign(ORDER))
    assert answer.status == 401
    assert fake.hints.stored == []


@pytest.mark.parametrize(
    ("topic", "body", "number"),
    [
        ("orders/create", {"id": 1}, "1"),
        ("orders/delete", {"id": 2}, "2"),
        ("refunds/create", {"id": 9, "order_id": 3}, "3"),
        ("order_transactions/create", {"id": 9, "order_id": 4}, "4"),
        ("orders/edited", {"order_edit": {"id": 9, "order_id": 5}}, "5"),
    ],
)
async def test_whatever_changes_an_order_names_the_order(
    fake: FakeShopify, topic: str, body: dict[str, Any], number: str
) -> None:
    """Refunds, transactions and edits are about their order, which is fetched whole."""
    await post(fake, json.dumps(body).encode(), x_shopify_topic=topic)
    assert [(one.object_type, one.object_id) for one in fake.hints.stored] == [("Order", number)]


async def test_an_unknown_topic_is_kept_by_its_name(fake: FakeShopify) -> None:
    """It gets 200, is kept as a hint nobody follows, and its content is not kept."""
    answer = await post(fake, b'{"id": 7, "email": "a@b.c"}', x_shopify_topic="customers/update")
    assert answer.status == 200
    assert [(one.object_type, one.object_id) for one in fake.hints.stored] == [
        ("Other", "customers/update")
    ]


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (b"{}", {}),
        (b'{"id": null}', {}),
        (b'{"id": {"a": 1}}', {}),
        (b'{"id": "1,2"}', {}),
        (b'{"id": -1}', {}),
        (b'{"id": "' + b"1" * 21 + b'"}', {}),
        (b"[1]", {}),
        (b"no json", {}),
        (b'{"a":' * 5000, {}),
        (ORDER, {"x_shopify_topic": None}),
    ],
)
async def test_a_signed_webhook_without_use_is_refused(
    fake: FakeShopify, body: bytes, changed: dict[str, Any]
) -> None:
    """A body that names nothing gets 400 with a code, and nothing is kept."""
    answer = await post(fake, body, **changed)
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "TW-2364")
    assert fake.hints.stored == []


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-20T10:00:00", ""])
async def test_a_time_that_is_none_is_left_out(fake: FakeShopify, moment: str) -> None:
    """The time of a webhook is not signed and only tells people something."""
    await post(fake, x_shopify_triggered_at=moment)
    assert fake.hints.stored[0].occurred_at == ""


async def test_a_closed_hub_sends_shopify_away_with_a_time(
    fake: FakeShopify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the hub takes nothing now the webhook is not stored, and Shopify sends it again."""

    async def closed(_hint: Hint) -> bool:
        raise Refused("TW-2020", "stopping", status=503, retry_after_seconds=9)

    monkeypatch.setattr(fake.hints, "put", closed)
    answer = await post(fake)
    assert (answer.status, answer.headers["retry-after"]) == (503, "9")

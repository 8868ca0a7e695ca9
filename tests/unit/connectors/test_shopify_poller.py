"""The poller of a Shopify shop: what it fetches, when, and what it does when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tillway.connect.kit import Hint
from tillway.errors import ConfigurationError, Refused, TillwayError
from tillway.simulator.shopify_api import ApiLimits
from tillway.testing.sources import running, turns, until
from vendors.shopify_fake import FakeShopify, records, sell, shopify_settings, taken, versions
from vendors.shopify_project import TOKEN


async def test_a_hint_is_followed_once_its_second_is_over(tmp_path: Path) -> None:
    """An order is fetched by its hint, only when its last change is two seconds old."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        sell(fake, 1)
        await fake.hooks.deliver()
        await turns(fake.clock, 2)
        assert versions(fake) == {}
        await until(fake.clock, taken(fake, 1))
    assert list(fake.shop.orders) == [int(name.partition("/")[2]) for name in versions(fake)]
    assert await fake.hints.waiting(10) == []


async def test_two_changes_of_one_second_are_one_version(tmp_path: Path) -> None:
    """Both have the same `updated_at`; only what stands when the second is over is taken."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        sell(fake, 1)
        (order,) = fake.shop.orders.values()
        await fake.hooks.deliver()
        await turns(fake.clock, 1)
        order["total_price"] = "1.00"
        fake.hooks.tell("orders/updated", order)
        await fake.hooks.deliver()
        await until(fake.clock, taken(fake, 1))
        await turns(fake.clock, 10)
    assert [one["order"]["total_price"] for one in records(fake) if one["kind"] == "order"] == [
        "1.00"
    ]


async def test_what_no_webhook_said_is_found(tmp_path: Path) -> None:
    """The search finds every order, over several pages, and the cursor follows."""
    fake = FakeShopify(tmp_path, poll_seconds=5, page_size=7, webhook_url="")
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        names = sell(fake, 30)
        await until(fake.clock, taken(fake, 30))
    assert set(versions(fake)) == set(names)
    assert int(fake.state.values["orders_cursor"]) >= int(fake.now()) - 60
    assert "orders_later" not in fake.state.values


async def test_a_version_is_handed_over_once_and_a_new_one_again(tmp_path: Path) -> None:
    """Search and hints meet the same order again and again; only a change is handed over."""
    fake = FakeShopify(tmp_path, poll_seconds=2)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        (name,) = sell(fake, 1)
        await fake.hooks.deliver()
        await until(fake.clock, taken(fake, 1))
        await turns(fake.clock, 40)
        assert len(versions(fake)[name]) == 1
        (order,) = fake.shop.orders.values()
        order["updated_at"] = fake.shop._time()
        fake.hooks.tell("orders/updated", order)
        await fake.hooks.deliver()
        await until(fake.clock, lambda: len(versions(fake)[name]) == 2)
    assert versions(fake)[name] == sorted(versions(fake)[name])


async def test_nothing_is_forgotten_by_a_restart(tmp_path: Path) -> None:
    """An order that was waiting for its second to end is taken by the next source."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        sell(fake, 1)
        await fake.hooks.deliver()
        await turns(fake.clock, 2)
    assert versions(fake) == {}
    assert await fake.hints.waiting(10) == []
    async with running(fake.new_source(), fake.intake):
        await until(fake.clock, taken(fake, 1))


async def test_what_the_hub_refuses_is_fetched_again(tmp_path: Path) -> None:
    """While the hub takes nothing, neither hint nor cursor moves."""
    fake = FakeShopify(tmp_path, poll_seconds=3)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        sell(fake, 3)
        cursor = fake.state.values["orders_cursor"]
        await fake.hooks.deliver()
        fake.intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=2)
        await turns(fake.clock, 30)
        assert fake.state.values["orders_cursor"] == cursor
        fake.intake.refusal = None
        await until(fake.clock, taken(fake, 3))


async def test_an_order_that_is_gone_ends_in_sight_and_holds_nobody(tmp_path: Path) -> None:
    """After a minute of looking a record says that it is lost; the others came at once."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        names = sell(fake, 3)
        fake.api.hidden.add(int(names[1].partition("/")[2]))
        await fake.hooks.deliver()
        await until(fake.clock, taken(fake, 2))
        assert [one for one in records(fake) if one["kind"] == "lost"] == []
        await turns(fake.clock, 140)
    lost = [one for one in records(fake) if one["kind"] == "lost"]
    assert [one["item_id"] for one in lost] == [names[1]]
    assert "orders_later" not in fake.state.values


async def test_an_order_that_comes_late_is_not_lost(tmp_path: Path) -> None:
    """Positive control of the one before: what turns up within the minute is taken."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        (name,) = sell(fake, 1)
        fake.api.hidden.add(int(name.partition("/")[2]))
        await fake.hooks.deliver()
        await turns(fake.clock, 40)
        fake.api.hidden.clear()
        await until(fake.clock, taken(fake, 1))
        await turns(fake.clock, 140)
    assert [one for one in records(fake) if one["kind"] == "lost"] == []


async def test_what_the_hub_cannot_read_is_named(tmp_path: Path) -> None:
    """A record the hub refuses for good leaves a record that says which order it was."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        names = sell(fake, 2)
        await fake.hooks.deliver()
        bad, usual = names[0].encode(), fake.intake._item

        def item(content: bytes, number: int, offset: int) -> Any:
            if bad in content and b'"kind":"order"' in content:
                fake.intake.outcomes[content] = "refused"
            return usual(content, number, offset)

        fake.intake._item = item  # type: ignore[method-assign]
        await until(fake.clock, taken(fake, 2))
        await turns(fake.clock, 4)
    lost = [one["item_id"] for one in records(fake) if one["kind"] == "lost"]
    assert lost == [names[0]]


@pytest.mark.parametrize(
    "changes",
    [
        {"updated_at": "soon"},
        {"updated_at": None},
        {"refunds": [1]},
        {"refunds": [{"id": 1, "refund_line_items": [{"quantity": "x", "line_item": {}}]}]},
        {"line_items": "none"},
    ],
)
async def test_an_order_that_is_none_ends_in_sight_and_holds_nobody(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """What is not as documented is named as lost, once, and the order beside it is taken."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 4)
        names = sell(fake, 2)
        await fake.hooks.deliver()
        fake.shop.orders[int(names[0].partition("/")[2])].update(changes)
        await until(fake.clock, taken(fake, 1))
        await turns(fake.clock, 10)
    assert list(versions(fake)) == [names[1]]
    lost = [one["item_id"] for one in records(fake) if one["kind"] == "lost"]
    assert lost == [names[0]]


async def test_a_full_bucket_is_waited_for(tmp_path: Path) -> None:
    """Calls that are refused for their number are made again; in the end nothing is missing."""
    fake = FakeShopify(tmp_path, poll_seconds=3, limits=ApiLimits(bucket=5, leak_per_second=2))
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        sell(fake, 12)
        await fake.hooks.deliver()
        await until(fake.clock, taken(fake, 12))
    assert fake.api.counts[429] < fake.api.counts[200]


async def test_a_broken_api_is_asked_again(tmp_path: Path) -> None:
    """Answers 503 and calls without an answer are repeated with growing waits."""
    fake = FakeShopify(tmp_path, poll_seconds=3, limits=ApiLimits(1000, 1000, broken=0.4))
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        sell(fake, 10)
        await fake.hooks.deliver()
        await until(fake.clock, taken(fake, 10))
    assert fake.api.counts[503] > 0


async def test_a_token_that_does_not_stand_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is fetched, the log says why without the token, and it goes on when it stands."""
    fake = FakeShopify(tmp_path, poll_seconds=3)
    fake.api._token = "another"
    async with running(fake.source, fake.intake):
        sell(fake, 1)
        await turns(fake.clock, 30)
        assert records(fake) == []
        with pytest.raises(TillwayError) as refused:
            await fake.source.ping()
        assert refused.value.code == "TW-2360"
        fake.api._token = TOKEN
        await until(fake.clock, taken(fake, 1))
    assert "TW-2360" in caplog.text
    assert TOKEN not in caplog.text + repr(fake.source) + repr(vars(fake.source))


async def test_a_hint_of_another_kind_is_passed_over(tmp_path: Path) -> None:
    """A topic nobody follows is done without a call for it."""
    fake = FakeShopify(tmp_path, poll_seconds=9999)
    await fake.hints.put(Hint(event_id="1", object_type="Other", object_id="app/uninstalled"))
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 6)
    assert await fake.hints.waiting(10) == []
    assert [url for url in fake.client.calls if "ids=" in url] == []


async def test_a_link_that_leads_away_is_not_followed(tmp_path: Path) -> None:
    """The token goes to the shop alone, wherever an answer says the next page is."""
    fake = FakeShopify(tmp_path, poll_seconds=5, page_size=2, webhook_url="")
    usual = fake.api._list

    def listed(*arguments: Any) -> Any:
        reply = usual(*arguments)
        reply.headers["link"] = '<http://evil.test/admin/api/x?page_info=1>; rel="next"'
        return reply

    fake.api._list = listed  # type: ignore[method-assign, assignment]
    async with running(fake.source, fake.intake):
        sell(fake, 5)
        await turns(fake.clock, 20)
    assert [url for url in fake.client.calls if "evil" in url] == []


async def test_personal_data_is_not_handed_over(tmp_path: Path) -> None:
    """No name, mail address, phone or card number of a customer is handed to the hub."""
    fake = FakeShopify(tmp_path, poll_seconds=3)
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 2)
        sell(fake, 30)
        while fake.shop.step(30):
            pass
        await until(fake.clock, taken(fake, 30))
    seen = b"".join(fake.intake.bodies)
    for private in (b"Norman", b"norman", b"555-625", b"customer", b"changed his mind", b"4242"):
        assert private not in seen


async def test_stop_ends_every_wait(tmp_path: Path) -> None:
    """The run returns as soon as it is told to stop, in the middle of a back-off too."""
    fake = FakeShopify(tmp_path, limits=ApiLimits(broken=1.0))
    async with running(fake.source, fake.intake):
        await turns(fake.clock, 3)
    assert fake.api.counts[503] > 0


async def test_a_shop_that_lists_no_orders_at_all_loses_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A 404 for the whole list is told, and no order is called lost for it."""
    fake = FakeShopify(tmp_path, gone_seconds=0)
    usual = fake.api._route
    broken = {"yes": True}

    def route(scope: Any, body: bytes) -> Any:
        return usual({**scope, "path": "/nowhere"} if broken["yes"] else scope, body)

    fake.api._route = route  # type: ignore[method-assign]
    await fake.hints.put(Hint(event_id="1", object_type="Order", object_id="1"))
    async with running(fake.source, fake.intake):
        (name,) = sell(fake, 1)
        await fake.hints.put(Hint(event_id="2", object_type="Order", object_id=name[6:]))
        await turns(fake.clock, 40)
        assert records(fake) == []
        broken["yes"] = False
        await until(fake.clock, taken(fake, 1))
    assert [one["item_id"] for one in records(fake) if one["kind"] == "lost"] == ["Order/1"]
    assert "TW-2362" in caplog.text


@pytest.mark.parametrize("start", ["2026-01-01", "2026-01-01T00:00:00", "soon"])
def test_a_start_without_offset_is_refused(start: str) -> None:
    """A time without offset would be read by the clock of the machine."""
    with pytest.raises(ConfigurationError):
        shopify_settings(start=start)

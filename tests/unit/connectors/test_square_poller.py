"""The poller: fetches what webhooks spoke of, searches for what they left out, loses nothing."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import msgspec
import pytest

from tillway.connect.http_client import HttpReply
from tillway.connect.kit import Hint
from tillway.errors import Refused, TillwayError
from tillway.simulator.square_account import LOCATIONS, Location
from tillway.simulator.square_hooks import HookFaults
from tillway.simulator.square_till import Shares, SquareTill
from tillway.testing.sources import running, turns, until
from vendors.square_seller import Seller

QUIET = {"backfill_seconds": 1e9, "health_seconds": 1e9}
"""Settings under which only hints are looked at after the first round."""
SHOP = LOCATIONS[0]


async def sold(seller: Seller, count: int = 1, location: Location = SHOP) -> None:
    """Sell and send the notifications of it."""
    for _ in range(count):
        seller.till.sell(location)
    await seller.hooks.send_due()


def everything_is_there(seller: Seller) -> bool:
    """Say whether the newest version of every order was handed over."""
    return seller.stored("order") == seller.orders()


async def test_the_newest_version_of_every_order_is_handed_over() -> None:
    """Orders of two shops arrive in the version they have, fetched a hundred at a time."""
    seller = Seller(dict(QUIET))
    await sold(seller, 60)
    await sold(seller, 60, LOCATIONS[1])
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    assert seller.http.calls.count("POST /v2/orders/batch-retrieve") < 10
    assert len(seller.orders()) >= 120


async def test_an_order_not_shown_yet_is_asked_for_again() -> None:
    """Where a notification overtakes the API, the version it reported is waited for."""
    seller = Seller(dict(QUIET), hidden_share=0.5)
    await sold(seller, 20)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    assert not [record for record in seller.records if record["kind"] == "missing"]


async def test_an_object_that_never_shows_ends_in_quarantine_and_holds_up_nobody() -> None:
    """After the last attempt a record with the reason is handed over; others passed long before."""
    seller = Seller(dict(QUIET))
    gone = Hint(event_id="e", object_type="order", object_id="GONE", revision=2, store=SHOP.id)
    await seller.hints.put(gone)
    await sold(seller, 3)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
        assert not [record for record in seller.records if record["kind"] == "missing"]
        assert seller.hints.done_up_to == 0
        await until(seller.clock, lambda: seller.hints.done_up_to == len(seller.hints.stored))
    [missing] = [record for record in seller.records if record["kind"] == "missing"]
    assert (missing["object_id"], missing["reason"]) == ("GONE", "Square does not have it")
    assert missing["location_id"] == SHOP.id


@pytest.mark.parametrize("kind", ["payment", "refund", "payout"])
async def test_other_objects_are_fetched_one_by_one(kind: str) -> None:
    """A hint about a payment, refund or payout is fetched; one that is gone is told."""
    seller = Seller(dict(QUIET, first_days=0.001))
    thing = {"id": "X1", "location_id": SHOP.id, "status": "PAID", "created_at": "2020-01-01"}
    seller.account.put(kind, thing)
    for number, object_id in enumerate(("X1", "X2")):
        await seller.hints.put(Hint(event_id=f"e{number}", object_type=kind, object_id=object_id))
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: seller.hints.done_up_to == 2)
    kinds = [record["kind"] for record in seller.records]
    assert sorted(kinds) == sorted([kind, "missing"])


async def test_one_id_that_square_refuses_does_not_cost_the_others_of_its_call() -> None:
    """The call is taken apart; only the wrong one goes to quarantine, with what Square says."""
    seller = Seller(dict(QUIET, first_days=1e-9))
    await seller.hints.put(Hint(event_id="e", object_type="order", object_id="!BAD!"))
    await sold(seller, 3)
    real = seller.http.request

    async def refuse(method: str, url: str, headers: Any, body: Any = None) -> HttpReply:
        if body and b"!BAD!" in body:
            return HttpReply(400, {}, b'{"errors":[{"code":"INVALID_VALUE","detail":"no id"}]}')
        return await real(method, url, headers, body)

    seller.http.request = refuse  # type: ignore[method-assign]
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
        await until(seller.clock, lambda: seller.hints.done_up_to == len(seller.hints.stored))
    [missing] = [record for record in seller.records if record["kind"] == "missing"]
    assert missing["reason"] == "Square answered 400: INVALID_VALUE no id"


async def test_an_order_without_a_version_is_fetched_at_every_notification() -> None:
    """Its time of change says nothing about the versions that notifications name."""
    seller = Seller(dict(QUIET, first_days=1e-9))
    order = {"id": "O", "location_id": SHOP.id, "updated_at": "2026-11-20T10:00:00Z"}
    real = seller.http.request

    async def unversioned(method: str, url: str, headers: Any, body: Any = None) -> HttpReply:
        if url.endswith("/orders/batch-retrieve"):
            return HttpReply(200, {}, msgspec.json.encode({"orders": [order]}))
        return await real(method, url, headers, body)

    seller.http.request = unversioned  # type: ignore[method-assign]
    async with running(seller.source, seller.intake):
        for version in (1, 2):
            order["updated_at"] = f"2026-11-20T10:00:0{version}Z"
            hint = Hint(
                event_id=f"e{version}", object_type="order", object_id="O", revision=version
            )
            await seller.hints.put(hint)
            await until(seller.clock, lambda: seller.hints.done_up_to == len(seller.hints.stored))
    assert [record["order"]["updated_at"][-3:] for record in seller.records] == ["01Z", "02Z"]


async def test_a_refund_is_a_tender_of_the_kind_it_was_paid_back_in() -> None:
    """The order of a return only names its refund; the refund says what was paid out."""
    seller = Seller(dict(QUIET))
    seller.till = SquareTill(seller.account, Random(3), Shares(returned=1.0, cash=0.5))
    await sold(seller, 10)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    returns = [one for one in seller.records if one.get("transaction_type") == "return"]
    assert {tender["type"] for one in returns for tender in one["tenders"]} == {"CASH", "CARD"}


async def test_a_refund_that_is_gone_leaves_its_tender_unnamed() -> None:
    """The order is handed over all the same; its tender says that it was a refund."""
    seller = Seller(dict(QUIET, first_days=1e-9))
    seller.account.put("order", {"id": "O", "location_id": SHOP.id, "state": "COMPLETED",
                                 "returns": [{}], "refunds": [{"id": "R0"}]})  # fmt: skip
    await seller.hooks.send_due()
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    assert [tender["type"] for tender in seller.records[0]["tenders"]] == ["REFUND"]


async def test_an_event_of_another_kind_is_passed_over() -> None:
    """A hint that nobody fetches is done at once."""
    seller = Seller(dict(QUIET))
    hint = Hint(event_id="e", object_type="loyalty.event.created", object_id="X")
    await seller.hints.put(hint)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: seller.hints.done_up_to == 1)
    assert seller.records == []


async def test_throttling_is_waited_out_for_as_long_as_square_says() -> None:
    """429 with Retry-After: no call before that time has passed, and nothing is lost."""
    seller = Seller(dict(QUIET, watch_subscription=False, first_days=1e-9))
    await sold(seller, 2)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
        await sold(seller, 1)
        seller.http.replies = [HttpReply(429, {"retry-after": "30"}, b"{}")]
        await until(seller.clock, lambda: not seller.http.replies)
        calls, asked_at = len(seller.http.calls), seller.clock.monotonic()
        await turns(seller.clock, 40)
        assert len(seller.http.calls) == calls
        await until(seller.clock, lambda: everything_is_there(seller))
        assert seller.clock.monotonic() - asked_at >= 30


@pytest.mark.parametrize(
    "reply",
    [HttpReply(500, {}, b"oops"), HttpReply(200, {}, b"<html>"), HttpReply(200, {}, b"[]"),
     HttpReply(401, {}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), HttpReply(400, {}, b"{}")],
    ids=["500", "html", "list", "401", "400"],
)  # fmt: skip
async def test_every_kind_of_trouble_is_waited_out(reply: HttpReply) -> None:
    """A fault of the server, an answer of somebody else, a refusal: tried again, nothing lost."""
    seller = Seller(dict(QUIET))
    await sold(seller, 2)
    seller.http.replies = [reply] * 4
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    assert seller.http.replies == []


async def test_while_the_hub_takes_nothing_the_hints_wait() -> None:
    """A closed intake loses no hint and moves no mark."""
    seller = Seller(dict(QUIET, first_days=0.5))
    await sold(seller, 2)
    seller.intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=1)
    async with running(seller.source, seller.intake):
        await turns(seller.clock, 10)
        assert seller.hints.done_up_to == 0
        assert f"payments {SHOP.id}" not in seller.state.values
        seller.intake.refusal = None
        await until(seller.clock, lambda: everything_is_there(seller))
        await until(seller.clock, lambda: f"payments {SHOP.id}" in seller.state.values)


async def test_a_search_finds_what_no_webhook_reported() -> None:
    """Orders, payments, refunds, payouts and drawers of both shops are found by cursor alone."""
    seller = Seller(dict(QUIET, search_page=7, list_page=5), HookFaults(dropped=1.0))
    for location in LOCATIONS:
        await sold(seller, 40, location)
        seller.till.pay_out(location)
        seller.till.close_drawer(location)
    await seller.hooks.send_due()
    assert seller.hints.stored == []
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller) and seller.stored("payout"))
        await until(seller.clock, lambda: "refunds" in seller.state.values)
    for kind in ("payment", "refund", "payout"):
        assert set(seller.stored(kind)) == {one["id"] for one in seller.account.all(kind)}, kind
    shifts = [record for record in seller.records if record["kind"] == "shift"]
    assert [shift["over_short"] for shift in shifts] == [-30, -30]
    payouts = [record for record in seller.records if record["kind"] == "payout"]
    assert all(sum(e["net"] for e in one["entries"]) == one["net"] for one in payouts)


async def test_an_order_without_a_version_is_fetched_each_time_it_is_found() -> None:
    """Orders of the till may have none: nobody knows whether they changed, so they are fetched."""
    seller = Seller(dict(QUIET, locations=[SHOP.id], first_days=0.5, backfill_seconds=60.0))
    entries = b'{"order_entries":[{"order_id":"O","location_id":"LX"},{"version":1}]}'
    real = seller.http.request

    async def found(method: str, url: str, headers: Any, body: Any = None) -> HttpReply:
        if url.endswith("/orders/search"):
            return HttpReply(200, {}, entries)
        return await real(method, url, headers, body)

    seller.http.request = found  # type: ignore[method-assign]
    seller.account.put("order", {"id": "O", "location_id": SHOP.id, "state": "OPEN"})
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: len(seller.hints.stored) >= 2)
        await until(seller.clock, lambda: seller.hints.done_up_to >= 2)
    assert {hint.object_id for hint in seller.hints.stored} == {"O"}
    assert seller.stored("order") == {"O": 1}


async def test_without_a_search_what_was_not_reported_stays_away() -> None:
    """The positive control: it is the search that finds what the webhooks left out."""
    seller = Seller(dict(QUIET, first_days=1e-9), HookFaults(dropped=1.0))
    await sold(seller, 5)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: "refunds" in seller.state.values)
        await turns(seller.clock, 20)
    assert seller.records == []
    assert not everything_is_there(seller)


async def test_a_later_search_goes_on_where_the_last_one_ended() -> None:
    """After a restart the mark holds: what was stored is not fetched again beyond the overlap."""
    seller = Seller(dict(QUIET, overlap_seconds=0, slow_days=0.0001), HookFaults(dropped=1.0))
    await sold(seller, 5)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
        await until(seller.clock, lambda: "refunds" in seller.state.values)
    handed = len(seller.records)
    seller.source = seller.make_source()
    async with running(seller.source, seller.intake):
        await turns(seller.clock, 10)
    assert len(seller.records) == handed
    assert len(seller.hints.stored) == len(seller.orders())


async def test_a_location_that_square_refuses_does_not_stop_the_others() -> None:
    """A wrong location id is told in the log, and the right ones are searched."""
    seller = Seller(dict(QUIET), HookFaults(dropped=1.0))
    await sold(seller, 3, LOCATIONS[1])
    real = seller.http.request

    async def refuse_the_first(method: str, url: str, headers: Any, body: Any = None) -> HttpReply:
        if SHOP.id in url or (body and SHOP.id.encode() in body):
            return HttpReply(400, {}, b'{"errors":[{"code":"BAD_REQUEST","detail":"no shop"}]}')
        return await real(method, url, headers, body)

    seller.http.request = refuse_the_first  # type: ignore[method-assign]
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
    assert f"orders {SHOP.id}" not in seller.state.values


async def test_a_record_the_intake_cannot_read_leaves_a_trace() -> None:
    """What the intake refuses is replaced by a small record with the reason, so nothing is lost."""
    seller = Seller(dict(QUIET, first_days=1e-9))
    payment = seller.account.put("payment", {"id": "P1", "location_id": SHOP.id})
    await seller.hints.put(Hint(event_id="e", object_type="payment", object_id="P1"))
    seller.intake.outcomes = Refusing(f'"id":"{payment["id"]}"'.encode())  # type: ignore[assignment]
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: seller.hints.done_up_to == 1)
    missing = seller.records[-1]
    assert (missing["kind"], missing["object_id"]) == ("missing", "P1")
    assert "could not read" in missing["reason"]


class Refusing(dict[bytes, str]):
    """Outcomes under which every line that holds a text is refused."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self._text = text

    def get(self, line: bytes, usual: Any = None) -> Any:
        """Return the outcome of one line."""
        return "refused" if self._text in line else usual


async def health(seller: Seller) -> str:
    """Return the code of what a ping finds wrong, "" when all is well."""
    try:
        await seller.source.ping()
    except TillwayError as trouble:
        return trouble.code
    return ""


async def test_a_ping_tells_what_is_wrong_with_token_and_webhooks() -> None:
    """A good subscription is silent; missing, disabled, and a wrong token each have their code."""
    seller = Seller()
    assert await health(seller) == ""
    seller.account.subscription["enabled"] = False
    assert await health(seller) == "TW-2355"
    seller.account.subscription["notification_url"] = "https://elsewhere.example.com"
    assert await health(seller) == "TW-2354"
    seller.http.replies = [HttpReply(401, {}, b"{}")]
    assert await health(seller) == "TW-2350"
    assert await health(Seller({"watch_subscription": False})) == ""


async def test_webhooks_that_fall_silent_are_told() -> None:
    """Searches that find changes for more than an hour after the last notification are a sign."""
    seller = Seller({"backfill_seconds": 300.0})
    await sold(seller, 1)
    async with running(seller.source, seller.intake):
        await until(seller.clock, lambda: everything_is_there(seller))
        await until(seller.clock, lambda: "refunds" in seller.state.values)
        await seller.clock.advance(5000)
        assert await health(seller) == ""
        seller.account.now = lambda: "2026-11-20T17:20:00.000Z"
        seller.till.sell(SHOP)
        await seller.clock.advance(600)
        await until(seller.clock, lambda: everything_is_there(seller))
    assert await health(seller) == "TW-2356"


async def test_stop_ends_the_run() -> None:
    """A source that waits returns as soon as it is told to stop."""
    seller, stop = Seller(), asyncio.Event()
    run = asyncio.create_task(seller.source.run(seller.intake, stop))
    await turns(seller.clock, 2)
    stop.set()
    await run
    assert run.done()

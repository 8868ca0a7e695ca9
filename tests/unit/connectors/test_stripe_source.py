"""The Stripe door and poller: who may speak, what is stored at once, what is fetched and found."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect import Request
from tillway.connect.http_client import HttpReply
from tillway.errors import NotConnected, Refused, Transient
from tillway.testing.sources import running, turns, until
from vendors.stripe_account import (
    KEY,
    NOW,
    OLD_SECRET,
    PERSON,
    SECRET,
    URL,
    Merchant,
    answer,
    charge,
    event_of,
    payout,
    refund,
)

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
VECTORS = SAMPLES / "pos" / "vectors" / "webhook_signature_vectors.json"
DAY = 86_400


async def test_the_documented_algorithm_is_let_in() -> None:
    """The vector computed from Stripe's documentation verifies at its own moment."""
    if not VECTORS.exists():
        pytest.skip("the signature vectors are not at hand; set TILLWAY_SAMPLES")
    [vector] = [one for one in json.loads(VECTORS.read_text()) if one["vendor"] == "stripe"]
    merchant = Merchant(signing_secrets=["another", vector["key"]])
    stamp = int(vector["signature"].partition("t=")[2].partition(",")[0])
    merchant.clock = ManualClock(stamp * 1_000_000)
    headers = {"stripe-signature": vector["signature"]}
    request = Request("POST", "/in/stripe", headers, vector["body"].encode())
    assert (await merchant.make_source().receive(request, merchant.intake)).status == 200


@pytest.mark.parametrize(
    ("secret", "late", "status"),
    [
        (SECRET, 0, 200),
        (OLD_SECRET, 0, 200),
        ("whsec_another", 0, 401),
        ("", 0, 401),
        (SECRET, 299, 200),
        (SECRET, 301, 401),
        (SECRET, -301, 401),
    ],
)
async def test_two_secrets_are_good_for_five_minutes(secret: str, late: int, status: int) -> None:
    """A live secret opens while its signature is fresh; a stranger learns nothing."""
    merchant = Merchant()
    reply = await merchant.source.receive(merchant.signed(b"{}", secret, late), merchant.intake)
    assert reply.status == status
    assert (merchant.intake.submissions == []) is (status == 401)


async def test_the_tolerance_can_be_set() -> None:
    """A minute is a minute."""
    merchant = Merchant(tolerance_seconds=60)
    reply = await merchant.source.receive(merchant.signed(b"{}", late=61), merchant.intake)
    assert reply.status == 401


async def test_charges_and_refunds_are_stored_at_once_without_asking_stripe() -> None:
    """The whole object goes to the intake; its revision is the time of the event."""
    merchant = Merchant()
    for subject in (charge(), refund()):
        status, told = await merchant.send(event_of(subject))
        assert (status, told["outcome"], told["durability"]) == (200, "accepted", "fsync")
    assert merchant.stored() == {("charge", "ch_1", NOW), ("refund", "re_1", NOW)}
    assert merchant.account.calls == []


async def test_a_payout_is_hinted_and_any_other_event_kept() -> None:
    """A payout waits for the poller; an unknown event becomes a hint of its own type."""
    merchant = Merchant()
    await merchant.send(event_of(payout(), event_id="evt_1"))
    await merchant.send(event_of({"object": "plan", "id": "price_1"}, "plan.created", "evt_2"))
    status, told = await merchant.send(event_of(payout(), event_id="evt_1"))
    assert (status, told["outcome"]) == (200, "duplicate")
    hints = [(one.object_type, one.object_id, one.revision) for one in merchant.hints.stored]
    assert hints == [("payout", "po_1", NOW), ("plan.created", "price_1", NOW)]
    assert merchant.intake.submissions == []


@pytest.mark.parametrize("body", [b"no json", b"[]", b'{"id": 7}', b'{"id": "evt_1"}', b"[" * 9999])
async def test_what_is_no_event_goes_to_the_intake_as_it_came(body: bytes) -> None:
    """Nobody knows what it is, so it stands in quarantine with its bytes."""
    merchant = Merchant()
    reply = await merchant.source.receive(merchant.signed(body), merchant.intake)
    assert reply.status == 200
    assert merchant.intake.bodies == [body]


async def test_nothing_of_the_buyer_is_handed_over() -> None:
    """Name, mail, free text and unlisted metadata stay outside; what tables need is there."""
    merchant = Merchant()
    await merchant.send(event_of(charge()))
    [body] = merchant.intake.bodies
    assert PERSON.encode() not in body
    [record] = merchant.records
    assert record["references"] == {"store": "0101", "receipt": "0101-1-17"}
    assert record["card"] == {"brand": "visa", "last4": "4242"}


@pytest.mark.parametrize("seed", range(4))
async def test_a_badly_told_day_arrives_whole(seed: int) -> None:
    """Lost, doubled and shuffled events, a throttled API, a closed hub, a restart: all is in."""
    merchant = Merchant(seed, page_size=7)
    merchant.account.trade(30)
    for event in merchant.account.told_badly():
        assert (await merchant.send(event))[0] == 200
    merchant.account.replies = [HttpReply(429, {"retry-after": "3"}, b"{}")] * 2
    merchant.intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=1)
    async with running(merchant.source, merchant.intake):
        await turns(merchant.clock, 20)
    merchant.intake.refusal = None
    merchant.source = merchant.make_source()
    events = merchant.account.events
    told = {(one["data"]["object"]["object"], one["data"]["object"]["id"], one["created"])
            for one in events if one["data"]["object"]["object"] != "payout"}  # fmt: skip
    async with running(merchant.source, merchant.intake):
        await until(
            merchant.clock, lambda: told | {("payout", "po_1", NOW - 1)} <= merchant.stored()
        )
        await until(merchant.clock, lambda: merchant.hints.done_up_to == len(merchant.hints.stored))
    [last] = [
        one for one in merchant.records if one["kind"] == "payout" and one["revision"] == NOW - 1
    ]
    assert sum(one["net"] for one in last["entries"]) == last["net"] == last["gross"] - last["fee"]


async def test_a_search_goes_on_where_the_last_one_ended() -> None:
    """After a restart only the overlap is read again, and nothing twice within one run."""
    merchant = Merchant(first_days=2, search_seconds=1, overlap_seconds=900)
    merchant.account.tell(charge("ch_old"), at=NOW - 2 * DAY + 10)
    merchant.account.tell(charge("ch_late"), at=NOW - 60)
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: len(merchant.stored()) == 2)
        await turns(merchant.clock, 8)
    assert [one["charge"]["id"] for one in merchant.records] == ["ch_old", "ch_late"]
    handed = len(merchant.intake.bodies)
    merchant.source = merchant.make_source()
    merchant.account.tell(charge("ch_new"), at=NOW - 5)
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: len(merchant.intake.bodies) > handed)
        await turns(merchant.clock, 3)
    again = [one["charge"]["id"] for one in merchant.records[2:]]
    assert sorted(again) == ["ch_late", "ch_new"]


async def test_the_mark_stays_while_the_hub_takes_nothing() -> None:
    """What could not be stored is searched again; nothing is skipped."""
    merchant = Merchant(first_days=1)
    merchant.account.tell(charge(), at=NOW - 100)
    merchant.intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=2)
    async with running(merchant.source, merchant.intake):
        await turns(merchant.clock, 4)
        assert "searched_until" not in merchant.state.values
        merchant.intake.refusal = None
        await until(merchant.clock, merchant.stored)


async def test_events_that_are_gone_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """A hub that slept for longer than Stripe keeps events says so and begins with the oldest."""
    merchant = Merchant()
    await merchant.state.put("searched_until", str(NOW - 40 * DAY))
    merchant.account.tell(charge(), at=NOW - 29 * DAY)
    with caplog.at_level(logging.WARNING):
        async with running(merchant.source, merchant.intake):
            await until(merchant.clock, merchant.stored)
    assert "TW-2374" in caplog.text


async def test_a_payout_that_never_shows_is_quarantined_and_holds_nobody() -> None:
    """It is asked for a few times, then told of; the payout behind it is stored meanwhile."""
    merchant = Merchant(fetch_attempts=3)
    merchant.account.payouts["po_1"] = payout()
    await merchant.send(event_of(payout("po_9"), event_id="evt_1"))
    await merchant.send(event_of(payout("po_1"), event_id="evt_2"))
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: merchant.hints.done_up_to == 2)
    [missing] = [one for one in merchant.records if one["kind"] == "missing"]
    assert (missing["object_id"], missing["reason"]) == ("po_9", "Stripe does not have it")
    assert merchant.account.calls.count("/v1/payouts/po_9") == 3
    assert merchant.account.calls.count("/v1/payouts/po_1") == 1


async def test_entries_are_asked_for_only_where_stripe_has_them() -> None:
    """A manual payout and one not reconciled yet are stored with what is known: the amount."""
    merchant = Merchant()
    for number, more in enumerate(({"automatic": False}, {"reconciliation_status": "in_progress"})):
        merchant.account.payouts[f"po_{number}"] = payout(f"po_{number}", **more)
        await merchant.send(event_of(payout(f"po_{number}"), event_id=f"evt_{number}"))
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: merchant.hints.done_up_to == 2)
    assert [(one["gross"], one["entries"]) for one in merchant.records] == [(868, []), (868, [])]
    assert "/v1/balance_transactions" not in merchant.account.calls


async def test_a_record_that_the_hub_cannot_read_leaves_a_word() -> None:
    """One refused by the intake is replaced by a small one that names the object."""
    merchant = Merchant(first_days=1)
    merchant.account.tell(charge("ch_big"), at=NOW - 50)
    body = await _only_body(merchant)
    merchant.intake.outcomes[body.strip()] = "refused"
    await merchant.state.put("searched_until", "")
    merchant.source = merchant.make_source()
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: merchant.records[-1]["kind"] == "missing")
    assert merchant.records[-1]["object_id"] == "ch_big"


async def _only_body(merchant: Merchant) -> bytes:
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: merchant.intake.bodies)
    return merchant.intake.bodies[0]


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (HttpReply(401, {}, b"{}"), NotConnected, "TW-2370"),
        (HttpReply(503, {}, b"<html>"), Transient, "TW-2371"),
        (HttpReply(200, {}, b"<html>"), Transient, "TW-2373"),
        (HttpReply(200, {}, b"[]"), Transient, "TW-2373"),
    ],
)
async def test_ping_says_what_is_wrong(reply: HttpReply, error: type, code: str) -> None:
    """A wrong key, a fault of Stripe and a proxy's page are told apart."""
    merchant = Merchant()
    merchant.account.replies = [reply]
    with pytest.raises(error) as caught:
        await merchant.source.ping()
    assert caught.value.code == code
    assert KEY not in repr(caught.value.as_json())


@pytest.mark.parametrize(
    ("endpoints", "well"),
    [
        ([{"id": "a", "url": URL, "status": "enabled"}], True),
        ([{"id": "a", "url": URL, "status": "disabled"}], False),
        ([{"id": "a", "url": URL + "/other", "status": "enabled"}], False),
        ([], False),
    ],
)
async def test_the_webhook_endpoint_is_watched(endpoints: list[Any], well: bool) -> None:
    """Ping is silent only when an enabled endpoint leads to the door."""
    merchant = Merchant(webhook_url=URL)
    merchant.account.endpoints = endpoints
    if well:
        await merchant.source.ping()
        return
    with pytest.raises(NotConnected) as caught:
        await merchant.source.ping()
    assert caught.value.code == "TW-2375"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/payouts/po_1"])
async def test_a_refused_call_loses_nothing(path: str) -> None:
    """Stripe refuses our version: whatever was told of, and not told of, is fetched later."""
    merchant = Merchant()
    merchant.account.payouts["po_1"] = payout(automatic=False)
    merchant.account.tell(charge("ch_7"), at=NOW - 30)
    error = {"error": {"type": "invalid_request_error", "message": KEY}}
    merchant.account.broken[path] = answer(error, 400)
    await merchant.send(event_of(payout(), event_id="evt_told"))
    async with running(merchant.source, merchant.intake):
        await until(merchant.clock, lambda: len(merchant.stored()) == 2)
    assert merchant.account.broken == {}
    assert "missing" not in {one["kind"] for one in merchant.records}

"""The door for Square's webhooks: who may speak, what is stored at once, and what is answered."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.connect import Answer, Request
from tillway.connectors.square.notices import notice_of
from tillway.errors import Refused
from tillway.simulator.square_hooks import SIGNATURE_HEADER, SquareHooks
from vendors.square_seller import KEY, OLD_KEY, URL, Seller

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
VECTORS = SAMPLES / "pos" / "vectors" / "webhook_signature_vectors.json"


def body_of(event_type: str = "order.updated", event_id: str = "ev1", **subject: Any) -> bytes:
    """Return a notification about one object."""
    kind = event_type.partition(".")[0]
    made = {"order_id": "O1", "version": 2, "location_id": "L1", "state": "OPEN"} | subject
    data = {"type": kind, "id": "data-id", "object": {f"{kind}_thing": made}}
    event = {"type": event_type, "event_id": event_id, "created_at": "2026-11-20T10:00:00Z"}
    return msgspec.json.encode({**event, "data": data})


async def send(seller: Seller, body: bytes) -> Answer:
    """Send a signed notification."""
    return await seller.source.receive(seller.signed(body), seller.intake)


def vectors() -> list[dict[str, Any]]:
    """Return Square's own known answers; skip where they are not at hand."""
    if not VECTORS.exists():
        pytest.skip("the signature vectors are not at hand; set TILLWAY_SAMPLES")
    return [one for one in json.loads(VECTORS.read_text()) if one["vendor"] == "square"]


async def test_squares_own_known_answers_are_let_in() -> None:
    """Both vectors of Square's SDK verify at the door, each under its own key and address."""
    found = vectors()
    assert len(found) == 2
    for vector in found:
        url, key = vector["notification_url"], vector["key"]
        seller = Seller({"notification_url": url, "signature_keys": ["other", key]})
        headers = {SIGNATURE_HEADER: vector["signature"]}
        request = Request("POST", "/in/square", headers, vector["body"].encode())
        assert (await seller.source.receive(request, seller.intake)).status == 200


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
async def test_both_live_keys_are_good_while_one_is_rotated(key: str) -> None:
    """A notification signed with the old or the new key is taken."""
    seller = Seller()
    seller.hooks = SquareHooks(seller.account, key, seller.post, seller.clock, seller.till._rng)
    assert (await send(seller, body_of())).status == 200
    assert [hint.object_id for hint in seller.hints.stored] == ["O1"]


@pytest.mark.parametrize("broken", ["byte", "url", "header", "key", "empty", "no key"])
async def test_whoever_is_not_square_is_refused_without_detail(broken: str) -> None:
    """One changed byte, another address, no header or another key: 401, nothing stored."""
    seller = Seller({"notification_url": URL + "/"} if broken == "url" else {})
    request = seller.signed(body_of())
    if broken == "byte":
        request.body = request.body.replace(b"O1", b"O2")
    if broken in {"header", "empty"}:
        request.headers = {SIGNATURE_HEADER: ""} if broken == "empty" else {}
    if broken == "key":
        seller.hooks = SquareHooks(seller.account, "x", seller.post, seller.clock, seller.till._rng)
        request = seller.signed(body_of())
    if broken == "no key":
        seller.hooks = SquareHooks(seller.account, "", seller.post, seller.clock, seller.till._rng)
        request = seller.signed(body_of())
    answer = await seller.source.receive(request, seller.intake)
    told = json.loads(answer.body)
    assert (answer.status, told["code"], told["detail"]) == (401, "TW-2002", "not authenticated")
    assert (seller.hints.stored, seller.intake.submissions) == ([], [])


async def test_an_order_is_stored_as_a_hint_before_it_is_answered() -> None:
    """A thin notification leaves id, version, place and time, and asks Square for nothing."""
    seller = Seller()
    answer = await send(seller, body_of(updated_at="2026-11-20T10:00:01Z"))
    [hint] = seller.hints.stored
    assert answer.status == 200
    assert json.loads(answer.body) == {"outcome": "noted", "durability": "fsync"}
    assert (hint.event_id, hint.object_type, hint.object_id) == ("ev1", "order", "O1")
    assert (hint.revision, hint.store, hint.occurred_at) == (2, "L1", "2026-11-20T10:00:01Z")
    assert seller.http.calls == []


async def test_the_same_notification_again_is_a_duplicate() -> None:
    """Square's retry is known by its event id and answered 200."""
    seller = Seller()
    await send(seller, body_of())
    answer = await send(seller, body_of())
    assert (answer.status, json.loads(answer.body)["outcome"]) == (200, "duplicate")
    assert len(seller.hints.stored) == 1


async def test_payments_and_refunds_are_stored_at_once() -> None:
    """What carries its object goes to the intake in the shape that a search gives it."""
    seller = Seller()
    payment = {"id": "P1", "status": "COMPLETED", "updated_at": "2026-11-20T10:00:00.5Z"}
    refund = {"id": "R1", "status": "PENDING", "updated_at": "2026-11-20T10:00:01Z"}
    for kind, carried in (("payment", payment), ("refund", refund)):
        answer = await send(seller, body_of(f"{kind}.updated", f"ev {kind}", **carried))
        told = json.loads(answer.body)
        assert (answer.status, told["outcome"], told["durability"]) == (200, "accepted", "fsync")
    first, second = seller.records
    assert (first["kind"], first["payment"]["id"], first["revision"]) == (
        "payment",
        "P1",
        1795168800500,
    )
    assert (second["kind"], second["refund"]["id"]) == ("refund", "R1")
    assert seller.hints.stored == []


async def test_a_payout_is_fetched_because_its_entries_are_not_in_it() -> None:
    """A payout is left as a hint, and so is a payment that came without its object."""
    seller = Seller()
    await send(seller, body_of("payout.sent", "ev1", id="po_1", version=1, status="SENT"))
    await send(seller, body_of("payment.updated", "ev2", id="P1"))
    hints = [(hint.object_type, hint.object_id, hint.revision) for hint in seller.hints.stored]
    assert hints == [("payout", "po_1", 1), ("payment", "P1", None)]


async def test_an_event_nobody_asked_for_is_kept_and_counted() -> None:
    """Unknown events become hints of their own type: answered 200, kept, never fetched."""
    seller = Seller()
    for event in ("loyalty.event.created", "order.custom_attribute.updated"):
        answer = await send(seller, body_of(event, event, id="X1"))
        hint = seller.hints.stored[-1]
        assert (answer.status, hint.object_type, hint.object_id) == (200, event, "X1")


@pytest.mark.parametrize("outcome", ["quarantined", "conflict"])
async def test_all_that_is_stored_is_answered_200(outcome: str) -> None:
    """Square disables a hook that answers anything else for weeks; stored is stored."""
    seller = Seller()
    seller.intake.outcomes[b'{"a":1}'] = outcome
    answer = await send(seller, b'{"a":1}')
    assert (answer.status, json.loads(answer.body)["outcome"]) == (200, outcome)


async def test_what_the_hub_cannot_store_is_not_acknowledged() -> None:
    """A refused body gets its refusal, a closed hub 503: Square sends it again."""
    seller = Seller()
    seller.intake.outcomes[b"no json"] = "refused"
    assert (await send(seller, b"no json")).status == 400
    assert (await send(seller, b"")).status == 400
    seller.intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=9)
    answer = await send(seller, body_of("payment.updated", id="P1", status="COMPLETED"))
    assert (answer.status, answer.headers["retry-after"]) == (503, "9")


async def test_every_notification_of_the_samples_is_stored_and_answered_200() -> None:
    """Orders and payouts are left as hints, payment and refund are handed over, the rest kept."""
    events = sorted((SAMPLES / "pos" / "square").glob("*Event.json"))
    if not events:
        pytest.skip("Square's samples are not at hand; set TILLWAY_SAMPLES")
    seller = Seller()
    for file in events:
        # The samples share event ids, which no two real notifications do.
        event = {**json.loads(file.read_text()), "event_id": file.stem}
        answer = await send(seller, msgspec.json.encode(event))
        assert answer.status == 200, file.name
    hints = {hint.event_id: (hint.object_type, hint.revision) for hint in seller.hints.stored}
    assert hints["OrderCreatedEvent"] == ("order", 1)
    assert hints["OrderUpdatedEvent"] == ("order", 2)
    assert hints["PayoutPaidEvent"] == ("payout", 2)
    assert hints["TerminalCheckoutUpdatedEvent"] == ("terminal.checkout.updated", None)
    assert [record["kind"] for record in seller.records] == ["payment", "refund"]
    assert len(seller.hints.stored) + len(seller.records) == len(events)
    # The id beside the object is another one in this sample; the object's own counts.
    data = json.loads((SAMPLES / "pos" / "square" / "PaymentCreatedEvent.json").read_text())["data"]
    assert seller.records[0]["payment"]["id"] == data["object"]["payment"]["id"] != data["id"]


@pytest.mark.parametrize(
    "event",
    [None, [], "text", {}, {"event_id": "a"}, {"event_id": 1, "type": "order.updated"},
     {"event_id": "x" * 201, "type": "order.updated"}],
)  # fmt: skip
def test_what_does_not_say_which_event_it_is_goes_to_the_intake(event: object) -> None:
    """Without an event id and a type there is no hint; the intake keeps it in quarantine."""
    assert notice_of(event) is None


@pytest.mark.parametrize("data", [None, {}, {"object": None}, {"object": {"order_updated": 7}}])
def test_a_hint_names_an_object_even_where_the_event_does_not(data: object) -> None:
    """The event id stands in for an id that is missing, so nothing is dropped."""
    found = notice_of({"event_id": "ev1", "type": "order.updated", "data": data})
    assert found is not None
    assert (found.hint.object_id, found.hint.revision, found.carried) == ("ev1", None, None)

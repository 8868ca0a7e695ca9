"""The mapping tables for Square: every sample and every object of the fake ends as it should."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect.kit import Hint
from tillway.connectors.square import REGISTRATION
from tillway.connectors.square.handing import encode_record
from tillway.connectors.square.records import (
    Record,
    missing_record,
    order_record,
    payment_record,
    payout_record,
    refund_record,
    shift_record,
)
from tillway.formats import Record as Read
from tillway.intake import Arrival, Pipeline
from tillway.journal.base import Candidate, Invalid
from tillway.project import load_release
from tillway.security.masking import Masker
from tillway.simulator.square_account import LOCATIONS, SquareAccount
from tillway.simulator.square_till import Shares, SquareTill
from vendors.square_project import write_square_project
from vendors.square_seller import Ticks

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
SQUARE = SAMPLES / "pos" / "square"
ZONE = "America/New_York"
Take = Callable[[Record], Candidate | Invalid]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Give what turns a record into a journal item; every location of the samples is known."""
    folder = write_square_project(tmp_path)
    with (folder / "codes" / "square_store.csv").open("a") as file:
        file.writelines(f"{location},0101,\n" for location in sorted(sample_locations()))
    release = load_release(folder, environ={})
    masker = Masker(pseudonym_key=b"k" * 32, lists=REGISTRATION.masking)
    pipeline = Pipeline(release.sources["square"], release, masker, ManualClock(), lambda: "a" * 32)

    def item(record: Record) -> Candidate | Invalid:
        [read] = list(pipeline.format.records(io.BytesIO(encode_record(record))))
        assert isinstance(read, Read), read
        return pipeline.take([Arrival(read)], door="square")[0]  # type: ignore[return-value]

    return item


def sample_locations() -> set[str]:
    """Return every location that a sample names, and one for those that name none."""
    found = {"LSHIFT"}
    for file in SQUARE.glob("*.json"):
        found |= {part.split('"')[2] for part in file.read_text().split("location_id")[1:]}
    return {location for location in found if location}


def sample(name: str) -> Any:
    """Return one sample; skip where they are not at hand."""
    if not SQUARE.exists():
        pytest.skip("Square's samples are not at hand; set TILLWAY_SAMPLES")
    return json.loads((SQUARE / f"{name}.json").read_text())


def accepted(item: Candidate | Invalid) -> dict[str, Any]:
    """Return the canonical message; it must be accepted without a finding."""
    assert isinstance(item, Candidate), item.violations
    assert item.findings == b""
    message: dict[str, Any] = json.loads(item.canonical)
    return message


def test_the_order_sample_is_an_open_order(take: Take) -> None:
    """It is open, so it is kept without money; paid it is a sale that adds up."""
    order = sample("RetrieveOrderResponse")["order"]
    message = accepted(take(order_record(order, ZONE)))
    assert (message["control_type"], message["object_id"]) == ("suspended", order["id"])
    tender = {"id": "T", "type": "CASH", "amount_money": order["total_money"]}
    paid = accepted(take(order_record({**order, "state": "COMPLETED", "tenders": [tender]}, ZONE)))
    assert (paid["totals"]["grand"], paid["totals"]["discount"]) == ("5.50", "5.50")
    assert (paid["object_id"], paid["revision"]) == (order["id"], 1)
    assert [line["net_amount"] for line in paid["lines"]] == ["2.50", "3.00"]


def test_the_payment_and_refund_samples_are_accepted(take: Take) -> None:
    """An approved payment is authorized; a refund is negative, and done once it is completed."""
    payment = sample("PaymentCreatedEvent")["data"]["object"]["payment"]
    assert accepted(take(payment_record(payment)))["status"] == "authorized"
    waiting = sample("RefundCreatedEvent")["data"]["object"]["refund"]
    done = sample("ListPaymentRefundsResponse")["refunds"][0]
    messages = [accepted(take(refund_record(refund))) for refund in (waiting, done)]
    told = [(message["status"], message["amount"]) for message in messages]
    assert told == [("authorized", "-10.00"), ("refunded", "-5.55")]


def test_the_payout_samples_are_accepted(take: Take) -> None:
    """Both events and the entries of a payout are settlements, in either spelling of currency."""
    for name in ("PayoutSentEvent", "PayoutPaidEvent"):
        payout = sample(name)["data"]["object"]["payout"]
        message = accepted(take(payout_record(payout, [])))
        assert (message["net"], message["currency"]) == ("4.57", "EUR")
    entries = sample("ListPayoutEntriesResponse")["payout_entries"]
    amount = {"amount": 33, "currency_code": "USD"}
    payout = {"id": entries[0]["payout_id"], "version": 1, "amount_money": amount}
    message = accepted(take(payout_record(payout, entries)))
    assert (message["gross"], message["fee"], message["net"]) == ("0.50", "0.17", "0.33")
    wrong = payout_record({**payout, "amount_money": {**amount, "amount": 34}}, entries)
    item = take(wrong)
    assert b"PAYOUT_DIFF" in getattr(item, "findings", b"")


def test_the_cash_drawer_samples_are_short_by_thirty_cents(take: Take) -> None:
    """Expected 100.00, counted 99.70: both forms of the shift say -0.30."""
    whole = sample("RetrieveCashDrawerShiftResponse")["cash_drawer_shift"]
    listed = sample("ListCashDrawerShiftsResponse")["cash_drawer_shifts"][0]
    for shift in (whole, listed):
        [cash] = accepted(take(shift_record(shift, "LSHIFT", ZONE)))["tenders"]
        told = (cash["expected"], cash["counted"], cash["over_short"])
        assert told == ("100.00", "99.70", "-0.30")


def test_everything_the_fake_sells_is_accepted_without_a_finding(take: Take) -> None:
    """Sales, returns, discounts, tips and charges, taxes on top and inside: all add up."""
    account = SquareAccount(Random(1), Ticks())
    till = SquareTill(account, Random(2), Shares(0.5, 0.3, 0.2, 0.3, 0.1, 0.4))
    for turn in range(60):
        till.sell(LOCATIONS[turn % 2])
    records = [order_record(order, ZONE) for order in account.all("order")]
    records += [payment_record(payment) for payment in account.all("payment")]
    records += [refund_record(refund) for refund in account.all("refund")]
    for location in LOCATIONS:
        payout = till.pay_out(location)
        records.append(payout_record(payout, account.entries[payout["id"]]))
        records.append(shift_record(till.close_drawer(location), location.id, ZONE))
    messages = [accepted(take(record)) for record in records]
    kinds = {message.get("transaction_type") for message in messages}
    assert {"sale", "return"} <= kinds
    assert {message.get("control_type") for message in messages} >= {"cancelled"}


def test_the_same_object_by_webhook_and_by_search_is_one_message(take: Take) -> None:
    """Whichever way it comes its content is the same, so the second is a duplicate."""
    refund = {"id": "R1", "status": "COMPLETED", "location_id": LOCATIONS[0].id,
              "amount_money": {"amount": 5, "currency": "USD"},
              "updated_at": "2026-11-20T10:00:00Z"}  # fmt: skip
    pushed, listed = take(refund_record({**refund, "version": 7})), take(refund_record(refund))
    assert isinstance(pushed, Candidate)
    assert isinstance(listed, Candidate)
    assert (pushed.key_digest, pushed.content_hash) == (listed.key_digest, listed.content_hash)


def test_a_later_version_is_another_message_of_the_same_object(take: Take) -> None:
    """The version is beside the key, and a payment's status is part of it."""
    order = {"id": "O", "location_id": LOCATIONS[0].id, "created_at": "2026-11-20T10:00:00Z",
             "total_money": {"amount": 0, "currency": "USD"}}  # fmt: skip
    items = [take(order_record({**order, "version": version}, ZONE)) for version in (1, 2)]
    envelopes = [item.envelope for item in items if isinstance(item, Candidate)]
    assert [envelope.revision for envelope in envelopes] == [1, 2]
    assert {envelope.natural_key for envelope in envelopes} == {"O"}
    assert {envelope.lane_key for envelope in envelopes} == {"O"}
    assert items[0].key_digest != items[1].key_digest


def test_what_never_showed_is_quarantined_with_its_reason_and_key(take: Take) -> None:
    """The violation names the reason, and the object that comes after all has the same key."""
    hint = Hint(
        event_id="e", object_type="order", object_id="O", revision=2,
        occurred_at="2026-11-20T10:00:00Z", store=LOCATIONS[0].id,
    )  # fmt: skip
    item = take(missing_record(hint, "Square does not have it"))
    assert isinstance(item, Invalid)
    [violation] = json.loads(item.violations)
    assert (violation["path"], violation["value"]) == ("control_type", "Square does not have it")
    assert (item.natural_key, item.store) == ("O", "0101")
    order = {"id": "O", "version": 2, "location_id": LOCATIONS[0].id,
             "created_at": "2026-11-20T10:00:00Z"}  # fmt: skip
    came = take(order_record(order, ZONE))
    assert isinstance(came, Candidate)
    assert came.key_digest == item.key_digest


def test_a_location_nobody_listed_is_quarantined(take: Take) -> None:
    """A new shop at Square waits for its row in the code table."""
    item = take(payment_record({"id": "P", "location_id": "LNEW", "status": "COMPLETED"}))
    assert isinstance(item, Invalid)
    assert b"square_store" in item.violations


def test_card_and_personal_data_never_reach_the_journal(take: Take) -> None:
    """Planted in every known field of Square, nothing of it is in the bytes that are stored."""
    secret = "PLANTED"
    card = {"bin": secret, "fingerprint": secret, "exp_month": secret, "exp_year": secret,
            "cardholder_name": secret, "last_4": "1111", "billing_address": secret}  # fmt: skip
    payment = {
        "id": "P", "location_id": LOCATIONS[0].id, "status": "COMPLETED",
        "amount_money": {"amount": 5, "currency": "USD"}, "updated_at": "2026-11-20T10:00:00Z",
        "buyer_email_address": secret, "shipping_address": {"name": secret},
        "billing_address": secret, "receipt_url": secret, "customer_id": secret,
        "card_details": {"card": card},
    }  # fmt: skip
    item = take(payment_record(payment))
    assert isinstance(item, Candidate)
    assert item.raw_rewritten
    assert secret.encode() not in item.raw + item.canonical
    assert b"1111" in item.raw

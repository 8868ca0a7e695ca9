"""The mapping tables for Stripe: every sample and every object of the fake ends as it should."""

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
from tillway.connectors.stripe import REGISTRATION
from tillway.connectors.stripe.events import read_event
from tillway.connectors.stripe.poller import encode_record
from tillway.connectors.stripe.records import Record, missing_record, payout_record
from tillway.formats import Record as Read
from tillway.intake import Arrival, Pipeline
from tillway.journal.base import Candidate, Invalid
from tillway.project import load_release
from tillway.project.records import Release
from tillway.project.samples import run_samples
from tillway.project.template import Variables, new_project
from tillway.security.masking import Masker
from vendors.stripe_account import NOW, PERSON, Account, charge, entry, event_of, payout, refund

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
STRIPE = SAMPLES / "pos" / "stripe"
METADATA = ("store", "receipt")
Take = Callable[[Record | bytes], Candidate | Invalid]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Give the template as a release."""
    folder = tmp_path_factory.mktemp("stripe") / "project"
    new_project(folder, "cloud-ledger", Variables("books"), Random(1).randbytes)
    return load_release(folder, environ={})


@pytest.fixture
def take(release: Release) -> Take:
    """Give what turns a record, or the bytes of a strange event, into a journal item."""
    masker = Masker(pseudonym_key=b"k" * 32, lists=REGISTRATION.masking)
    pipeline = Pipeline(release.sources["stripe"], release, masker, ManualClock(), lambda: "a" * 32)

    def item(record: Record | bytes) -> Candidate | Invalid:
        body = record if isinstance(record, bytes) else encode_record(record)
        [read] = list(pipeline.format.records(io.BytesIO(body)))
        assert isinstance(read, Read), read
        return pipeline.take([Arrival(read)], door="stripe")[0]  # type: ignore[return-value]

    return item


def sample(name: str) -> Any:
    """Return one sample; skip where they are not at hand."""
    if not STRIPE.exists():
        pytest.skip("Stripe's samples are not at hand; set TILLWAY_SAMPLES")
    return json.loads((STRIPE / f"{name}.json").read_text())


def record_of(subject: dict[str, Any], at: int = NOW) -> Record:
    """Return the record of an event about an object."""
    found = read_event(event_of(subject, at=at), METADATA)
    assert isinstance(found, dict)
    return found


def accepted(item: Candidate | Invalid) -> dict[str, Any]:
    """Return the canonical message; it must be accepted without a finding."""
    assert isinstance(item, Candidate), item.violations
    assert item.findings == b""
    message: dict[str, Any] = json.loads(item.canonical)
    return message


def test_the_golden_samples_pass(release: Release) -> None:
    """What the tables make is what stands beside each sample."""
    tables = ["stripe-charge", "stripe-refund", "stripe-payout"]
    results = list(run_samples(release, tables))
    assert len(results) >= len(tables)
    assert [(one.file, one.wrong) for one in results if not one.passed] == []


def test_the_charge_sample_is_held_and_not_taken(take: Take) -> None:
    """It succeeded without being captured: an authorisation of 1.00 without a shop."""
    message = accepted(take(record_of(sample("charge"))))
    told = (message["status"], message["amount"], message["currency"])
    assert told == ("authorized", "1.00", "USD")
    assert "business_unit_id" not in message


def test_the_refund_sample_is_money_that_went_back(take: Take) -> None:
    """A refund is negative and names its charge."""
    found = sample("refund")
    message = accepted(take(record_of(found)))
    assert (message["status"], message["amount"]) == ("refunded", "-1.00")
    assert message["extensions"]["stripe"]["charge"] == found["charge"]


def test_the_payout_sample_and_its_entry_are_a_settlement(take: Take) -> None:
    """The entry of the sample is one of the payout's; with another of 10.00 it adds up to 11.00."""
    entries = [sample("balance_transaction"), entry("charge", 1000)]
    message = accepted(take(payout_record(sample("payout"), entries, NOW)))
    assert (message["gross"], message["net"], len(message["entries"])) == ("11.00", "11.00", 2)
    item = take(payout_record(sample("payout"), entries[:1], NOW))
    assert b"PAYOUT_DIFF" in getattr(item, "findings", b"")


def test_the_event_sample_is_about_nothing_we_map() -> None:
    """A plan that was created is a hint of its own type."""
    found = read_event(sample("event"))
    assert (getattr(found, "object_type", ""), found is not None) == ("plan.created", True)


@pytest.mark.parametrize(
    ("more", "status", "amount"),
    [
        ({}, "captured", "13.99"),
        ({"amount_captured": 1000}, "captured", "10.00"),
        ({"captured": False, "amount_captured": 0}, "authorized", "13.99"),
        ({"captured": False, "refunded": True, "amount_captured": 0}, "cancelled", "13.99"),
        ({"captured": False, "status": "failed"}, "declined", "13.99"),
        ({"captured": False, "status": "pending"}, "authorized", "13.99"),
        ({"currency": "jpy"}, "captured", "1399.00"),
        ({"currency": "isk", "amount_captured": 139900}, "captured", "1399.00"),
        ({"currency": "ugx", "amount_captured": 500}, "captured", "5.00"),
        ({"currency": "mga", "amount_captured": 5}, "captured", "5.00"),
        ({"currency": "kwd", "amount_captured": 5120}, "captured", "5.12"),
    ],
)
def test_a_charge_is_what_became_of_it(
    take: Take, more: dict[str, Any], status: str, amount: str
) -> None:
    """Held, taken whole or in part, given back, declined; by the exponent of its currency."""
    message = accepted(take(record_of(charge(**more))))
    assert (message["status"], message["amount"]) == (status, amount)
    assert (message["business_unit_id"], message["merchant_reference"]) == ("0101", "0101-1-17")


def test_a_payment_taken_offline_says_so(take: Take) -> None:
    """A reader without a connection took it and forwarded it later."""
    card = {"brand": "visa", "last4": "4242", "offline": {"type": "deferred", "stored_at": NOW}}
    details = {"type": "card_present", "card_present": card}
    assert accepted(take(record_of(charge(payment_method_details=details))))["offline_forwarded"]


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("pending", "authorized"),
        ("requires_action", "authorized"),
        ("succeeded", "refunded"),
        ("failed", "declined"),
        ("canceled", "cancelled"),
    ],
)
def test_a_refund_is_what_became_of_it(take: Take, status: str, ours: str) -> None:
    """Each state of Stripe has one of ours; the money is negative in all of them."""
    message = accepted(take(record_of(refund(status=status))))
    assert (message["status"], message["amount"]) == (ours, "-5.00")


def test_a_payout_with_everything_in_it_adds_up(take: Take) -> None:
    """Payments, refunds, disputes, fees and adjustments: gross less fee is net."""
    parts = [
        entry("charge", 2000, 59), entry("refund", -500, 0, "re_1"),
        entry("dispute", -300, 1500, "dp_1"), entry("dispute_reversal", 300, 0, "dp_1"),
        entry("fee", 0, 30, "fee_1"), entry("other_adjustment", 1000, 0, "adj_1"),
        entry("payout_reversal", 200, 0, "po_0"),
    ]  # fmt: skip
    net = sum(one["net"] for one in parts)
    own = entry("payout", -net, 0, "po_1")
    message = accepted(take(payout_record(payout(amount=net), [own, *parts], NOW)))
    assert (message["gross"], message["fee"], message["net"]) == ("27.00", "15.89", "11.11")
    assert (message["refund"], message["chargeback"]) == ("-5.00", "0.00")
    assert [one["entry_type"] for one in message["entries"]] == [
        "charge", "refund", "chargeback", "chargeback", "fee", "adjustment", "adjustment",
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_payout_that_failed_moved_nothing(take: Take, status: str) -> None:
    """Its sums become zero in a later revision of the same settlement."""
    parts = [entry("charge", 868)]
    items = [
        take(payout_record(payout(status=state), parts, at))
        for state, at in (("paid", NOW), (status, NOW + 9))
    ]
    paid, failed = (accepted(item) for item in items)
    assert (paid["net"], failed["net"], failed["gross"]) == ("8.68", "0.00", "0.00")
    envelopes = [item.envelope for item in items if isinstance(item, Candidate)]
    assert {one.natural_key for one in envelopes} == {"stripe:po_1"}
    assert [one.revision for one in envelopes] == [NOW, NOW + 9]


def test_everything_the_fake_tells_is_accepted(take: Take) -> None:
    """A day of charges and refunds and its payout give messages without a finding."""
    account = Account(7)
    account.trade(20)
    found = [read_event(event, METADATA) for event in account.events]
    messages = [accepted(take(one)) for one in found if isinstance(one, dict)]
    entries = account.entries["po_1"]
    settlement = accepted(take(payout_record(account.payouts["po_1"], entries, NOW)))
    net = sum(one["net"] for one in entries if one["source"] != "po_1")
    assert settlement["net"] == f"{net / 100:.2f}"
    assert {one["status"] for one in messages} == {"authorized", "captured", "refunded"}


def test_two_events_of_one_second_with_one_content_are_one_message(take: Take) -> None:
    """A charge that changed where we do not look is a duplicate and no conflict."""
    one, other = (take(record_of(charge(balance_transaction=name))) for name in (None, "txn_1"))
    assert isinstance(one, Candidate)
    assert isinstance(other, Candidate)
    assert (one.key_digest, one.content_hash) == (other.key_digest, other.content_hash)


@pytest.mark.parametrize(
    "record",
    [
        record_of(charge(metadata={"store": "9999"})),
        record_of(charge(status="astonished")),
        record_of(charge(amount_captured="13.99")),
        record_of(charge(currency=None)),
        record_of(charge(currency="isk", amount_captured=139901)),
        missing_record("payout", "po_9", "Stripe does not have it"),
    ],
)
def test_what_nobody_knows_is_quarantined(take: Take, record: Record) -> None:
    """A new shop, a new word, an amount that is no integer, no currency, no payout."""
    assert isinstance(take(record), Invalid)


def test_an_event_that_says_not_which_one_it_is_is_kept_without_its_buyer(take: Take) -> None:
    """Planted in every field of a charge, nothing of the buyer is in the bytes that are kept."""
    item = take(json.dumps({"data": {"object": charge()}}).encode())
    assert isinstance(item, Invalid)
    assert PERSON.encode() not in item.raw
    assert b"ch_1" in item.raw
    assert b"4242" in item.raw

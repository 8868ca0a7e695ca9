"""Every real object of Shopify ends accepted, with no finding but what its README names.

The samples lie outside the repository; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.connectors.shopify.records import order_records, payout_record, tender_record
from tillway.journal.base import Candidate
from vendors.shopify_desk import Desk, parts_of

SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", Path(__file__).parents[4] / "shared" / "samples"))
FOLDER = SAMPLES / "pos" / "shopify"
PERSONAL = ("Bob", "Norman", "norman@", "Chestnut", "555-625", "40202", "0.0.0.0", "45.41634")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk with the tables of the template."""
    return Desk(tmp_path / "project")


def sample(name: str) -> Any:
    """Return a sample as parts; skips where the samples are not there."""
    file = FOLDER / name
    if not file.exists():
        pytest.skip("the samples are not here: set TILLWAY_SAMPLES")
    return parts_of(json.loads(file.read_bytes(), parse_float=Decimal))


def inside(parts: Any, name: str) -> Any:
    """Return a member of parts, as parts again."""
    return parts_of(msgspec.json.decode(parts[name], type=Any))


def test_the_sample_order_is_accepted_with_the_findings_of_its_header(desk: Desk) -> None:
    """Its lines add up to 597.00 and its header says 398.00; nothing else is wrong with it."""
    order = inside(sample("order.json"), "order")
    record = order_records(order, sample("transactions.json"))[0]
    kind, message, findings = desk.message(record)
    assert kind == "retail_transaction.completed"
    assert sorted(findings) == ["HEADER_GROSS", "HEADER_NET", "TRAN_OUT_OF_BALANCE"]
    assert (message["object_id"], message["totals"]["grand"]) == ("Order/450789469", "409.94")
    assert message["transaction_status"] == "tendered"
    assert [one["amount"] for one in message["tenders"]] == ["409.94"]
    assert message["business_date"] == "2008-01-10"


def test_nothing_of_a_person_is_kept_of_the_sample_order(desk: Desk) -> None:
    """Neither the bytes that are kept nor the message hold name, address, mail or phone."""
    order = inside(sample("order.json"), "order")
    item = desk.take(order_records(order, sample("transactions.json"))[0])
    assert isinstance(item, Candidate)
    assert item.raw_rewritten
    kept = item.raw + item.canonical
    assert [text for text in PERSONAL if text.encode() in kept] == []


def test_the_sample_refund_is_accepted(desk: Desk) -> None:
    """It gives back 209.00 for goods of 405.96 and does not say why: that is found, not hidden."""
    order = inside(sample("order.json"), "order")
    refund = inside(sample("refund.json"), "refund")
    order["refunds"] = msgspec.Raw(msgspec.json.encode([refund]))
    _, message, findings = desk.message(order_records(order, [])[1])
    assert findings == ["TRAN_OUT_OF_BALANCE"]
    assert (message["object_id"], message["totals"]["grand"]) == ("Refund/509562969", "-209.00")
    assert message["transaction_type"] == "return"
    assert message["links"] == [{"reason": "return", "natural_key": "Order/450789469"}]
    assert [one["quantity"] for one in message["lines"]] == ["-1", "-1"]
    assert "revision" not in message


def test_the_sample_transaction_is_accepted(desk: Desk) -> None:
    """An authorisation becomes a step in the life of a payment, in the currency of its order."""
    order = inside(sample("order.json"), "order")
    kind, message, findings = desk.message(order_records(order, sample("transactions.json"))[-1])
    assert (kind, findings) == ("payment.updated", [])
    assert message["status"] == "authorized"
    assert (message["amount"], message["currency"]) == ("409.94", "USD")
    assert message["natural_key"] == "Order/450789469"


def test_every_sample_payout_is_accepted(desk: Desk) -> None:
    """Each has the revision of its step; the failed one moved nothing."""
    seen = {}
    for payout in inside(sample("payouts.json"), "payouts"):
        kind, message, findings = desk.message(payout_record(payout, []))
        assert (kind, findings) == ("settlement.posted", [])
        seen[message["payout_id"]] = (message["revision"], message["net"], message["currency"])
    assert seen == {
        "854088011": (1, "43.12", "USD"),
        "512467833": (4, "0.00", "USD"),
        "39438702": (2, "43.12", "USD"),
        "710174591": (3, "41.90", "USD"),
        "974708905": (3, "51.69", "CAD"),
        "623721858": (3, "41.90", "USD"),
    }


def test_the_sample_entries_are_accepted_with_what_their_readme_names(desk: Desk) -> None:
    """Net is amount minus fee but for one adjustment; the payout among its entries is left out."""
    (payout,) = [
        one for one in inside(sample("payouts.json"), "payouts") if bytes(one["id"]) == b"623721858"
    ]
    entries = inside(sample("payouts_transactions.json"), "transactions")
    item = desk.take(payout_record(payout, entries))
    assert isinstance(item, Candidate)
    findings = {one["path"]: one for one in json.loads(item.findings)}
    assert set(findings) == {"entries[4].net", "net"}
    assert findings["entries[4].net"]["found"] == "-1.75"
    assert len(json.loads(item.canonical)["entries"]) == len(entries) - 1


def test_every_sample_tender_transaction_is_accepted(desk: Desk) -> None:
    """They stand under a provider of their own, beside the transactions."""
    found = inside(sample("tender_transactions.json"), "tender_transactions")
    messages = [desk.message(tender_record(one))[1] for one in found]
    assert {one["psp"] for one in messages} == {"tender-credit_card"}
    assert [one["amount"] for one in messages] == ["138.46", "128.16", "28.16"]

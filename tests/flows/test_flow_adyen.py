"""Adyen through a real hub: from the payment to the payout to the line on the bank statement."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from flows.money_world import kept_in, money_world, stored
from flows.world import Running, World
from vendors.adyen_account import KEY, OLD_KEY, PERSON, item, notification, report, row, signed

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "src/tillway/project/templates/cloud-ledger/mappings"
REPORT = (TABLES / "adyen-settlement.tests" / "batch-42.in").read_bytes()
STATEMENT = (TABLES / "bank-line.tests" / "statement.in").read_bytes()
SALE, REFUND = "QFQTPCQ8HXSKGK82", "B8VQ5N4S3JXG5F82"
NAME = "settlement_detail_report_batch_42.csv"


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[World]:
    """Give the project."""
    async with money_world(tmp_path) as made:
        yield made


async def tell(running: Running, body: bytes) -> int:
    """Send a notification and return the status."""
    return (await running.post(body, path="/in/adyen")).status


async def test_a_payment_is_followed_from_the_till_to_the_bank(money: World) -> None:
    """Payment, refund, entries, payout and bank line join by the fields the docs name."""
    back = {"originalReference": SALE, "amount": {"value": 1000, "currency": "EUR"}}
    async with money.running() as running:
        assert await tell(running, notification(signed(item(reference=SALE)))) == 200
        assert await tell(running, notification(signed(item("REFUND", REFUND, **back)))) == 200
        assert (await running.take("adyen", NAME, REPORT)).parent.name == "done"
        assert (await running.take("bank", "a.xml", STATEMENT)).parent.name == "done"
        payments = await stored(running, "payment.updated")
        (payout,) = await stored(running, "settlement.posted")
        lines = await stored(running, "bank.statement_line")
    entries = {one["psp_reference"]: one for one in payout["entries"] if "psp_reference" in one}
    for payment in payments:
        assert entries[payment["psp_reference"]]["gross"] == payment["amount"]
    assert entries[REFUND]["original_reference"] == payments[1]["original_reference"] == SALE
    assert sum(Decimal(one["net"]) for one in payout["entries"]) == Decimal(payout["net"])
    (line,) = [one for one in lines if one["text"] == payout["bank_reference"]]
    assert (line["amount"], line["currency"]) == (payout["net"], payout["currency"])


async def test_one_batch_is_one_message_and_the_report_again_is_a_duplicate(money: World) -> None:
    """Rows in another order or a second download change nothing that counts."""
    async with money.running() as running:
        await running.take("adyen", NAME, REPORT)
        await running.take("adyen", NAME.replace("42", "42_again"), REPORT)
        assert await running.outcomes() == {"accepted": 1, "duplicate": 1}


async def test_a_payout_off_by_a_cent_is_found(money: World) -> None:
    """It is stored, because it is what Adyen says, with the difference as a finding."""
    wrong = REPORT.replace(b",81.40,", b",81.41,")
    async with money.running() as running:
        await running.take("adyen", NAME, wrong)
        (stored_one,) = await running.hub.journal.read(0, 100)
        record = await running.hub.journal.record(stored_one.position)
        assert record is not None
        (finding,) = json.loads(record.findings)
        assert (finding["rule"], finding["path"]) == ("PAYOUT_DIFF", "net")


async def test_an_unknown_kind_of_row_waits_for_its_code(money: World) -> None:
    """The batch stands in quarantine; with a row in the code table it is taken in again."""
    rows = (
        row("Settled", "5.00", "5.00", **{"Psp Reference": "PSP1"}),
        row("NewKindOfRow", "", "-1.00"),
        row("MerchantPayout", "", "-4.00"),
    )
    async with money.running() as running:
        await running.take("adyen", NAME, report(*rows))
        assert await running.outcomes() == {"quarantined": 1}
    money.add_line("codes/adyen_entry_type.csv", "NewKindOfRow,fee,new")
    async with money.running() as running:
        (waiting,) = await running.quarantine()
        done = await running.operations.reprocess([waiting.invalid_id], "me", "code added")
        assert done == {"accepted": 1}


async def test_strangers_stay_outside_and_repeats_are_known(money: World) -> None:
    """A wrong key is 401; the same notification again is a duplicate; news is only noted."""
    right = notification(signed(item(reference=SALE)))
    async with money.running() as running:
        assert await tell(running, notification(signed(item(), key=OLD_KEY))) == 401
        assert await tell(running, notification(item())) == 401
        assert [await tell(running, right) for _ in range(3)] == [200, 200, 200]
        assert await tell(running, notification(signed(item("REPORT_AVAILABLE", "r.csv")))) == 200
        assert len(await stored(running, "payment.updated")) == 1
        outcomes = await running.outcomes()
        assert outcomes["duplicate"] == 2
    kept = kept_in(money.folder)
    assert PERSON.encode() not in kept
    assert KEY.encode() not in kept
    assert b"03/2030" not in kept

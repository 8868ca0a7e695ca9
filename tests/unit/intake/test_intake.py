"""What a source may hand in, and what becomes of it."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tillway.connect import Submission, SubmissionResult
from tillway.errors import Refused
from unit.intake.conftest import raw, sale

CARD = "4111 1111 1111 1111"


async def submit(till: SimpleNamespace, *sales: dict[str, Any], store: str = "") -> Any:
    """Hand sales in and return the result."""
    result: SubmissionResult = await till.intake.submit(Submission(raw(*sales), store=store))
    return result


async def test_a_good_sale_is_accepted_with_its_key_money_and_lane(till: SimpleNamespace) -> None:
    """The envelope states what nobody should have to open the payload for."""
    [item] = (await submit(till, sale(7))).items
    [message] = await till.journal.read(0, 1)
    assert (item.outcome, item.status, item.natural_key) == (
        "accepted",
        202,
        "0145:03:2026-11-20:7",
    )
    envelope = message.envelope
    assert (envelope.amount_minor, envelope.currency, envelope.lane_key) == (1250, "EUR", "0145:03")
    assert (envelope.store, envelope.receipt_number, envelope.release) == ("0145", "7", "r1")
    assert message.clean


async def test_resend_and_change_are_told_apart(till: SimpleNamespace) -> None:
    """The same again is a duplicate, the same number with other money is a conflict."""
    result = await submit(till, sale(1), sale(1), sale(1, total="99.00"))
    assert [(i.outcome, i.status) for i in result.items] == [
        ("accepted", 202),
        ("duplicate", 200),
        ("conflict", 409),
    ]
    assert result.counts == {"accepted": 1, "duplicate": 1, "conflict": 1}


async def test_every_violation_is_listed_and_the_bytes_are_kept(till: SimpleNamespace) -> None:
    """Quarantine names each wrong field with its value, not only the first."""
    broken = sale(
        3, tenders=[{"kind": "XX", "amount": "12.50"}, {"kind": "CA", "amount": "4OO.00"}]
    )
    [item] = (await submit(till, broken)).items
    assert (item.outcome, item.status) == ("quarantined", 422)
    paths = {error["path"] for error in item.error["errors"]}
    assert paths == {"tenders[0].tender_type", "tenders[1].amount"}
    [kept] = await till.journal.invalid()
    assert json.loads(kept.raw) == broken


async def test_a_quarantined_number_is_no_gap_and_its_correction_closes_it(
    till: SimpleNamespace,
) -> None:
    """The key is read before the contract, so the number counts; the good version is accepted."""
    await submit(till, sale(1), sale(2, tenders=[{"kind": "XX", "amount": "12.50"}]), sale(3))
    assert await till.journal.numbers("till", "0145", "03", "2026-11-20") == [1, 2, 3]
    [item] = (await submit(till, sale(2))).items
    assert item.outcome == "accepted"
    assert await till.journal.invalid() == []


async def test_float_money_is_quarantined_and_says_how_to_send_it(till: SimpleNamespace) -> None:
    """A float may already have lost a cent; nobody can tell."""
    [item] = (await submit(till, sale(1, total=12.5))).items
    assert item.outcome == "quarantined"
    assert any("float" in json.dumps(error) for error in item.error["errors"])


async def test_wrong_arithmetic_is_accepted_with_findings(till: SimpleNamespace) -> None:
    """A receipt that does not balance is stored, and marked as not clean."""
    unbalanced = sale(1, tenders=[{"kind": "CA", "amount": "12.00"}])
    [item] = (await submit(till, unbalanced)).items
    assert item.outcome == "accepted"
    record = await till.journal.record(1)
    assert not record.message.clean
    assert "TRAN_OUT_OF_BALANCE" in {f["rule"] for f in json.loads(record.findings)}


async def test_an_unknown_store_is_quarantined(till: SimpleNamespace) -> None:
    """The answer names the store and the file to add it to."""
    [item] = (await submit(till, sale(1, store="9999"))).items
    [error] = item.error["errors"]
    assert (item.outcome, error["rule"], error["value"]) == ("quarantined", "UNKNOWN_STORE", "9999")


async def test_a_key_may_not_send_for_another_store(till: SimpleNamespace) -> None:
    """What one store proved to be cannot sell in another's name."""
    [item] = (await submit(till, sale(1), store="0146")).items
    assert item.error["errors"][0]["rule"] == "foreign_store"
    [good] = (await submit(till, sale(1), store="0145")).items
    assert good.outcome == "accepted"


async def test_a_record_without_a_mapping_is_quarantined(till: SimpleNamespace) -> None:
    """Nothing is dropped silently: a record no table takes is kept and said."""
    [item] = (await submit(till, sale(1, doc="MYSTERY"))).items
    assert (item.outcome, item.error["code"]) == ("quarantined", "TW-2105")


async def test_an_unreadable_line_costs_one_line(till: SimpleNamespace) -> None:
    """Garbage between good lines is refused with its line; the others are stored."""
    body = raw(sale(1)) + b'\n{"doc": "SA\n' + raw(sale(2))
    result = await till.intake.submit(Submission(body))
    assert [(i.outcome, i.line) for i in result.items] == [
        ("accepted", 1),
        ("refused", 2),
        ("accepted", 3),
    ]
    assert result.items[1].status == 400


async def test_card_numbers_never_reach_the_journal(till: SimpleNamespace) -> None:
    """A card number in free text is masked in raw and canonical; a clean sale stays byte-exact."""
    await submit(till, sale(1, note=f"paid with {CARD}"), sale(2, note="paid"))
    masked, clean = [await till.journal.record(position) for position in (1, 2)]
    for kept in (masked.raw, masked.message.canonical):
        assert CARD.encode() not in kept
        assert CARD.replace(" ", "").encode() not in kept
    assert masked.raw_rewritten
    assert clean.raw == raw(sale(2, note="paid"))
    assert not clean.raw_rewritten


async def test_a_long_stream_is_stored_in_groups_and_only_counted(till: SimpleNamespace) -> None:
    """A whole day comes through without keeping every outcome."""
    day = io.BytesIO(raw(*(sale(n) for n in range(1, 501)), sale(1)))
    result = await till.intake.submit(Submission(day), keep_items=False)
    assert result.counts == {"accepted": 500, "duplicate": 1}
    assert result.items == []
    numbers = [m.envelope.sequence_number for m in await till.journal.read(0, 1000)]
    assert numbers == list(range(1, 501))


async def test_a_cut_off_stream_keeps_its_good_prefix(till: SimpleNamespace) -> None:
    """What was whole is stored; the rest is refused and the submission is incomplete."""
    body = raw(sale(1), sale(2), sale(3))[:-20]
    result = await till.intake.submit(Submission(body))
    assert result.counts == {"accepted": 2, "refused": 1}


async def test_a_closed_gate_refuses_and_stores_nothing(till: SimpleNamespace) -> None:
    """Below the disk floor the sender keeps what it has."""
    till.gate.close(lambda: Refused("TW-5005", "free disk space is below the floor", status=507))
    with pytest.raises(Refused) as refusal:
        await submit(till, sale(1))
    assert refusal.value.status == 507
    till.gate.open()
    assert (await submit(till, sale(1))).counts == {"accepted": 1}


async def test_everything_received_is_in_the_books(till: SimpleNamespace) -> None:
    """Received = accepted + duplicate + conflict + quarantined + refused, whatever came."""
    body = raw(sale(1), sale(1), sale(1, total="1.00"), sale(2, store="9999")) + b"\n{]"
    await till.intake.submit(Submission(body))
    received = sum(total.count for total in (await till.journal.intake_totals()).received)
    outcomes = {t.group: t.count for t in await till.journal.outcome_totals()}
    assert received == 5
    assert outcomes == {
        "accepted": 1,
        "duplicate": 1,
        "conflict": 1,
        "quarantined": 1,
        "refused": 1,
    }

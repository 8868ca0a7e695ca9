"""The stand-in ERP as the process it is: at most one effect for a key, whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest

from tillway.errors import ConfigurationError, NotConnected
from tillway.model.enumerations import TenderType
from tillway.simulator.erp_client import (
    erp_totals,
    lose_answer,
    running_erp,
    set_mode,
    start_erp,
    stop_erp,
)
from tillway.simulator.erp_documents import ACCOUNTS, SUSPENSE_ACCOUNT
from tillway.simulator.erp_facts import ErpFile
from tillway.simulator.erp_moods import Loss


@dataclass
class Caller:
    """Speaks to one running ERP."""

    session: aiohttp.ClientSession
    address: str
    data: Path

    async def post(self, key: str, document: Any) -> tuple[int, Any, Any]:
        """Post one document; returns status, body and headers."""
        async with self.session.post(
            f"{self.address}/documents", json=document, headers={"idempotency-key": key}
        ) as answer:
            return answer.status, await answer.json(), answer.headers

    async def bulk(self, body: bytes) -> tuple[int, Any]:
        """Post many."""
        async with self.session.post(f"{self.address}/documents/bulk", data=body) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> tuple[int, Any]:
        """Get anything."""
        async with self.session.get(self.address + path) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def erp(tmp_path: Path) -> AsyncIterator[Caller]:
    """A fresh ERP on a free port."""
    data = tmp_path / "erp"
    async with running_erp(data) as address, aiohttp.ClientSession() as session:
        yield Caller(session, address, data)


def document(number: int = 1, amount: str = "12.50", **changes: Any) -> dict[str, Any]:
    """A document that may be booked."""
    return {
        "key": f"0001:01:2026-11-20:{number}",
        "document_type": "sale",
        "store": "0001",
        "business_date": "2026-11-20",
        "currency": "EUR",
        "amount": amount,
        "tenders": [{"type": "cash", "amount": amount}],
        **changes,
    }


async def test_a_repeated_key_has_no_second_effect(erp: Caller) -> None:
    """The second call gets the same number; the order of fields is no other content."""
    first = await erp.post("k1", document())
    again = await erp.post("k1", dict(reversed(document().items())))
    assert first[0] == 201
    assert again[:2] == (200, {**first[1], "status": 200, "repeated": True})
    totals = await erp_totals(erp.session, erp.address)
    assert (totals["count"], totals["repeats"], totals["calls"]) == (1, 1, 2)
    assert totals["totals"] == [
        {"document_type": "sale", "currency": "EUR", "count": 1, "money": "12.50"}
    ]


@pytest.mark.parametrize(
    ("loss", "felt"), [("cut", aiohttp.ClientError), ("silent", asyncio.CancelledError)]
)
async def test_an_answer_is_lost_once_and_the_document_stays(
    erp: Caller, loss: Loss, felt: type[BaseException]
) -> None:
    """The call fails, the document is booked; what comes again is a repeat and is answered."""
    await lose_answer(erp.session, erp.address, "0001:01:2026-11-20:1", loss)
    call = asyncio.ensure_future(erp.post("k1", document()))
    async with asyncio.timeout(10):
        while not (await erp_totals(erp.session, erp.address))["unanswered"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    if loss == "silent":
        assert not call.done()
        call.cancel()
    with pytest.raises(felt):
        await call
    assert (await erp.post("k1", document()))[0] == 200
    assert (await erp.post("k2", document(2)))[0] == 201
    totals = await erp_totals(erp.session, erp.address)
    assert (totals["count"], totals["repeats"], totals["unanswered"]) == (2, 1, 1)
    assert [one.repeats for one in ErpFile(erp.data).documents()] == [1, 0]


async def test_a_bulk_call_with_one_lost_answer_is_unanswered_as_a_whole(erp: Caller) -> None:
    """Everything in it is booked; all of it comes again and is repeated."""
    await lose_answer(erp.session, erp.address, "0001:01:2026-11-20:2", "cut")
    items = [{"key": f"k{number}", "document": document(number)} for number in (1, 2, 3)]
    body = json.dumps(items).encode()
    with pytest.raises(aiohttp.ClientError):
        await erp.bulk(body)
    assert [one["status"] for one in (await erp.bulk(body))[1]] == [200, 200, 200]
    assert [one.repeats for one in ErpFile(erp.data).documents()] == [1, 1, 1]


async def test_the_same_key_with_other_content_is_a_conflict(erp: Caller) -> None:
    """409, and the first document stays as it was."""
    await erp.post("k1", document())
    assert (await erp.post("k1", document(amount="1.00")))[0] == 409
    assert (await erp.get("/documents/k1"))[1]["document"]["amount"] == "12.50"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenders": [{"type": "moon_coin", "amount": "12.50"}]}, "moon_coin"),
        ({"tenders": [{"type": "cash", "amount": "12.49"}]}, "sum to 1249"),
        ({"amount": 12.5}, "amount"),
        ({"currency": "EUX"}, "EUX"),
        ({"store": ""}, "store is empty"),
        ({"amount": "12.505"}, "finer"),
    ],
)
async def test_a_document_against_the_rules_is_refused(
    erp: Caller, changes: dict[str, Any], said: str
) -> None:
    """422 with a sentence; nothing is booked."""
    status, body, _ = await erp.post("k1", document(**changes))
    assert status == 422
    assert said in body["error"]
    assert (await erp_totals(erp.session, erp.address))["count"] == 0


async def test_a_tender_of_the_type_other_is_booked_to_the_suspense_account(erp: Caller) -> None:
    """`other` has an account; a type outside the model has none and is refused (above)."""
    other = [{"type": "other", "amount": "12.50"}]
    assert (await erp.post("k1", document(tenders=other)))[0] == 201
    assert ACCOUNTS["other"] == SUSPENSE_ACCOUNT
    assert set(ACCOUNTS) == set(get_args(TenderType))


async def test_a_bulk_call_answers_for_each_document(erp: Caller) -> None:
    """Array and NDJSON alike: created, repeated, conflict and refusal stand side by side."""
    await erp.post("k1", document())
    items = [
        {"key": "k1", "document": document()},
        {"key": "k1", "document": document(amount="9.00")},
        {"key": "k2", "document": document(2, "-3.00")},
        {"key": "k3", "document": document(3, store="")},
        {"key": "k2", "document": document(2, "-3.00")},
    ]
    lines = b"\n".join(json.dumps(item).encode() for item in items)
    for body in (json.dumps(items).encode(), lines):
        status, answers = await erp.bulk(body)
        assert status == 200
        assert [one["key"] for one in answers] == ["k1", "k1", "k2", "k3", "k2"]
        assert [one["status"] for one in answers][1::2] == [409, 422]
    assert [one["status"] for one in answers] == [200, 409, 200, 422, 200]
    assert (await erp.bulk(b"[{]"))[0] == 400
    assert [one["minor"] for one in (await erp.get("/documents?after=1"))[1]] == [-300]


async def test_look_up_of_an_unknown_key_says_so(erp: Caller) -> None:
    """404 is the proof of absence."""
    assert (await erp.get("/documents/never"))[0] == 404


async def test_moods_are_answered_as_real_systems_do(erp: Caller) -> None:
    """Down is 503, busy 429 with Retry-After, reject 422; gone and reset drop the line."""
    await set_mode(erp.session, erp.address, "down")
    assert (await erp.post("k1", document()))[0] == 503
    await set_mode(erp.session, erp.address, "busy", retry_after_seconds=3)
    status, _, headers = await erp.post("k1", document())
    assert (status, headers["retry-after"]) == (429, "3")
    await set_mode(erp.session, erp.address, "reject")
    assert (await erp.post("k1", document()))[0] == 422
    await set_mode(erp.session, erp.address, "slow", delay_seconds=0.01)
    assert (await erp.post("k0", document(9)))[0] == 201
    await set_mode(erp.session, erp.address, "gone")
    with pytest.raises(aiohttp.ClientError):
        await erp.post("k1", document())
    await set_mode(erp.session, erp.address, "up")
    assert (await erp.get("/documents/k1"))[0] == 404
    await set_mode(erp.session, erp.address, "reset")
    with pytest.raises(aiohttp.ClientError):
        await erp.post("k1", document())
    await set_mode(erp.session, erp.address, "up", reject_tender_types=["cash"])
    assert (await erp.get("/documents/k1"))[0] == 200
    assert (await erp.post("k2", document(2)))[0] == 422


async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """Kill -9 after the answer: the next process has it, and knows the key."""
    process, address = await start_erp(tmp_path)
    async with aiohttp.ClientSession() as session:
        first = await Caller(session, address, tmp_path).post("k1", document())
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert [one.receipt_key for one in ErpFile(tmp_path).documents()] == [document()["key"]]
    process, address = await start_erp(tmp_path)
    try:
        async with aiohttp.ClientSession() as session:
            again = await Caller(session, address, tmp_path).post("k1", document())
    finally:
        await stop_erp(process)
    assert again[1]["reference"] == first[1]["reference"]
    assert again[1]["repeated"] is True


async def test_a_taken_port_is_told(erp: Caller) -> None:
    """A second ERP on the same port does not start, and says so."""
    with pytest.raises(ConfigurationError) as caught:
        await start_erp(erp.data.parent / "other", int(erp.address.rpartition(":")[2]))
    assert caught.value.code == "TW-7503"


async def test_an_erp_that_is_not_there_is_not_connected() -> None:
    """Steering it fails with a code, not with a stack."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(NotConnected) as caught:
            await set_mode(session, "http://127.0.0.1:9", "down")
    assert caught.value.code == "TW-7504"


def test_a_ledger_that_was_never_made_holds_nothing(tmp_path: Path) -> None:
    """The grader reads an empty list."""
    assert list(ErpFile(tmp_path).documents()) == []

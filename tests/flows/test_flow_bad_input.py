"""Bad input at the HTTP doors: each has a coded answer, and the hub goes on selling."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flows.memory import peak_memory_bytes
from flows.tills import long_receipt, quayside
from flows.world import QUAYSIDE, Answer, Running, World
from tillway.cli.demo.hub_process import HubProcess
from tillway.security.signatures import signature_of

NDJSON = "application/x-ndjson"
HUGE_BYTES = 50_000_000
SIGNING_SECRET = "a signing secret for these tests only"
OFFICE_KEY = "key-of-the-head-office-for-these-tests-only"


def body(number: int = 1, **more: Any) -> bytes:
    """Return a sale as bytes."""
    return json.dumps(quayside(number, **more)).encode()


def float_totals() -> dict[str, Any]:
    """Return totals whose money is a JSON number."""
    return {"gross": 4.0, "rebate": 0.0, "net": 4.0, "vat": 0.64, "toPay": 4.0, "pieces": 1}


def described(code: str, text: str) -> Callable[[Answer], None]:
    """Return a check: the answer has this code, and says this somewhere."""

    def check(answer: Answer) -> None:
        assert answer.body["code"] == code
        assert answer.body["advice"]
        assert text in answer.text

    return check


QUARANTINED = {
    "unknown kind of document": (body(docType="MYSTERY"), "TW-2105", "no_mapping"),
    "unknown tender": (
        body(payments=[{"method": "MOONCOIN", "amt": "4.00"}]),
        "TW-3311",
        "codes/tender.csv",
    ),
    "unknown control code": (body(docType="CONTROL", event="DANCE"), "TW-3311", "DANCE"),
    "float money": (body(totals=float_totals()), "TW-3301", "float money: send it as text"),
    "impossible date": (body(bizDate="2026-13-45"), "TW-3301", "2026-13-45"),
    "store of another key": (body(store="0005"), "TW-2104", "foreign_store"),
    "lines that are no list": (body(items={"a": 1}), "TW-2104", "lines[0]"),
}
REFUSED = {
    "truncated": (body()[:300], 400, "TW-3021", '"offset":"300"'),
    "garbage": (b"\x00\x01\x02 no json", 400, "TW-3022", "UTF-8"),
    "UTF-16": (json.dumps(quayside(1)).encode("utf-16"), 400, "TW-3022", "UTF-8"),
    "Latin-1": (b'{"cashierNo": "J\xfcrgen"}', 400, "TW-3022", "UTF-8"),
    "nothing": (b"", 400, "TW-2011", "body"),
    "blanks": (b"  \n ", 400, "TW-3023", "empty"),
    "a text": (b'"sale"', 400, "TW-3026", "object"),
    "NaN": (body().replace(b'"4.00"', b"NaN", 1), 400, "TW-3025", "NaN"),
    "a name twice": (body().replace(b"{", b'{"docNo": 2,', 1), 400, "TW-3024", "docNo"),
    "depth": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 413, "TW-3011", "deep"),
    "too many lines": (json.dumps(long_receipt(1, 20_001)).encode(), 413, "TW-3012", "20000"),
}


@asynccontextmanager
async def still_selling(world: World) -> AsyncIterator[Running]:
    """Run a hub for bad input; afterwards a good sale must pass and the books must balance."""
    async with world.running() as running:
        yield running
        await running.settled()
        before = len(world.documents())
        good = await running.sell(quayside(9000))
        assert (good.status, good.body["outcome"]) == (202, "accepted")
        await running.settled()
        assert len(world.documents()) == before + 1
        assert world.documents()[-1] == "0002:01:2026-11-20:9000"


async def test_a_sender_who_is_not_known_learns_nothing(world: World) -> None:
    """No key, a wrong key and a key in the wrong place get the same answer, and store nothing."""
    async with still_selling(world) as running:
        answers = [
            await running.post(quayside(1)),
            await running.post(quayside(1), "nobody's key"),
            await running.post(b"not even a sale", "nobody's key"),
            await running.post(quayside(1, store="9999"), world.keys["0002"][:-1]),
            await running.post(quayside(1), x_signature=world.keys["0002"]),
        ]
        assert {answer.status for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert "0002" not in answers[0].text
        assert await running.outcomes() == {}


async def test_a_signed_door_takes_only_what_is_signed_as_it_came(world: World) -> None:
    """The right signature passes; without one, with another one or over other bytes it is 401."""
    door = (world.folder / "systems/quayside.toml").read_text()
    signed = door.replace(
        f'path = "{QUAYSIDE}"',
        'path = "/in/lantern"\nauth = "signature"\nsignature_secrets = "${secret:lantern}"',
    )
    (world.folder / "systems/lantern.toml").write_text(signed)
    world.add_line("secrets.toml", f'lantern = "{SIGNING_SECRET}"')
    world.add_store("0006", "lantern", "EUR")
    sale = body(1, store="0006")
    right = signature_of(SIGNING_SECRET, sale)
    async with still_selling(world) as running:
        for wrong in ({}, {"x_signature": right[:-1] + "x"}, {"x_signature": "0" * 64}):
            answer = await running.post(sale, path="/in/lantern", **wrong)
            assert (answer.status, answer.body["code"]) == (401, "TW-2002")
        other = await running.post(sale + b" ", path="/in/lantern", x_signature=right)
        assert (other.status, other.body["code"]) == (401, "TW-2002")
        assert await running.outcomes() == {}
        answer = await running.post(sale, path="/in/lantern", x_signature=right)
        assert (answer.status, answer.body["outcome"]) == (202, "accepted")


async def test_what_breaks_its_contract_is_kept_and_described(world: World) -> None:
    """Each broken sale is answered 422 with code and field, and kept, its cashier masked."""
    async with still_selling(world) as running:
        for sent, code, says in QUARANTINED.values():
            answer = await running.post(sent, world.keys["0002"])
            assert (answer.status, answer.body["outcome"]) == (422, "quarantined")
            described(code, says)(answer)
        kept = [json.loads(row.raw) for row in await running.quarantine()]
        assert all(sale.pop("cashierNo").startswith("psn:") for sale in kept)
        sent_ones = [json.loads(sent) for sent, _, _ in QUARANTINED.values()]
        for sale in sent_ones:
            del sale["cashierNo"]
        assert {json.dumps(sale) for sale in kept} == {json.dumps(sale) for sale in sent_ones}
        again = await running.post(QUARANTINED["unknown tender"][0], world.keys["0002"])
        assert again.status == 422
        assert len(await running.quarantine()) == len(QUARANTINED)


async def test_what_cannot_be_read_is_refused_and_described(world: World) -> None:
    """Each unreadable body is answered with a code, a cause and advice; the sender keeps it."""
    async with still_selling(world) as running:
        for sent, status, code, says in REFUSED.values():
            answer = await running.post(sent, world.keys["0002"])
            assert answer.status == status, answer.text
            described(code, says)(answer)
        key = world.keys["0002"]
        for headers in ({"content_type": "application/xml"}, {"content_encoding": "gzip"}):
            answer = await running.post(body(), key, **headers)
            assert (answer.status, answer.body["code"]) == (415, "TW-2005")
        lost = await running.post(body(), key, path="/in/nowhere")
        assert (lost.status, lost.body["code"]) == (404, "TW-2006")
        outcomes = await running.outcomes()
        assert set(outcomes) == {"refused"}
        assert await running.quarantine() == []


async def test_a_store_nobody_listed_is_kept_until_it_is_listed(world: World) -> None:
    """The answer names stores.csv; a sender that serves many stores cannot invent one."""
    door = f'path = "{QUAYSIDE}"'
    world.replace("systems/quayside.toml", door, f'{door}\nkeys = "${{secret:office}}"')
    world.add_line("secrets.toml", f'office = "{OFFICE_KEY}"')
    async with still_selling(world) as running:
        answer = await running.post(quayside(1, store="9999"), OFFICE_KEY)
        assert answer.status == 422
        described("TW-2104", "stores.csv")(answer)
        assert answer.body["errors"][0]["rule"] == "UNKNOWN_STORE"
        assert (await running.post(quayside(1), OFFICE_KEY)).status == 202


async def test_a_batch_loses_only_its_bad_lines(world: World) -> None:
    """Each line of a batch has its own outcome; a cut-off end is refused and sent again."""
    key = world.keys["0002"]
    lines = [body(1), b'{"docType": "SA', body(2), body(1), body(3)]
    whole = b"\n".join(lines)
    async with still_selling(world) as running:
        answer = await running.post(whole[:-40], key, content_type=NDJSON)
        assert answer.status == 200
        assert [line["status"] for line in answer.body] == [202, 400, 202, 200, 400]
        assert [line["line"] for line in answer.body] == [1, 2, 3, 4, 5]
        assert [line["error"]["code"] for line in answer.body if "error" in line] == ["TW-3021"] * 2
        again = await running.post(whole, key, content_type=NDJSON)
        assert [line["status"] for line in again.body] == [200, 400, 200, 200, 202]


async def test_ten_thousand_lines_in_one_receipt_are_one_receipt(world: World) -> None:
    """A receipt of 10,000 lines is accepted and booked as one document."""
    async with still_selling(world) as running:
        answer = await running.sell(long_receipt(1, 10_000))
        assert (answer.status, answer.body["outcome"]) == (202, "accepted")
        await running.settled()
        assert world.documents() == ["0002:01:2026-11-20:1"]


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_a_huge_body_is_refused_without_being_held(world: World, chunked: bool) -> None:
    """50 MB are answered 413, whether announced or not, and never lie in the hub's memory."""
    process = HubProcess(world.folder)
    try:
        address = await process.start()
        good = await world.post(address + QUAYSIDE, body(1), world.keys["0002"])
        assert good.status == 202
        assert process._process is not None
        hub = process._process.pid
        before = peak_memory_bytes(hub)
        for _ in range(3):
            answer = await post_huge(world, address + QUAYSIDE, chunked=chunked)
            assert (answer.status, answer.body["code"]) == (413, "TW-2001")
        assert peak_memory_bytes(hub) - before < HUGE_BYTES
        good = await world.post(address + QUAYSIDE, body(2), world.keys["0002"])
        assert good.status == 202
    finally:
        assert await process.stop() == 0


async def post_huge(world: World, url: str, *, chunked: bool) -> Answer:
    """Send 50 MB, announced by Content-Length or in chunks of a body of unknown length."""
    if not chunked:
        return await world.post(url, b"x" * HUGE_BYTES, world.keys["0002"])

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(HUGE_BYTES // 100_000):
            yield b"x" * 100_000

    headers = {"content-type": "application/json", "x-api-key": world.keys["0002"]}
    async with world.session.post(url, data=chunks(), headers=headers) as answer:
        return Answer(answer.status, await answer.json(content_type=None), "")

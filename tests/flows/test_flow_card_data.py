"""Card numbers and track data, planted everywhere a till could put them, never reach the disk.

Searched: journal (also its compressed payloads), notes beside failed files, log of the hub, ledger
of the ERP. Not searched: the shop's own files in `done` and `failed`, which are moved as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from flows.tills import millrace, northgate, poslog, quayside
from flows.world import QUAYSIDE, World, outcomes_of, until, until_async
from tillway.assembly import open_queries
from tillway.cli.demo.hub_process import HubProcess
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.observe import verify

VISA = "4111111111111111"
SPACED = "4012 8888 8888 1881"
DASHED = "5105-1051-0510-5100"
AMEX = "378282246310005"
TRACK_1 = "%B5555555555554444^EXAMPLE/ANN^29121010000000000?"
TRACK_2 = ";6011111111111117=29121010000012300000?"
CARDS = (VISA, SPACED, DASHED, AMEX, TRACK_1, TRACK_2)
MARK = "HARMLESS MARK"
EVERYTHING = f"{MARK} {' / '.join(CARDS)}"
SECRET_DIGITS = tuple(re.sub(r"\D", "", card)[:15] for card in CARDS)
SEPARATED = re.compile(rb"(?<=[0-9])[ -](?=[0-9])")


def json_bodies() -> Iterator[tuple[bytes, str]]:
    """Yield bodies with cards in them and the content type of each."""
    sale = quayside(1)
    sale["items"][0]["label"] = EVERYTHING
    card = {"brand": "VISA", "tail": VISA, "entry": "chip", "CardNumber": VISA, "cvv": "123"}
    paid = {"method": "CREDITCARD", "amt": "4.00", "auth": VISA, "card": card, "Track2": TRACK_2}
    named = quayside(2, payments=[paid], PrimaryAccountNumber=AMEX, note=[EVERYTHING])
    named[VISA] = "the card is the name"
    number = quayside(3, payments=[{**paid, "CardNumber": int(VISA), "ref": int(AMEX)}])
    strange = quayside(4, payments=[{"method": EVERYTHING, "amt": "4.00"}])
    wrong = quayside(5, docNo=VISA, cashierNo=EVERYTHING, bizDate=VISA, currency=VISA)
    for one in (sale, named, number, strange, wrong, {"docType": EVERYTHING, "storeNo": VISA}):
        yield json.dumps(one).encode(), "application/json"
    escaped = json.dumps(quayside(6)).replace("Notebook", "\\u0034" + VISA[1:] + MARK)
    yield escaped.encode(), "application/json"
    cut = json.dumps(sale).encode()
    yield cut[: cut.index(VISA.encode()) + 40], "application/json"
    twice = b'{"%s": 1, "%s": 2}' % (VISA.encode(), VISA.encode())
    yield twice, "application/json"
    yield b'{"a": ' + VISA.encode() + b" " + TRACK_1.encode() + b"}\n{]\n", "application/x-ndjson"
    yield json.dumps(sale).encode("utf-16"), "application/json"


def poslog_files() -> Iterator[tuple[str, bytes]]:
    """Yield POSLog files with cards in known elements, in free text, and where reading fails."""
    fields = (
        f"<CreditDebit><PrimaryAccountNumber>{VISA}</PrimaryAccountNumber>"
        f"<Track2Data>{TRACK_2}</Track2Data><ExpirationDate>2912</ExpirationDate></CreditDebit>"
        f'<Note card="{DASHED}">{EVERYTHING}</Note>'
    )
    good = poslog(northgate(1, tender=fields, note=f" {EVERYTHING}"), northgate(2))
    yield "good", good
    yield "strange", poslog(northgate(3).replace("0001<", f"{VISA}<"))
    yield "cut", good[: good.index(VISA.encode()) + 60]
    yield "entity", poslog(northgate(4, note=f"&c{VISA};"))
    yield "mismatch", poslog(northgate(5, note=f"<c{VISA}>"))
    yield "root", f"<c{VISA}/>".encode()
    yield "text", f"{EVERYTHING} is no XML".encode()
    yield "encoding", f'<?xml version="1.0" encoding="{VISA}"?><POSLog/>'.encode()
    yield "utf16", good.decode().replace("UTF-8", "UTF-16").encode("utf-16")


def csv_files() -> Iterator[tuple[str, bytes]]:
    """Yield CSV files with cards in fields, as kinds of row, and in rows of a wrong length."""
    yield "good", (millrace(1, name=EVERYTHING) + millrace(2, tender=VISA)).encode()
    yield "kind", (f"{VISA};1;2\r\n" + millrace(3)).encode()
    yield "mark", f"{MARK};1;2\r\n".encode()
    yield "length", (millrace(4) + f"H;{EVERYTHING};{VISA}\r\n").encode()
    yield "number", millrace(5, amount=VISA).encode()
    yield "comma", millrace(6).replace("8;EUR;4,00", f"{VISA};EUR;{VISA}x").encode()
    yield "cut", (millrace(7) + f'L;0003;"{EVERYTHING}').encode()


async def hand_everything_in(world: World, address: str) -> int:
    """Send every body and every file; return how many bodies were answered."""
    count = 0
    for body, kind in json_bodies():
        answer = await world.post(address + QUAYSIDE, body, world.keys["0002"], content_type=kind)
        assert answer.status < 500
        count += 1
    for system, suffix, files in (
        ("northgate", "xml", poslog_files()),
        ("millrace", "csv", csv_files()),
    ):
        for name, content in files:
            path = await world.drop(system, f"{name}.{suffix}", content)
            await until(lambda path=path: not path.exists(), f"{path.name} was not taken")
    return count


async def kept_texts(world: World, queries: SqliteQueries) -> dict[str, bytes]:
    """Return everything on the disk by where it lies; payloads of the journal uncompressed."""
    found: dict[str, bytes] = {}
    folders = [world.folder / ".state", world.erp_data]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += (world.folder / "inbox").rglob("*.error.json")
    for path in files:
        found[path.name] = path.read_bytes()
    for message in await queries.read(0, 10_000):
        record = await queries.record(message.position)
        assert record is not None
        found[f"message {message.position}"] = b"\n".join(
            (record.raw, record.message.canonical, record.findings, told(message.envelope))
        )
    for row in await queries.invalid(open_only=False):
        found[f"invalid {row.invalid_id}"] = told(row) + row.raw + row.violations
    return found


def told(record: Any) -> bytes:
    """Return the fields of a record as text."""
    return repr(record).encode()


def cards_in(content: bytes) -> list[str]:
    """Return the planted numbers a text holds, however they are spaced or encoded."""
    plain = SEPARATED.sub(b"", content.replace(b"\x00", b""))
    return [digits for digits in SECRET_DIGITS if digits.encode() in plain]


def test_the_search_finds_what_is_there() -> None:
    """The positive control: every planted form is found when it stands in a text."""
    assert len(set(SECRET_DIGITS)) == len(CARDS)
    for content in (EVERYTHING.encode(), EVERYTHING.encode("utf-16"), json.dumps(CARDS).encode()):
        assert cards_in(b"before " + content + b" after") == list(SECRET_DIGITS)
    assert cards_in(b"****1111 and 04006381333931") == []


async def test_no_card_number_reaches_the_disk(world: World) -> None:
    """After every planted body and file, the cards are nowhere, and the mark beside them is."""
    process = HubProcess(world.folder)
    try:
        address = await process.start()
        bodies = await hand_everything_in(world, address)
        good = await world.post(address + QUAYSIDE, quayside(9000), world.keys["0002"])
        assert good.status == 202
        queries = open_queries(world.folder)
        await until_async(lambda: all_delivered(world, queries), "the ERP did not get everything")
    finally:
        assert await process.stop() == 0
    outcomes = await outcomes_of(queries)
    assert sum(outcomes.values()) > bodies
    assert min(outcomes[name] for name in ("accepted", "quarantined", "refused")) >= 3
    kept = await kept_texts(world, queries)
    assert (await verify(queries)).balanced
    await queries.close()
    assert {where: cards_in(content) for where, content in kept.items() if cards_in(content)} == {}
    marked = {where for where, content in kept.items() if MARK.encode() in content}
    assert {"mark.csv.error.json", "message 1"} <= marked
    assert any(where.startswith("invalid") for where in marked)
    assert "hub.log" in kept
    assert "erp.db" in kept
    assert any(b"0002:01:2026-11-20:9000" in kept[name] for name in kept if name.startswith("erp"))


async def all_delivered(world: World, queries: SqliteQueries) -> bool:
    """Say whether every accepted sale is in the ERP's ledger, or refused by it."""
    accepted = {one.envelope.natural_key for one in await queries.read(0, 10_000)}
    dead = {stored.envelope.natural_key for _, stored in await queries.deliveries(["dead"])}
    return accepted == set(world.documents()) | dead

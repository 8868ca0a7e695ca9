"""Bad files in the watched folders: each ends where a person finds it, its good part taken."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flows.tills import millrace, northgate, poslog, quayside
from flows.world import Running, World, until

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "doctype": (b"<!DOCTYPE POSLog><POSLog/>", "TW-3031"),
    "external": (b'<!DOCTYPE POSLog SYSTEM "http://127.0.0.1:9/x.dtd"><POSLog/>', "TW-3031"),
    "laughs": (
        f'<!DOCTYPE POSLog [<!ENTITY l0 "ha">{LAUGHS}]><POSLog>&l9;</POSLog>'.encode(),
        "TW-3031",
    ),
    "hidden": (b"<?xml version='1.0'?><!-- x --><!DOCTYPE a><POSLog/>", "TW-3031"),
    "utf16": ("\ufeff<!DOCTYPE POSLog><POSLog/>".encode("utf-16-le"), "TW-3031"),
    "utf7": (b'<?xml version="1.0" encoding="utf-7"?><POSLog/>', "TW-3022"),
    "depth": (b"<a>" * 100_000 + b"</a>" * 100_000, "TW-3011"),
    "attributes": (
        b"<POSLog><Transaction "
        + b" ".join(b'a%d="1"' % number for number in range(1000))
        + b"/></POSLog>",
        "TW-3013",
    ),
    "nothing": (b"no XML at all", "TW-3030"),
    "other": (b"<Orders/>", "TW-3032"),
}


@asynccontextmanager
async def still_selling(world: World) -> AsyncIterator[Running]:
    """Run a hub for bad files; afterwards good ones must pass and the books must balance."""
    async with world.running() as running:
        yield running
        await running.settled()
        before = world.documents()
        for system, name, content in (
            ("northgate", "good.xml", poslog(northgate(9000))),
            ("millrace", "good.csv", millrace(9000).encode()),
        ):
            assert (await running.take(system, name, content)).parent.name == "done"
        assert (await running.sell(quayside(9000))).status == 202
        await running.settled()
        assert len(world.documents()) == len(before) + 3


async def failed(running: Running, system: str, name: str, content: bytes) -> dict[str, Any]:
    """Hand a file in that must fail, and return the note beside it."""
    path = await running.take(system, name, content)
    assert path.parent.name == "failed"
    assert path.read_bytes() == content
    note: dict[str, Any] = json.loads((path.parent / f"{name}.error.json").read_text())
    assert note["file"] == name
    return note


@pytest.mark.parametrize(
    ("system", "name", "whole", "code"),
    [
        ("northgate", "day.xml", poslog(*(northgate(n) for n in (1, 2, 3))), "TW-3021"),
        ("millrace", "day.csv", "".join(millrace(n) for n in (1, 2, 3)).encode(), "TW-3021"),
    ],
    ids=["xml", "csv"],
)
async def test_a_cut_off_file_keeps_its_good_prefix(
    world: World, system: str, name: str, whole: bytes, code: str
) -> None:
    """Whole receipts are taken, the note names the offset, and the file sent again is completed."""
    async with still_selling(world) as running:
        cut = whole[: whole.rindex(b"4711")]
        note = await failed(running, system, name, cut)
        assert await running.outcomes() == {"accepted": 2, "refused": 1}
        assert (note["error"]["code"], note["counts"]) == (code, {"accepted": 2, "refused": 1})
        assert 0 < note["error"]["offset"] <= len(cut)
        assert note["bytes"] == len(cut)
        await running.settled()
        assert len(world.documents()) == 2
        assert (await running.take(system, name, whole)).parent.name == "done"
        assert await running.outcomes() == {"accepted": 3, "duplicate": 2, "refused": 1}


async def test_a_row_in_quarantine_is_taken_in_again_with_its_header(world: World) -> None:
    """A row under a header is kept with it: once its store is listed, the row reads back."""
    example = "mappings/erp-report-file.tests/report.in"
    heading, *rows = (world.folder / example).read_text().splitlines(keepends=True)
    content = heading + rows[0].replace("0001", "0077")
    async with world.running() as running:
        await running.take("ledger-report", "day.csv", content.encode())
        (kept,) = await running.quarantine()
        again = await running.operations.reprocess([kept.invalid_id], "ann", "still")
        assert (kept.raw, again) == (content.encode(), {"quarantined": 1})
    world.add_store("0077", "millrace", "EUR")
    async with world.running() as running:
        again = await running.operations.reprocess([kept.invalid_id], "ann", "store added")
        assert again == {"accepted": 1}
        assert await running.quarantine() == []


async def test_hostile_xml_is_refused_before_it_does_anything(world: World) -> None:
    """Document types, entities, depth and hidden encodings are each refused with their code."""
    async with still_selling(world) as running:
        for name, (content, code) in HOSTILE.items():
            note = await failed(running, "northgate", f"{name}.xml", content)
            assert note["error"]["code"] == code, name
            assert note["error"]["advice"]
        assert await running.outcomes() == {"refused": len(HOSTILE)}


async def test_wrong_bytes_in_a_declared_encoding_are_refused(world: World) -> None:
    """Latin-1 in a CSV declared as UTF-8 is refused at its row; the rows before it are taken."""
    world.replace("systems/millrace.toml", 'encoding = "iso-8859-1"', 'encoding = "utf-8"')
    sales = [millrace(1).encode(), millrace(2, name="Käse").encode("latin-1")]
    async with still_selling(world) as running:
        note = await failed(running, "millrace", "umlaut.csv", b"".join(sales))
        assert note["error"]["code"] == "TW-3022"
        assert note["counts"] == {"accepted": 1, "refused": 1}
        assert note["error"]["line"] > 4
        right = millrace(1) + millrace(2, name="Käse")
        path = await running.take("millrace", "umlaut-2.csv", right.encode())
        assert path.parent.name == "done"
        assert await running.outcomes() == {"accepted": 2, "duplicate": 1, "refused": 1}


async def test_an_empty_file_is_put_aside_with_a_note(world: World) -> None:
    """Nothing at all is no day without sales: the note says so."""
    async with still_selling(world) as running:
        for system, name in (("northgate", "empty.xml"), ("millrace", "empty.csv")):
            note = await failed(running, system, name, b"")
            assert (note["error"]["code"], note["bytes"]) == ("TW-2030", 0)
        assert (await failed(running, "millrace", "blank.csv", b"\r\n"))["error"]["code"]
        assert await running.quarantine() == []


async def test_one_file_under_two_names_is_taken_once(world: World) -> None:
    """The second name gives duplicates and nothing new in the books."""
    content = poslog(northgate(1), northgate(2))
    async with still_selling(world) as running:
        for name in ("monday.xml", "monday (1).xml", "monday.xml"):
            assert (await running.take("northgate", name, content)).parent.name == "done"
        await running.settled()
        assert await running.outcomes() == {"accepted": 2, "duplicate": 4}
        assert world.documents() == ["0001:11:2026-11-20:1", "0001:11:2026-11-20:2"]


async def test_a_file_that_is_still_written_is_left_alone(world: World) -> None:
    """Half a file under a name of its own or under a lock is not read; whole, it is taken."""
    content = poslog(northgate(1), northgate(2))
    inbox = world.folder / "inbox/northgate"
    await asyncio.to_thread(inbox.mkdir, parents=True)
    part, locked = inbox / "a.xml.part", inbox / "b.xml"
    part.write_bytes(content[:900])
    async with still_selling(world) as running:
        with locked.open("wb") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            writer.write(content[:900])
            writer.flush()
            for look in ("c.xml", "d.xml"):
                await running.take("northgate", look, poslog(northgate(3)))
            assert (part.exists(), locked.exists()) == (True, True)
            assert await running.outcomes() == {"accepted": 1, "duplicate": 1}
            writer.write(content[900:])
        await until(lambda: not locked.exists(), "the unlocked file was not taken")
        part.write_bytes(content)
        part.rename(inbox / "a.xml")
        await until(lambda: not (inbox / "a.xml").exists(), "the renamed file was not taken")
        assert await running.outcomes() == {"accepted": 3, "duplicate": 3}
        assert not list((inbox / "failed").iterdir())


async def test_a_day_with_quarantined_receipts_is_done(world: World) -> None:
    """An unknown tender or store is kept in quarantine; the file around it is taken as a whole."""
    strange = northgate(2).replace("0001<", "7777<")
    async with still_selling(world) as running:
        day = poslog(northgate(1), strange, northgate(3))
        assert (await running.take("northgate", "day.xml", day)).parent.name == "done"
        rows = (millrace(1) + millrace(2, tender="99") + millrace(3)).encode()
        assert (await running.take("millrace", "day.csv", rows)).parent.name == "done"
        assert await running.outcomes() == {"accepted": 4, "quarantined": 2}
        kept = {(row.natural_key, row.code) for row in await running.quarantine()}
        assert kept == {
            ("7777:11:2026-11-20:2", "TW-2104"),
            ("0003:01:2026-11-20:2", "TW-3311"),
        }


def test_the_bomb_is_a_bomb() -> None:
    """The positive control: the document of the test would spell a billion laughs."""
    text = HOSTILE["laughs"][0].decode()
    assert text.count("&l0;") * 10**8 == 10**9

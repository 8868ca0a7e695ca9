"""Bank statements through a real hub: what adds up is stored once, all else refused whole."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from flows.money_world import kept_in, money_world, stored
from flows.world import Running, World
from tillway.errors import code_record
from tillway.reconcile import findings

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT.parent / "shared" / "samples"))
BANK = SAMPLES / "edi" / "bank"
TABLES = ROOT / "src/tillway/project/templates/cloud-ledger/mappings"
STATEMENT = (TABLES / "bank-line.tests" / "statement.in").read_bytes()
IBAN = b"DE89370400440532013000"
MT940 = (
    b":20:REF\r\n:25:DE89370400440532013000\r\n:28C:9/1\r\n:60F:C261123EUR1273,90\r\n"
    b":61:2611241124C10,10NTRFNONREF//B1\r\n:86:M\xfcller\r\n:62F:C261124EUR1284,00\r\n-\r\n"
)
EXPECTED = {
    "camt.053.001.02-two-statements.xml": (2, ""),
    "camt.053.001.08.xml": (0, "TW-3051"),
    "camt.054.001.08.xml": (1, ""),
    "mt940-30-february.sta": (1, ""),
    "mt940-generic-two-statements.sta": (2, ""),
    "mt940-multi-page.sta": (0, "TW-3050"),
    "mt940-ns-tags.sta": (9, ""),
    "mt940-three-banks-subfields.sta": (16, ""),
    "mt940-try-long-number.sta": (0, ""),
    "mt942-intraday.sta": (0, "TW-3050"),
}


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[World]:
    """Give the project."""
    async with money_world(tmp_path) as made:
        yield made


async def test_a_statement_is_stored_once_and_without_account_numbers(money: World) -> None:
    """Four lines; the same file under another name is four duplicates; no IBAN on the disk."""
    async with money.running() as running:
        assert (await running.take("bank", "a.xml", STATEMENT)).parent.name == "done"
        assert (await running.take("bank", "b.xml", STATEMENT)).parent.name == "done"
        assert await running.outcomes() == {"accepted": 4, "duplicate": 4}
        lines = await stored(running, "bank.statement_line")
        assert sum(Decimal(one["amount"]) for one in lines) == Decimal("273.90")
        assert {one["account"][:4] for one in lines} == {"psn:"}
        assert {one["account_last4"] for one in lines} == {"****3000"}
        assert lines[0]["extensions"]["bank"]["counterparty_account"] == "****4300"
        assert lines[3]["text"] == "Deposit counted again, IBAN ****3000"
    kept = kept_in(money.folder)
    assert b"ADYEN N.V." in kept
    assert IBAN not in kept
    assert b"NL91ABNA0417164300" not in kept


async def test_a_cent_refuses_the_statement_and_the_right_one_is_taken(money: World) -> None:
    """The file stands in failed with both sums named; nothing of it is in the journal."""
    async with money.running() as running:
        wrong = STATEMENT.replace(b'"EUR">81.40<', b'"EUR">81.41<')
        end = await running.take("bank", "a.xml", wrong)
        assert end.parent.name == "failed"
        told = json.loads(end.with_name("a.xml.error.json").read_text())
        assert told["error"]["code"] == "TW-3050"
        assert "1273.91" in json.dumps(told)
        assert "1273.9" in json.dumps(told)
        assert await stored(running, "bank.statement_line") == []
        await running.take("bank", "b.xml", STATEMENT)
        assert len(await stored(running, "bank.statement_line")) == 4


def of_day(day: int, opening: str, closing: str) -> bytes:
    """Return a statement of one credit."""
    credit = f"{Decimal(closing) - Decimal(opening)}"
    head, _, rest = STATEMENT.partition(b"<Ntry>")
    tail = rest[rest.index(b"</Stmt>") :]
    entry = (
        f'<Ntry><Amt Ccy="EUR">{credit}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>2026-11-{day}</Dt></BookgDt><ValDt><Dt>2026-11-{day}</Dt></ValDt></Ntry>"
    )
    head = head.replace(b"STMT-2026-231", f"STMT-{day}".encode()).replace(
        b"2026-11-23", f"2026-11-{day}".encode()
    )
    head = head.replace(b">1273.90<", f">{closing}<".encode())
    return head.replace(b">1000.00<", f">{opening}<".encode()) + entry.encode() + tail


async def gaps(running: Running) -> list[tuple[str, str, str]]:
    """Return business date, balance that was expected and difference of every open gap."""
    books = running.hub.bookkeeper
    assert books is not None
    await books.catch_up()
    return [
        (one.business_date, one.expected, one.difference)
        for one in await findings(running.hub.journal)
        if one.rule == "STATEMENT_GAP"
    ]


async def test_a_statement_that_the_bank_did_not_send_is_missed(money: World) -> None:
    """The next one begins with another balance; the finding goes when the missing one comes."""
    recon = money.folder / "recon"
    recon.mkdir()
    (recon / "store-day.toml").write_text("")
    async with money.running() as running:
        await running.take("bank", "23.xml", STATEMENT)
        await running.take("bank", "25.xml", of_day(25, "1300.00", "1310.00"))
        assert await gaps(running) == [("2026-11-25", "1273.90", "26.10")]
        await running.take("bank", "24.xml", of_day(24, "1273.90", "1300.00"))
        assert await gaps(running) == []


async def test_an_entry_told_in_advance_is_recognised_on_the_statement(money: World) -> None:
    """Both are kept, with one account and one key; only one of them is a statement's."""
    advance = (
        STATEMENT.replace(b"camt.053", b"camt.054")
        .replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
        .replace(b"Stmt>", b"Ntfctn>")
        .replace(b"STMT-2026-231", b"NTF-1")
    )
    async with money.running() as running:
        await running.take("bank", "a.xml", advance)
        await running.take("bank", "b.xml", STATEMENT)
        lines = await stored(running, "bank.statement_line")
        notices = [one for one in lines if one["document"] == "notification"]
        final = [one for one in lines if one["document"] == "statement"]
        assert (len(notices), len(final)) == (4, 4)
        keys = [[(one["account"], one["entry_key"]) for one in part] for part in (notices, final)]
        assert keys[0] == keys[1]


async def test_one_account_is_one_account_in_every_format(money: World) -> None:
    """MT940 and camt of the same account give the same pseudonym, and one table reads both."""
    async with money.running() as running:
        await running.take("bank", "a.xml", STATEMENT)
        await running.take("mt940", "a.sta", MT940)
        lines = await stored(running, "bank.statement_line")
        assert len({one["account"] for one in lines}) == 1
        assert lines[-1]["text"] == "M\xfcller"
        assert lines[-1]["statement_id"] == "2026-11-24/9"


async def test_a_line_in_quarantine_can_be_taken_in_again(money: World) -> None:
    """What is kept of a line reads back as it, after the table that refused it was mended."""
    table = money.folder / "mappings" / "bank-line.toml"
    right = table.read_text()
    table.write_text(right.replace("'document'", "'left(document, 3)'"))
    async with money.running() as running:
        await running.take("mt940", "a.sta", MT940)
        assert await running.outcomes() == {"quarantined": 1}
    table.write_text(right)
    async with money.running() as running:
        (row,) = await running.quarantine()
        assert await running.operations.reprocess([row.invalid_id], "me", "mended") == {
            "accepted": 1
        }
        (line,) = await stored(running, "bank.statement_line")
        assert (line["amount"], line["account"][:4]) == ("10.10", "psn:")


@pytest.mark.parametrize("name", EXPECTED)
async def test_every_sample_ends_in_the_journal_or_with_a_code(money: World, name: str) -> None:
    """Each file is taken, or refused with the code that says what is wrong with it."""
    file = BANK / name
    if not file.exists():
        pytest.skip("the samples are not there")
    lines, code = EXPECTED[name]
    system = "bank" if name.endswith(".xml") else "mt940"
    async with money.running() as running:
        end = await running.take(system, name, file.read_bytes())
        assert end.parent.name == ("failed" if code else "done")
        assert len(await stored(running, "bank.statement_line")) == lines
        assert await running.quarantine() == []
        if code:
            told = json.loads(end.with_name(f"{name}.error.json").read_text())
            assert told["error"]["code"] == code
            assert code_record(code) is not None

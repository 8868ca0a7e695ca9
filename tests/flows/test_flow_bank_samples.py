"""Statements of real banks and payouts of real processors, reconciled to zero, then a cent planted.

What the tills and the processor would have said is worked out of each sample, so that its own lines
are what must be explained. A sample that is refused (its statement does not add up) is not here.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from flows.money_trail import found, prepare, waiting
from flows.money_world import money_world
from flows.test_flow_adyen import NAME
from flows.test_flow_matching import poslog, sale
from flows.test_flow_stripe import served
from flows.tills import DAY
from flows.turned_clock import TurnedClock
from flows.world import Running
from tillway.formats import format_named
from vendors.adyen_account import Json, report, row
from vendors.stripe_account import Account

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT.parent / "shared" / "samples"))
BANK, STRIPE = SAMPLES / "edi" / "bank", SAMPLES / "pos" / "stripe"
STATEMENTS = (
    "camt.053.001.02-two-statements.xml",
    "mt940-30-february.sta",
    "mt940-generic-two-statements.sta",
    "mt940-ns-tags.sta",
    "mt940-three-banks-subfields.sta",
)
FEE, CENT = Decimal("0.35"), Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Credit:
    """A line of a sample: its day, its amount (below zero: a debit), what the payer wrote."""

    number: int
    day: date
    amount: Decimal
    currency: str
    reference: str

    @property
    def payout_id(self) -> str:
        """Return the payout that the line is of, as Adyen's report gives it."""
        return f"MapleStreetEU/{self.number}/{self.currency}"


def lines_of(name: str, content: bytes) -> list[Credit]:
    """Return the lines that the format reads in a statement."""
    records = format_named("camt" if name.endswith("xml") else "mt940", {}).records(
        BytesIO(content)
    )
    values = [one.value for one in records]  # type: ignore[union-attr]
    return [
        Credit(
            number,
            date.fromisoformat(one.get("value_date") or one["booking_date"]),
            Decimal(one["amount"]).quantize(CENT),
            one["currency"],
            one.get("end_to_end_id", ""),
        )
        for number, one in enumerate(values, 1)
    ]


def receipts(lines: list[Credit]) -> Iterator[str]:
    """Yield a receipt for the card payment or the refund that each payout is of."""
    for number, one in enumerate(lines, 1):
        told = sale("0101", number, str(one.amount + FEE), f"PSP{number}")
        day = (one.day - timedelta(days=1)).isoformat()
        yield told.replace(DAY, day).replace(">EUR<", f">{one.currency}<")


def settlements(lines: list[Credit]) -> bytes:
    """Return Adyen's report of a batch for each line; a refund more than sold is a debit."""
    rows: list[Json] = []
    for one in lines:
        told = {
            "Batch Number": str(one.number),
            "Creation Date": f"{one.day - timedelta(days=1)} 10:00:00",
            "Gross Currency": one.currency,
            "Net Currency": one.currency,
        }
        kind = "Refunded" if one.amount + FEE < 0 else "Settled"
        own = {"Psp Reference": f"PSP{one.number}", "Commission (NC)": str(FEE)}
        rows.append(row(kind, str(one.amount + FEE), str(one.amount), **own, **told))
        sent = {"Modification Reference": one.reference or "CARD MONEY"}
        paid = "MerchantPayout" if one.amount > 0 else "MerchantPayin"
        rows.append(row(paid, "", str(-one.amount), **sent, **told))
    return report(*rows)


@asynccontextmanager
async def told(
    folder: Path, name: str, content: bytes, lines: list[Credit]
) -> AsyncIterator[tuple[Running, TurnedClock]]:
    """Run a hub that got the statement, and receipts and payouts for these lines."""
    bank = "bank" if name.endswith("xml") else "mt940"
    clock = TurnedClock(f"{max(one.day for one in lines)}T20:00:00+00:00")
    async with money_world(folder) as world, served(Account()) as port:
        prepare(world, bank, port)
        (world.folder / "systems" / "stripe.toml").unlink()
        recon = world.folder / "recon" / "store-day.toml"
        recon.write_text(recon.read_text().partition("[processors.stripe]")[0])
        async with world.running(clock) as running:
            papers = (
                ("northgate", "day.xml", poslog(*receipts(lines))),
                ("adyen", NAME, settlements(lines)),
                (bank, name, content),
            )
            for system, file, paper in papers:
                assert (await running.take(system, file, paper)).parent.name == "done", system
            assert await running.quarantine() == []
            yield running, clock


async def matched(running: Running) -> int:
    """Return how many payouts and bank lines have found each other."""
    rows = await running.hub.journal.ask(
        "SELECT count(*) FROM recon_item WHERE match_id <> 0 AND kind IN ('payout', 'credit')"
    )
    [(count,)] = rows
    return int(count)


def later(lines: list[Credit]) -> str:
    """Return a moment at which everything is overdue."""
    return f"{max(one.day for one in lines) + timedelta(days=30)}T08:00:00+00:00"


def a_cent_less(name: str, content: bytes) -> bytes:
    """Return the statement with a cent less in its last line and in the balance that follows."""
    return _camt_less(content) if name.endswith("xml") else _mt940_less(content)


def _camt_less(content: bytes) -> bytes:
    root = etree.fromstring(content)
    statement = root.findall(".//{*}Stmt")[-1]
    entry = statement.findall("{*}Ntry")[-1]
    entry_sign = _shift(entry, -CENT)
    for balance in statement.findall("{*}Bal"):
        if balance.findtext("{*}Tp/{*}CdOrPrtry/{*}Cd") == "CLBD":
            _shift(balance, -CENT * entry_sign, signed=True)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _shift(element: Any, by: Decimal, *, signed: bool = False) -> int:
    """Add to the amount of an entry or balance; return its sign."""
    amount = element.find("{*}Amt")
    sign = -1 if element.findtext("{*}CdtDbtInd") == "DBIT" else 1
    amount.text = str(Decimal(amount.text) + (by * sign if signed else by))
    return sign


def _mt940_less(content: bytes) -> bytes:
    *_, line = re.finditer(rb":61:\d{6}(?:\d{4})?R?([CD])[A-Z]?(\d+,\d*)", content)
    closing = re.compile(rb":62F:([CD])\d{6}(?:[A-Z]{3})?(\d+,\d*)").search(content, line.end())
    assert closing is not None
    same = line[1] == closing[1]
    head, middle = content[: line.start(2)], content[line.end(2) : closing.start(2)]
    less, balance = _moved(line[2], -CENT), _moved(closing[2], -CENT if same else CENT)
    return head + less + middle + balance + content[closing.end(2) :]


def _moved(amount: bytes, by: Decimal) -> bytes:
    return str(Decimal(amount.decode().replace(",", ".")) + by).replace(".", ",").encode()


def sample(folder: Path, name: str) -> bytes:
    """Return a sample, or skip the test where there are none."""
    file = folder / name
    if not file.exists():
        pytest.skip("the samples are not there")
    return file.read_bytes()


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_line_of_a_bank_is_explained(tmp_path: Path, name: str) -> None:
    """Receipt, payout with its fee, line: nothing is found and nothing waits for a counterpart."""
    content = sample(BANK, name)
    lines = lines_of(name, content)
    async with told(tmp_path, name, content, lines) as (running, clock):
        assert await found(running, clock, later(lines)) == {}
        assert await waiting(running) == []
        assert await matched(running) == 2 * len(lines)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_cent_planted_in_the_last_line_is_the_only_finding(
    tmp_path: Path, name: str
) -> None:
    """The copy of the statement still adds up; it only says another amount than the payout."""
    content = sample(BANK, name)
    lines = lines_of(name, content)
    planted = a_cent_less(name, content)
    changed = lines_of(name, planted)
    assert [one for one in changed if one not in lines] == changed[-1:]
    async with told(tmp_path, name, planted, lines) as (running, clock):
        differences = await found(running, clock, later(lines))
    last = lines[-1]
    by_name = any(sign.isdigit() for sign in last.reference)
    seen = str(changed[-1].amount) if by_name else "nothing"
    assert differences == {("PAYOUT_DIFF", last.payout_id): (str(last.amount), seen)}

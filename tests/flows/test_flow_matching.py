"""Card money and cash from the till to the bank: two processors and two bank formats through a hub.

Tills of one brand take cards of Adyen and of Stripe and bring cash to the bank. Adyen's report and
statements come as files of theirs; Stripe's payouts as the records that its connector makes, since
`test_flow_money_trail` goes through the connector itself.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

import tillway.project
from flows.money_world import money_world
from flows.test_flow_adyen import NAME, REPORT, STATEMENT
from flows.tills import DAY, POSLOG
from flows.turned_clock import TurnedClock
from flows.world import Running, World

CLOUD = Path(tillway.project.__file__).parent / "templates" / "cloud-ledger"
RECON = """\
deposit_bank = "{bank}"

[processors.adyen]
tender_types = ["credit", "debit"]
systems = ["northgate"]
within_days = 5
bank = "{bank}"

[processors.stripe]
tender_types = ["mobile_wallet"]
systems = ["northgate"]
within_days = 5
bank = "{bank}"
"""
SALES = (("0101", 17, "42.50", "QFQTPCQ8HXSKGK82"), ("0101", 18, "60.00", "QFQTPCQ8HXSKGK83"))
REFUND = ("0101", 19, "-10.00", "B8VQ5N4S3JXG5F82")
BAGS = (("0101", 20, "120.50", "SAFEBAG-0101-1"), ("0102", 5, "79.50", "SAFEBAG-0102-1"))
MT940 = (
    ":20:REF\r\n:25:DE89370400440532013000\r\n:28C:231/1\r\n:60F:C261122EUR1000,00\r\n"
    ":61:2611231123C{payout}NTRFTX7000042XT//B1\r\n:86:TX7000042XT batch 42, MapleStreetEU\r\n"
    ":61:2611231123C120,50NTRFSAFEBAG-0101-1//B2\r\n:86:Cash deposit\r\n"
    ":61:2611231123C79,50NTRFSAFEBAG-0102-1//B3\r\n:86:Cash deposit\r\n"
    ":61:2611231123C8,68NTRFNONREF//B4\r\n:86:STRIPE\r\n"
    ":62F:C261123EUR{closing}\r\n-\r\n"
)
BEFORE, LATER = f"{DAY}T20:00:00+01:00", "2026-12-04T08:00:00+01:00"
Found = dict[tuple[str, str], tuple[str, str]]


@pytest.fixture
async def money(tmp_path: Path) -> AsyncIterator[World]:
    """Give a project with POSLog tills, Adyen, Stripe and two bank formats."""
    async with money_world(tmp_path) as made:
        tills = (CLOUD / "systems" / "northgate.toml").read_text()
        system = made.folder / "systems" / "northgate.toml"
        system.write_text(tills.replace("poll_seconds = 0.5", "poll_seconds = 0.02"))
        stripe = (made.folder / "systems" / "bank.toml").read_text()
        stripe = stripe.replace('format = "camt"', 'format = "ndjson"')
        stripe = stripe.replace("inbox/bank", "inbox/stripe").replace("bank-line", "stripe-payout")
        stripe = stripe.replace('kind == "statement_line"', 'kind == "payout"')
        charges = '[[source.records]]\nwhen = \'kind == "charge"\'\nmapping = "stripe-charge"\n\n'
        stripe = stripe.replace("[source.sequence]", f"{charges}[source.sequence]")
        (made.folder / "systems" / "stripe.toml").write_text(stripe)
        shops = (made.folder / "stores.csv").read_text().replace(",EUR,adyen,", ",EUR,northgate,")
        (made.folder / "stores.csv").write_text(shops)
        yield made


def sale(store: str, number: int, amount: str, reference: str) -> str:
    """Return a sale, or a return below zero, paid by card."""
    kind = "Sale" if Decimal(amount) > 0 else "Return"
    value = amount.removeprefix("-")
    return f"""<Transaction>
<RetailStoreID>{store}</RetailStoreID><WorkstationID>1</WorkstationID>
<SequenceNumber>{number}</SequenceNumber><BusinessDayDate>{DAY}</BusinessDayDate>
<EndDateTime>{DAY}T10:00:30</EndDateTime><OperatorID>9</OperatorID>
<CurrencyCode>EUR</CurrencyCode><RetailTransaction Version="2.1">
<LineItem EntryMethod="Keyed"><SequenceNumber>1</SequenceNumber><{kind} ItemType="Stock">
<POSIdentity POSIDType="GTIN"><POSItemID>00000000047111</POSItemID></POSIdentity>
<ItemID>00000000047111</ItemID><Description>Notebook</Description>
<RegularSalesUnitPrice>{value}</RegularSalesUnitPrice><ExtendedAmount>{value}</ExtendedAmount>
<DiscountAmount>0.00</DiscountAmount><Quantity>1</Quantity></{kind}></LineItem>
<LineItem EntryMethod="Tapped"><SequenceNumber>2</SequenceNumber>
<Tender TenderType="CreditDebit" TypeCode="{"Sale" if kind == "Sale" else "Refund"}">
<TenderID>12</TenderID><Amount>{value}</Amount><Authorization HostAuthorized="true">
<ReferenceNumber>{reference}</ReferenceNumber></Authorization>
<CreditDebit CardType="Credit"/></Tender></LineItem>
<Total TotalType="TransactionGrandAmount">{amount}</Total>
<Total TotalType="TransactionTaxAmount">0.00</Total>
</RetailTransaction></Transaction>"""


def bag(store: str, number: int, amount: str, envelope: str) -> str:
    """Return cash on its way to the bank."""
    return f"""<Transaction>
<RetailStoreID>{store}</RetailStoreID><WorkstationID>1</WorkstationID>
<SequenceNumber>{number}</SequenceNumber><BusinessDayDate>{DAY}</BusinessDayDate>
<EndDateTime>{DAY}T21:03:00</EndDateTime><OperatorID>9</OperatorID>
<CurrencyCode>EUR</CurrencyCode><TenderControlTransaction Version="2.1"><Deposit>
<Tender TenderType="Cash"><Amount>{amount}</Amount></Tender><EnvelopeID>{envelope}</EnvelopeID>
</Deposit></TenderControlTransaction></Transaction>"""


def poslog(*transactions: str) -> bytes:
    """Return transactions as one document."""
    return (POSLOG + "".join(transactions) + "</POSLog>\n").encode()


def stripe_records(net: int = 868) -> bytes:
    """Return a payout of one charge, as the connector of Stripe makes its records."""
    payout = json.loads((CLOUD / "mappings/stripe-payout.tests/on-its-way.in").read_text())
    payout |= {"currency": "EUR", "net": net, "gross": net + 31, "refunded": 0}
    entry = {"category": "charge", "gross": net + 31, "fee": 31, "net": net, "about": "ch_1"}
    payout |= {"entries": [entry]}
    return json.dumps(payout).encode() + b"\n"


async def told(running: Running, bank: str, statement: bytes, report: bytes = REPORT) -> None:
    """Send everything of the story."""
    day = [sale(*one) for one in (*SALES, REFUND)] + [bag(*one) for one in BAGS]
    await running.take("northgate", "day.xml", poslog(*day))
    assert (await running.take("adyen", NAME, report)).parent.name == "done"
    assert (await running.take("stripe", "payout.ndjson", stripe_records())).parent.name == "done"
    name = "a.xml" if bank == "bank" else "a.sta"
    assert (await running.take(bank, name, statement)).parent.name == "done"
    assert await running.quarantine() == []


async def found(running: Running, clock: TurnedClock) -> Found:
    """Return what is open about money two weeks later: (rule, subject) -> expected, found."""
    books = running.hub.bookkeeper
    assert books is not None
    await books.catch_up()
    clock.turn_to(LATER)
    await books.catch_up()
    rules = (
        "TENDER_NO_PAYMENT",
        "PAYMENT_NO_TENDER",
        "AMOUNT_DIFF",
        "PAYOUT_DIFF",
        "DEPOSIT_MISMATCH",
    )
    rows = await running.hub.journal.ask(
        "SELECT rule, subject, expected, found FROM recon_finding WHERE state = 'open'"
    )
    return {(rule, name): (wanted, seen) for rule, name, wanted, seen in rows if rule in rules}


def statement(bank: str, payout: str = "81.40") -> bytes:
    """Return the statement of the bank; the story with another credit for Adyen's payout."""
    apart = Decimal(payout) - Decimal("81.40")
    if bank == "bank":
        stripe = (
            b'<Ntry><Amt Ccy="EUR">8.68</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
            b"<BookgDt><Dt>2026-11-23</Dt></BookgDt><ValDt><Dt>2026-11-23</Dt></ValDt>"
            b"<AddtlNtryInf>STRIPE</AddtlNtryInf></Ntry></Stmt>"
        )
        closing = f"{Decimal('1282.58') + apart}".encode()
        text = STATEMENT.replace(b"</Stmt>", stripe).replace(b">1273.90<", b">" + closing + b"<")
        return text.replace(b">81.40<", f">{payout}<".encode())
    balance = str(Decimal("1290.08") + apart)
    told = {"payout": payout.replace(".", ","), "closing": balance.replace(".", ",")}
    return MT940.format(**told).encode()


def set_up(money: World, bank: str) -> None:
    """Say which bank shows the money."""
    folder = money.folder / "recon"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "store-day.toml").write_text(RECON.format(bank=bank))


# The sale with Stripe is not in the tills here, so that it is the only money without a receipt.
NO_RECEIPT = {("PAYMENT_NO_TENDER", "ch_1"): ("8.99", "nothing")}
PLANTED = {
    "nothing": ("81.40", REPORT, {}),
    "a cent less at the bank": ("81.39", REPORT, {("PAYOUT_DIFF", "42"): ("81.40", "81.39")}),
    "another amount in the report": (
        "81.40",
        REPORT.replace(b",60.00,1,EUR,,59.10,0.90,", b",59.00,1,EUR,,59.10,-0.10,"),
        {("AMOUNT_DIFF", "QFQTPCQ8HXSKGK83"): ("60.00", "59.00")},
    ),
}


@pytest.mark.parametrize("bank", ["bank", "mt940"])
@pytest.mark.parametrize("name", PLANTED)
async def test_money_is_followed_to_the_bank_and_a_difference_found(
    money: World, bank: str, name: str
) -> None:
    """Tenders, refund, two payouts and two bags: exactly what was planted is found."""
    credit, report, wanted = PLANTED[name]
    set_up(money, bank)
    clock = TurnedClock(BEFORE)
    async with money.running(clock) as running:
        await told(running, bank, statement(bank, credit), report)
        differences = await found(running, clock)
    payout = {key: one for key, one in differences.items() if key[0] == "PAYOUT_DIFF"}
    if name == "a cent less at the bank":
        [(_, apart)] = payout.items()
        assert apart == ("81.40", "81.39")
        wanted = payout
    assert differences == {**wanted, **NO_RECEIPT}

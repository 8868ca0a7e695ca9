"""A trading day of two shops as everybody tells it: tills, Adyen, Stripe, and a bank.

One shop takes cards through Adyen and the other through Stripe; both bring cash to the bank. A test
changes one of these papers and says what must be found then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import tillway.project
from flows.test_flow_adyen import NAME
from flows.test_flow_matching import bag, poslog, sale
from flows.turned_clock import TurnedClock
from flows.world import Running, World, until_async
from vendors.adyen_account import Json, report, row
from vendors.stripe_account import KEY, SECRET, Account, charge, entry, payout, refund

CLOUD = Path(tillway.project.__file__).parent / "templates" / "cloud-ledger"
BEFORE, LATER = "2026-11-20T20:00:00+01:00", "2026-12-04T08:00:00+01:00"
TX, BAG = "TX7000042XT", "SAFEBAG-0101-1"
ADYEN_PAYOUT, STRIPE_PAYOUT = "MapleStreetEU/42/EUR", "po_77"
ACROSS = (
    "AMOUNT_DIFF",
    "DEPOSIT_MISMATCH",
    "PAYMENT_NO_TENDER",
    "PAYOUT_DIFF",
    "TENDER_NO_PAYMENT",
)
STORES = """\
business_unit_id,name,time_zone,country,currency,system,registers,api_key_sha256
0101,Maple Street,Europe/Berlin,DE,EUR,northgate,1,
0102,Harbour Row,Europe/Berlin,DE,EUR,harbour,1,
"""
RECON = """\
deposit_bank = "{bank}"

[processors.adyen]
tender_types = ["credit", "debit"]
systems = ["northgate"]
within_days = 5
bank = "{bank}"

[processors.stripe]
tender_types = ["credit", "debit"]
systems = ["harbour"]
within_days = 5
bank = "{bank}"
"""
Found = dict[tuple[str, str], tuple[str, str]]
"""(rule, subject) -> what was expected and what was found."""


@dataclass(slots=True)
class Line:
    """A line of the bank: what it credits (below zero: debits), its reference and its text."""

    amount: Decimal
    reference: str = ""
    text: str = ""


@dataclass(slots=True)
class Trail:
    """The papers of the day. Amounts of the tills and the bank are EUR, those of Stripe cents."""

    northgate: list[tuple[str, int, str, str]] = field(
        default_factory=lambda: [
            ("0101", 17, "42.50", "PSP17"),
            ("0101", 18, "60.00", "PSP18"),
            ("0101", 19, "-10.00", "PSP17"),
        ]
    )
    harbour: list[tuple[str, int, str, str]] = field(
        default_factory=lambda: [
            ("0102", 1, "13.99", "ch_1"),
            ("0102", 2, "25.00", "pi_2"),
            ("0102", 3, "7.30", "ch_3"),
            ("0102", 4, "99.99", "pi_4"),
            ("0102", 5, "-5.00", "re_1"),
        ]
    )
    bags: list[tuple[str, int, str, str]] = field(
        default_factory=lambda: [
            ("0101", 20, "120.50", BAG),
            ("0102", 6, "79.50", "SAFEBAG-0102-1"),
        ]
    )
    settled: list[Json] = field(
        default_factory=lambda: [
            settled("PSP17", "42.50", "42.00", "0.50"),
            settled("PSP18", "60.00", "59.10", "0.90"),
            settled("PSP17", "-10.00", "-10.10", "0.10", "REF19"),
            row("Fee", "", "-1.00", **{"Modification Reference": "Transaction Fees"}),
            row("MerchantPayout", "", "-90.00", **{"Modification Reference": f"{TX} batch 42"}),
        ]
    )
    charges: list[tuple[str, str, int, int]] = field(
        default_factory=lambda: [
            ("ch_1", "pi_1", 1399, 31),
            ("ch_2", "pi_2", 2500, 48),
            ("ch_3", "pi_3", 730, 21),
            ("ch_4", "pi_4", 9999, 170),
        ]
    )
    entries: list[Json] = field(
        default_factory=lambda: [
            entry("charge", 1399, 31, "ch_1"),
            entry("charge", 2500, 48, "ch_2"),
            entry("charge", 730, 21, "ch_3"),
            entry("charge", 9999, 170, "ch_4"),
            entry("refund", -500, 0, "re_1"),
        ]
    )
    paid: int = 13858
    lines: list[Line] = field(
        default_factory=lambda: [
            Line(Decimal("90.00"), TX, f"{TX} batch 42, MapleStreetEU"),
            Line(Decimal("138.58"), text="STRIPE"),
            Line(Decimal("120.50"), BAG, "Cash deposit"),
            Line(Decimal("79.50"), "SAFEBAG-0102-1", "Cash deposit"),
            Line(Decimal("-850.00"), "RENT-11", "Rent of November"),
        ]
    )

    def line(self, text: str) -> Line:
        """Return the line of the bank with this in its reference or text."""
        [found] = [one for one in self.lines if text in f"{one.reference} {one.text}"]
        return found


def settled(payment: str, gross: str, net: str, fee: str, refunded: str = "") -> Json:
    """Return a row of Adyen's report: a payment, or with `refunded` what was given back of it."""
    kind = "Refunded" if refunded else "Settled"
    told = {"Psp Reference": payment, "Commission (NC)": fee}
    return row(kind, gross, net, **told, **{"Modification Reference": refunded or f"CAP{payment}"})


def prepare(world: World, bank: str, stripe_port: int) -> None:
    """Write tills, Stripe, shops and what is reconciled. bank: whose statements show the money."""
    systems = world.folder / "systems"
    tills = (CLOUD / "systems" / "northgate.toml").read_text()
    tills = tills.replace("poll_seconds = 0.5", "poll_seconds = 0.02")
    (systems / "northgate.toml").write_text(tills)
    (systems / "harbour.toml").write_text(tills.replace("inbox/northgate", "inbox/harbour"))
    stripe = (CLOUD / "systems" / "stripe.toml").read_text()
    told = (
        f'api_url = "http://127.0.0.1:{stripe_port}"',
        "poll_seconds = 0.05",
        "search_seconds = 0.2",
        "page_size = 2",
    )
    given = "\n".join(("[source.settings]", *told))
    (systems / "stripe.toml").write_text(stripe.replace("[source.settings]", given))
    world.add_line("secrets.toml", f'stripe_signing_secret = "{SECRET}"')
    world.add_line("secrets.toml", f'stripe_api_key = "{KEY}"')
    (world.folder / "stores.csv").write_text(STORES)
    recon = world.folder / "recon"
    recon.mkdir()
    (recon / "store-day.toml").write_text(RECON.format(bank=bank))


def stripe_account(trail: Trail) -> Account:
    """Return Stripe's side of the day: charges, a refund, and a payout that is complete."""
    account = Account()
    for charge_id, intent, amount, _ in trail.charges:
        store = {"store": "0102"}
        one = charge(charge_id, amount, payment_intent=intent, metadata=store)
        account.tell(one, "charge.captured")
    account.tell(refund("re_1", 500, charge="ch_1", metadata={"store": "0102"}), "refund.created")
    made = payout(STRIPE_PAYOUT, trail.paid, statement_descriptor="STRIPE")
    account.payouts[STRIPE_PAYOUT] = made
    own = entry("payout", -trail.paid, 0, STRIPE_PAYOUT)
    account.entries[STRIPE_PAYOUT] = [own, *trail.entries]
    account.tell({**made, "reconciliation_status": "in_progress"}, "payout.created")
    account.tell(made, "payout.reconciliation_completed")
    return account


async def tell(running: Running, trail: Trail, bank: str) -> None:
    """Bring every paper to the hub and wait for what it fetches from Stripe."""
    mine = [sale(*one) for one in trail.northgate] + [bag(*one) for one in trail.bags[:1]]
    other = [sale(*one) for one in trail.harbour] + [bag(*one) for one in trail.bags[1:]]
    files = (
        ("northgate", "day.xml", poslog(*mine)),
        ("harbour", "day.xml", poslog(*other)),
        ("adyen", NAME, report(*trail.settled)),
        (bank, "statement", STATEMENTS[bank](trail.lines)),
    )
    for system, name, content in files:
        end = await running.take(system, name, content)
        assert end.parent.name == "done", system
    await until_async(lambda: _has_stripe(running, trail), "Stripe's payout did not come")
    assert await running.quarantine() == []


async def found(running: Running, clock: TurnedClock, later: str = LATER) -> Found:
    """Return what is open about money two weeks later."""
    books = running.hub.bookkeeper
    assert books is not None
    await books.catch_up()
    clock.turn_to(later)
    await books.catch_up()
    rows = await running.hub.journal.ask(
        "SELECT rule, subject, expected, found FROM recon_finding WHERE state = 'open'"
    )
    return {(rule, name): (due, seen) for rule, name, due, seen in rows if rule in ACROSS}


async def waiting(running: Running) -> list[tuple[str, str]]:
    """Return kind and reference of everything whose counterpart is awaited."""
    rows = await running.hub.journal.ask(
        "SELECT kind, reference FROM recon_item WHERE match_id = 0 AND due <> '' ORDER BY item_id"
    )
    return [(kind, reference) for kind, reference in rows]


def camt(lines: Iterable[Line], document: str = "053", currency: str = "EUR") -> bytes:
    """Return the lines as a statement (053) or as a notification of single entries (054)."""
    told = list(lines)
    outer, inner = {
        "053": ("BkToCstmrStmt", "Stmt"),
        "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    }[document]
    closing = sum((one.amount for one in told), Decimal("1000.00"))
    balances = [("OPBD", Decimal("1000.00")), ("CLBD", closing)]
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{document}.001.08"><{outer}>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-23T22:15:00+01:00</CreDtTm></GrpHdr>
<{inner}><Id>{document}-231</Id><ElctrncSeqNb>231</ElctrncSeqNb>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>{currency}</Ccy></Acct>
{"".join(_balance(*one) for one in balances) if document == "053" else ""}
{"".join(_entry(one) for one in told)}</{inner}></{outer}></Document>"""
    return text.replace('Ccy="EUR"', f'Ccy="{currency}"').encode()


def mt940(lines: Iterable[Line]) -> bytes:
    """Return the lines as an MT940 statement."""
    told = list(lines)
    closing = sum((one.amount for one in told), Decimal("1000.00"))
    text = [":20:REF", ":25:DE89370400440532013000", ":28C:231/1", ":60F:C261122EUR1000,00"]
    for number, one in enumerate(told, 1):
        amount = f"{_mark(one.amount)}{_comma(one.amount)}"
        text += [f":61:2611231123{amount}NTRF{one.reference or 'NONREF'}//B{number}"]
        text += [f":86:{one.text}"]
    text += [f":62F:{_mark(closing)}261123EUR{_comma(closing)}", "-", ""]
    return "\r\n".join(text).encode()


STATEMENTS: dict[str, Callable[[Iterable[Line]], bytes]] = {"bank": camt, "mt940": mt940}


def _mark(amount: Decimal) -> str:
    return "D" if amount < 0 else "C"


def _comma(amount: Decimal) -> str:
    return str(abs(amount)).replace(".", ",")


def _sided(amount: Decimal) -> str:
    side = "DBIT" if amount < 0 else "CRDT"
    return f'<Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _balance(kind: str, amount: Decimal) -> str:
    of = f"<Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{of}{_sided(amount)}<Dt><Dt>2026-11-23</Dt></Dt></Bal>"


def _entry(line: Line) -> str:
    day = "<Dt>2026-11-23</Dt>"
    refs = f"<Refs><EndToEndId>{line.reference or 'NOTPROVIDED'}</EndToEndId></Refs>"
    said = f"<RmtInf><Ustrd>{line.text}</Ustrd></RmtInf>"
    return (
        f"<Ntry>{_sided(line.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt>{day}</BookgDt>"
        f"<ValDt>{day}</ValDt><NtryDtls><TxDtls>{refs}{said}</TxDtls></NtryDtls></Ntry>"
    )


def _has_stripe(running: Running, trail: Trail) -> Awaitable[bool]:
    async def there() -> bool:
        found = await running.hub.journal.read(0, 10_000)
        steps = [one for one in found if one.envelope.message_type == "payment.updated"]
        payouts = [one for one in found if one.envelope.natural_key.endswith(STRIPE_PAYOUT)]
        return len(steps) == len(trail.charges) + 1 and bool(payouts)

    return there()

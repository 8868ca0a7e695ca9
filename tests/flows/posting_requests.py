"""Postings written by hand, put into the journal as the hub itself puts them there.

The day of one shop in each of the three ways to post it, and what takes it back. Figures are those
of the page for finance people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flows.world import World, until_async
from tillway.assembly import open_queries
from tillway.intake.enveloping import envelope_of, identity_of
from tillway.journal.base import Candidate, Journal
from tillway.journal.sqlite import open_sqlite
from tillway.model import message_type, money, percent
from tillway.model.postings import PostingLine, PostingReported, PostingRequested

ASKER = "hub"
STORE = "0001"
DAY = date(2026, 11, 20)
RECEIVED_AT = 1_795_230_000_000_000
"""2026-11-21, in microseconds; postings made by hand all come at once."""


def line(kind: Any, amount: str, **more: Any) -> PostingLine:
    """Return a line; debit positive, credit negative."""
    if "tax_rate" in more:
        more["tax_rate"] = percent(more["tax_rate"])
    return PostingLine(posting_line_type=kind, amount=money(amount), **more)


STORE_DAY = (
    line("sales", "-1000.00", tax_rate="8", merchandise_hierarchy="FOOD"),
    line("sales", "-200.00"),
    line("tax", "-80.00", tax_rate="8"),
    line("tender", "584.48", tender_type="cash"),
    line("tender", "700.00", tender_type="credit"),
    line("tender", "70.00", tender_type="debit"),
    line("tender", "30.00", tender_type="gift_card"),
    line("over_short", "1.00"),
    line("rounding", "0.02"),
    line("tip", "-12.00"),
    line("gift_card", "-50.00"),
    line("deposit", "-3.50"),
    line("account_payment", "-40.00"),
)
"""A day that comes to 1,385.48, the till one short."""
INVOICE = (
    line("sales", "-200.00"),
    line("tender", "200.00", tender_type="house_account"),
)
"""A sale on account that a hybrid posts by itself."""


def cash_lines(amount: str) -> tuple[PostingLine, ...]:
    """Return what was sold for cash, no tax on it."""
    return (line("sales", str(-Decimal(amount))), line("tender", amount, tender_type="cash"))


def receipt_lines(amount: str) -> tuple[PostingLine, ...]:
    """Return the lines of one receipt, paid in cash, tax of 8 percent on top."""
    tax = (Decimal(amount) * 8 / 108).quantize(Decimal("0.01"))
    return (
        line("sales", str(tax - Decimal(amount)), tax_rate="8"),
        line("tax", str(-tax), tax_rate="8"),
        line("tender", amount, tender_type="cash"),
    )


def posting(
    erp: str,
    kind: Any,
    lines: Sequence[PostingLine],
    *,
    key: str = "",
    revision: int = 0,
    reverses: str | None = None,
    store: str = STORE,
    currency: str = "USD",
) -> PostingRequested:
    """Return a posting; its key and amount follow from the rest, as the hub makes them."""
    paid = [one.amount for one in lines if one.posting_line_type in ("tender", "over_short")]
    return PostingRequested(
        erp=erp,
        posting_key=key or f"{store}:{DAY}:{kind}:{currency}:{revision}",
        posting_type=kind,
        business_unit_id=store,
        business_date=DAY,
        currency=currency,
        amount=money(sum(paid, Decimal("0.00"))),
        revision=revision,
        reverses_posting_key=reverses,
        lines=tuple(lines),
    )


def store_day(erp: str, currency: str = "USD") -> PostingRequested:
    """Return the day in one posting (mode A)."""
    return posting(erp, "store_day", STORE_DAY, currency=currency)


def receipts(erp: str, amounts: Iterable[str]) -> list[PostingRequested]:
    """Return a posting for each receipt (mode B); the key is that of the receipt."""
    return [
        posting(erp, "receipt", receipt_lines(amount), key=f"{STORE}:2:{DAY}:{number}")
        for number, amount in enumerate(amounts, 1)
    ]


def hybrid(erp: str) -> list[PostingRequested]:
    """Return the day without its sale on account, and that sale by itself (mode C)."""
    rest = [one for one in STORE_DAY if one.amount not in (Decimal("-200.00"), Decimal("700.00"))]
    day = [*rest, line("tender", "500.00", tender_type="credit")]
    single = posting(erp, "receipt", INVOICE, key=f"{STORE}:2:{DAY}:99")
    return [posting(erp, "store_day", day), single]


def taken_back(asked: PostingRequested, revision: int) -> PostingRequested:
    """Return the reversal of a posting: the same lines with the other sign."""
    lines = [line_taken_back(one) for one in asked.lines]
    return posting(
        asked.erp,
        "reversal",
        lines,
        revision=revision,
        reverses=asked.posting_key,
        store=asked.business_unit_id,
        currency=asked.currency,
    )


def line_taken_back(one: PostingLine) -> PostingLine:
    """Return a line with the other sign."""
    fields = {name: getattr(one, name) for name in one.__struct_fields__}
    return PostingLine(**{**fields, "amount": -one.amount})


def candidate(asked: PostingRequested, release: str = "test") -> Candidate:
    """Return a posting as the journal takes it."""
    kind = message_type("posting.requested")
    identity = identity_of(ASKER, kind, asked)
    canonical = kind.encode(asked)
    message_id = hashlib.blake2b(canonical, digest_size=16).hexdigest()
    envelope = envelope_of(
        kind,
        asked,
        identity,
        system=ASKER,
        door=ASKER,
        message_id=message_id,
        trace_id=message_id,
        received_at=RECEIVED_AT,
        release=release,
    )
    digest = hashlib.sha256(canonical).digest()
    return Candidate(envelope, identity.digest, digest, digest, canonical, canonical)


@dataclass(frozen=True, slots=True)
class Held:
    """What the ERP reported of one posting."""

    posting_key: str
    amount: Decimal | None
    reverses: str | None


async def reported(journal: Journal) -> dict[str, Held]:
    """Return document number -> the posting it is, as the ERP reported it last."""
    kind = message_type("posting.reported")
    found: dict[str, Held] = {}
    for stored in await journal.read(0, 10_000):
        if stored.envelope.message_type == kind.name:
            report: PostingReported = kind.decode(stored.canonical)
            key, back = report.posting_key or "", report.reverses_posting_key
            found[report.document_number] = Held(key, report.amount, back)
    return found


def corrected_days(system: str, days: int) -> list[PostingRequested]:
    """Return so many store-days, then what takes each back, then its revision over 5.00 in cash."""
    first = [posting(system, "store_day", STORE_DAY, store=f"{100 + n}") for n in range(days)]
    again = [
        posting(system, "store_day", cash_lines("5.00"), store=one.business_unit_id, revision=1)
        for one in first
    ]
    return [*first, *(taken_back(one, 1) for one in first), *again]


async def waiting(world: World, asked: Iterable[PostingRequested]) -> None:
    """Put postings into the journal of a project whose hub does not run."""
    journal = await open_sqlite(world.folder / ".state" / "journal.db")
    await journal.append([candidate(one) for one in asked])
    await journal.close()


async def all_posted(world: World, route: str, count: int) -> None:
    """Wait until every posting of a route is delivered."""
    queries = open_queries(world.folder)

    async def done() -> bool:
        totals = await queries.route_totals(route)
        return sum(one.count for one in totals.rows if one.group == "delivered") == count

    try:
        await until_async(done, "not every posting was delivered")
    finally:
        await queries.close()

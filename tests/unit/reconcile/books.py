"""A bookkeeper on a journal in memory, fed with canonical messages: no hub, no doors, no files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec.structs import replace

from tillway.clock import MICROSECONDS, ManualClock
from tillway.journal.base import Candidate
from tillway.journal.memory import MemoryJournal
from tillway.message import Envelope, content_hash, key_digest, natural_key, record_hash
from tillway.model import MESSAGE_TYPES, message_type, to_minor
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.payments import BankStatementLine
from tillway.project.records import Masking, Reconciliation, RecordSelector, SourceRecord
from tillway.reconcile.bookkeeper import Bookkeeper
from tillway.reconcile.findings import Finding
from tillway.reconcile.shelf import Entry
from tillway.testing.examples import (
    example_cash,
    example_control,
    example_day_closed,
    example_sale,
    example_settlement_of_till,
)
from unit.reconcile.days import DAY, STORE, release

EVENING = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
_NAMES = {kind.struct: name for name, kind in MESSAGE_TYPES.items()}


def moment(hour: int, minute: int = 0, day: str = DAY) -> datetime:
    """Return a moment of the day, by the shop's clock in winter."""
    zone = datetime.fromisoformat("2026-11-20T00:00:00+01:00").tzinfo
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), zone)
    return start + timedelta(hours=hour, minutes=minute)


def receipt(number: int, *, day: str = DAY, **more: Any) -> Any:
    """Return the example sale under another number, made `number` minutes after nine."""
    at = moment(9, number, day)
    told = {"sequence_number": number, "business_date": date.fromisoformat(day), "end_at": at}
    return example_sale(**(told | {"begin_at": at} | more))


def no_sale(number: int) -> Any:
    """Return a drawer opened without a sale."""
    return example_control(sequence_number=number, end_at=moment(9, number))


def pickup(number: int) -> Any:
    """Return cash taken out of the drawer."""
    return example_cash(sequence_number=number, end_at=moment(9, number))


def count(session: str = "1") -> Any:
    """Return the count of the till."""
    return example_settlement_of_till(session_id=session)


def close(**more: Any) -> Any:
    """Return the close record of the day."""
    return example_day_closed(**more)


def statement_line(number: int, opening: str, amount: str, **more: Any) -> BankStatementLine:
    """Return the one line of the statement of day `number`."""
    day = date(2026, 11, 2) + timedelta(days=number)
    told: dict[str, Any] = {
        "account": "acc-1",
        "statement_id": f"S{number}",
        "line_no": 1,
        "document": "statement",
        "status": "booked",
        "amount": Decimal(amount),
        "currency": "EUR",
        "value_date": day,
        "statement_date": day,
        "opening_balance": Decimal(opening),
        "closing_balance": Decimal(opening) + Decimal(amount),
    }
    return BankStatementLine(**(told | more))


def stored(message: Any, received_at: int) -> Candidate:
    """Return a message as intake would hand it to the journal."""
    kind = message_type(_NAMES[type(message)])
    canonical, parts = kind.encode(message), kind.key_parts(message)
    amount, currency = kind.money(message), kind.currency(message)
    business_date = kind.business_date(message)
    digest = key_digest("quayside", kind.key_space_of(message), parts)
    envelope = Envelope(
        message_id=content_hash(canonical).hex()[:32],
        message_type=kind.name,
        schema_version=kind.version,
        system="quayside",
        door="quayside",
        natural_key=natural_key(parts),
        lane_key=kind.ordering_key(message),
        received_at=received_at,
        trace_id="0" * 32,
        release="r1",
        store=getattr(message, "business_unit_id", ""),
        workstation=getattr(message, "workstation_id", None) or "",
        business_date=business_date.isoformat() if business_date else "",
        sequence_number=getattr(message, "sequence_number", None),
        currency=currency,
        amount_minor=None
        if amount is None or currency not in MINOR_DIGITS
        else to_minor(amount, currency),
    )
    return Candidate(
        envelope=envelope,
        key_digest=digest,
        record_hash=record_hash({"canonical": canonical.decode()}),
        content_hash=content_hash(canonical),
        raw=canonical,
        canonical=canonical,
    )


class Books:
    """One journal and whoever keeps its books at the moment. made: message types of the shop."""

    def __init__(self, *made: str, connector: str = "files", **settings: Any) -> None:
        self.journal = MemoryJournal()
        self.clock = ManualClock(round(EVENING.timestamp()) * MICROSECONDS)
        self.settings = Reconciliation(**settings)
        self.release = self._release(made, connector)
        self.keeper = self._keeper()

    def restart(self) -> None:
        """Forget everything that was not committed, as a new process does."""
        self.keeper = self._keeper()

    async def take(self, *messages: Any) -> None:
        """Append messages to the journal."""
        now = self.clock.now()
        await self.journal.append([stored(message, now) for message in messages])

    async def caught_up(self, store: str = STORE, day: str = DAY) -> Entry:
        """Read and judge everything; return a day."""
        await self.keeper.catch_up()
        return await self.keeper.shelf.entry(store, day)

    async def open_findings(self, day: str = DAY) -> dict[tuple[str, str], Finding]:
        """Return what is open on a day: (rule, subject) -> finding."""
        known = await self.keeper.log.known(STORE, day)
        return {key: one for key, one in known.items() if one.state == "open"}

    async def moves(self, entry: Entry) -> list[tuple[str, str]]:
        """Return the states a day went through and who moved it."""
        rows = await self.journal.ask(
            "SELECT state, who FROM recon_move WHERE day_id = ? ORDER BY move_id",
            (entry.day.day_id,),
        )
        return [(state, who) for state, who in rows]

    def _keeper(self) -> Bookkeeper:
        numbers = iter(range(1, 10**9))
        return Bookkeeper(
            self.release,
            self.settings,
            self.journal,
            self.clock,
            lambda: f"{next(numbers):032x}",
        )

    def _release(self, made: Sequence[str], connector: str) -> Any:
        always: Any = None
        records = tuple(RecordSelector(always, "", name) for name in made)
        source = SourceRecord(
            system="quayside",
            connector=connector,
            format="json",
            format_options={},
            dialect="",
            settings={},
            records=records,
            masking=Masking(),
        )
        mappings: Any = {name: SimpleNamespace(message_type=name) for name in made}
        return replace(release(self.settings), sources={"quayside": source}, mappings=mappings)


def later(message: Any, **changes: Any) -> Any:
    """Return a message with some fields changed."""
    return msgspec.structs.replace(message, **changes)

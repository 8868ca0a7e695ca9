"""What the suites of the journal's specification stand on: its messages, rows and a fresh journal.

It holds no test. The suites build on each other, appends first and runs of a counter last; a
backend subclasses the last one, `journal_epochs.EpochJournalSuite`, and so passes them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tillway.journal.base import (
    Candidate,
    DeliveryRow,
    Features,
    Invalid,
)
from tillway.message import Envelope, content_hash, key_digest, natural_key

SALE = "retail_transaction.completed"
ROUTE = "pos-to-erp"


def candidate(
    number: int,
    *,
    amount: int | None = 1250,
    store: str = "0145",
    till: str = "03",
    content: bytes = b"",
    record: bytes = b"",
    message_type: str = SALE,
    epoch: int = 0,
    object_id: str = "",
) -> Candidate:
    """Return a message that met its contract; equal numbers of one epoch share a natural key."""
    parts = (store, till, "2026-11-20", str(number), *([f"e{epoch}"] if epoch else []))
    canonical = content or b'{"number":%d,"amount":%d,"epoch":%d}' % (number, amount or 0, epoch)
    envelope = Envelope(
        message_id=hashlib.blake2b(canonical + store.encode(), digest_size=16).hexdigest(),
        message_type=message_type,
        schema_version=1,
        system="quayside",
        door="quayside",
        natural_key=natural_key(parts),
        lane_key=f"{store}:{till}",
        received_at=1_700_000_000_000_000 + number,
        trace_id="0" * 32,
        release="r1",
        store=store,
        workstation=till,
        business_date="2026-11-20",
        sequence_number=number,
        register_epoch=epoch,
        receipt_number=str(number),
        object_id=object_id,
        currency="EUR" if amount is not None else "",
        amount_minor=amount,
    )
    return Candidate(
        envelope=envelope,
        key_digest=key_digest("quayside", "pos", parts),
        record_hash=content_hash(record or b"record" + canonical),
        content_hash=content_hash(canonical),
        raw=b"raw" + canonical,
        canonical=canonical,
    )


def invalid(
    number: int, *, record: bytes = b"bad", known_key: bool = True, epoch: int = 0
) -> Invalid:
    """Return a message that broke its contract."""
    parts = ("0145", "03", "2026-11-20", str(number), *([f"e{epoch}"] if epoch else []))
    return Invalid(
        door="quayside",
        system="quayside",
        record_hash=content_hash(record),
        raw=b'{"tender":"XX"}',
        violations=b'[{"path":"tenders[0].tender_type","rule":"enum"}]',
        code="TW-2104",
        received_at=1_700_000_000_000_000,
        message_type=SALE,
        natural_key=natural_key(parts) if known_key else "",
        key_digest=key_digest("quayside", "pos", parts) if known_key else b"",
        store="0145",
    )


def row(position: int, state: Any = "delivered", **more: Any) -> DeliveryRow:
    """Return a ledger row of the test route."""
    fields = {"lane": f"{ROUTE}/0145:03", "attempts": 1, "updated_at": 5, **more}
    return DeliveryRow(ROUTE, position, state, **fields)


def cells(totals: Any) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Return totals as a dictionary, for comparing."""
    return {
        (t.group, t.message_type, t.currency): (t.count, t.amount_minor, t.unknown) for t in totals
    }


class JournalBench:
    """Opens the backend under test; a subclass gives `features` and `open_journal`."""

    features: Features

    async def open_journal(self, folder: Path) -> Any:
        """Open the journal kept in folder."""
        raise NotImplementedError

    @pytest.fixture
    async def journal(self, tmp_path: Path) -> AsyncIterator[Any]:
        """Give an empty journal."""
        self.folder = tmp_path
        self.opened = await self.open_journal(tmp_path)
        yield self.opened
        await self.opened.close()

    async def reopen(self) -> Any:
        """Close and open again; skips where the backend does not promise to survive."""
        if not self.features.survives_restart:
            pytest.skip(f"{self.features.name} does not promise to survive a restart")
        await self.opened.close()
        self.opened = await self.open_journal(self.folder)
        return self.opened

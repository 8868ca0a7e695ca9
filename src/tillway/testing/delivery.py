"""A bench for delivery: one route on the in-memory journal, under a clock turned by hand.

`books` is the second equation of the hub (guarantees section 2); `crash` drops everything that a
killed process would lose, while `restart` begins again on the same journal.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from tillway.clock import ManualClock, settle
from tillway.delivery import Delivery
from tillway.journal.base import Candidate, DeliveryRow, Settlement, StoredMessage
from tillway.journal.memory import MemoryJournal
from tillway.message import Envelope
from tillway.project.records import (
    BreakerPolicy,
    HubSettings,
    Release,
    RetryPolicy,
    TargetRecord,
)
from tillway.routing import Route
from tillway.testing.targets import ScriptedTarget

SALE = "retail_transaction.completed"
ROUTE = "pos-to-erp"
TURNS = 60


class SlowJournal(MemoryJournal):
    """The in-memory journal, with the pauses of a real one: what is not committed can be lost.

    journal_fault makes the next commit fail; longest_pause counts turns of the event loop.
    """

    def __init__(self, random: Random | None = None) -> None:
        super().__init__()
        self._random = random or Random(0)  # noqa: S311 - a test needs a seed, not a secret
        self.journal_fault: Exception | None = None
        self.longest_pause = 3
        self.settlements: list[Settlement] = []
        self.reads = 0

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Pause, then read."""
        self.reads += 1
        await self._pause()
        return await super().read(after, limit)

    async def settle(self, settlement: Settlement) -> None:
        """Pause, then commit or fail."""
        await self._pause()
        if self.journal_fault is not None:
            raise self.journal_fault
        self.settlements.append(settlement)
        await super().settle(settlement)

    async def _pause(self) -> None:
        for _ in range(self._random.randint(0, self.longest_pause)):
            await asyncio.sleep(0)


@dataclass
class Bench:
    """One route to one scripted target. seed drives jitter and the journal's pauses."""

    target: ScriptedTarget = field(default_factory=ScriptedTarget)
    route: Route = field(
        default_factory=lambda: Route(name=ROUTE, messages=frozenset({SALE}), target="erp")
    )
    retry: RetryPolicy = field(
        default_factory=lambda: RetryPolicy("standard", "fixed", base_seconds=10.0)
    )
    breaker: BreakerPolicy = field(default_factory=lambda: BreakerPolicy("standard"))
    record: TargetRecord | None = None
    mappings: dict[str, Any] = field(default_factory=dict)
    seed: int = 1

    def __post_init__(self) -> None:
        """Make the clock and the journal."""
        self.clock = ManualClock()
        self.random = Random(self.seed)  # noqa: S311 - a test needs a seed, not a secret
        self.journal = SlowJournal(self.random)
        self.delivery: Delivery | None = None
        self._count = 0

    async def accept(self, *lanes: str, **changes: Any) -> list[int]:
        """Put one message per lane name into the journal; returns their positions.

        The body is {"number": n, "lane": name}; changes replace envelope fields, and clean=False
        gives the message findings.
        """
        findings = b"" if changes.pop("clean", True) else b'[{"rule":"TRAN_OUT_OF_BALANCE"}]'
        items = [self._candidate(lane, findings, changes) for lane in lanes]
        receipts = await self.journal.append(items)
        return [receipt.position for receipt in receipts]

    async def start(self) -> Delivery:
        """Start delivery and let it do what it can without time passing."""
        self.delivery = Delivery(
            self._release(), {"erp": self.target}, self.journal, self.clock, self.random
        )
        await self.delivery.start()
        await self.turn()
        return self.delivery

    async def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, and everything happen that can."""
        if seconds:
            await self.clock.advance(seconds)
        for _ in range(TURNS):
            await settle()
            if self.delivery is not None and self._is_idle(self.delivery):
                return

    async def stop(self) -> None:
        """Stop as an orderly process does."""
        assert self.delivery is not None
        await self.delivery.stop(10.0)
        self.delivery = None

    async def crash(self) -> None:
        """Lose everything that is not committed, as kill -9 does."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.journal._listeners.clear()  # noqa: SLF001 - a dead process listens no more
        self.delivery = None

    async def restart(self) -> Delivery:
        """Crash and start again on the same journal."""
        await self.crash()
        return await self.start()

    def row(self, position: int) -> DeliveryRow:
        """Return the ledger row of a position."""
        return self.journal.rows[self.route.name][position]

    def states(self) -> dict[int, str]:
        """Return the state of every position that has a row."""
        rows = self.journal.rows[self.route.name]
        return {position: rows[position].state for position in sorted(rows)}

    def numbers(self) -> list[str]:
        """Return what the target booked, as lane and number, in order."""
        return [key.rsplit("/", 1)[1] for key in self.target.booked]

    async def books(self) -> Counter[str]:
        """Return the counts of the route by state, after checking that they balance."""
        totals = await self.journal.route_totals(self.route.name)
        counts: Counter[str] = Counter()
        for total in (*totals.rows, *totals.filtered, *totals.pending):
            counts[total.group] += total.count
        accepted = sum(total.count for total in totals.accepted)
        assert accepted == sum(counts.values()), f"{accepted} accepted, but {dict(counts)}"
        kept = {(t.message_type, t.currency, t.count, t.amount_minor) for t in totals.filtered_kept}
        derived = {(t.message_type, t.currency, t.count, t.amount_minor) for t in totals.filtered}
        assert kept == derived, f"filtered totals kept {kept}, derived {derived}"
        return counts

    def _is_idle(self, delivery: Delivery) -> bool:
        return all(route.idle for route in delivery.snapshot().routes)

    def _candidate(self, lane: str, findings: bytes, changes: dict[str, Any]) -> Candidate:
        self._count += 1
        number = self._count
        store, _, till = lane.partition(":")
        envelope = Envelope(
            message_id=f"{number:032x}",
            message_type=SALE,
            schema_version=1,
            system="quayside",
            door="quayside",
            natural_key=f"{lane}:{number}",
            lane_key=lane,
            received_at=self.clock.now(),
            trace_id=f"{number:032x}",
            release="r1",
            store=store,
            workstation=till or "1",
            business_date="2026-11-20",
            sequence_number=number,
            currency="EUR",
            amount_minor=100 + number,
        )
        canonical = msgspec.json.encode({"number": number, "lane": lane})
        digest = hashlib.blake2b(canonical, digest_size=16).digest()
        return Candidate(
            msgspec.structs.replace(envelope, **changes),
            digest,
            digest,
            digest,
            canonical,
            canonical,
            findings,
        )

    def _release(self) -> Release:
        record = self.record or TargetRecord("erp", "scripted", self.target.delivery_class, {})
        return Release(
            digest="r1",
            folder=Path(),
            hub=HubSettings("bench"),
            sources={},
            targets={"erp": msgspec.structs.replace(record, system="erp")},
            routes={self.route.name: self.route},
            mappings=self.mappings,
            contracts={},
            retries={self.retry.name: self.retry},
            breakers={self.breaker.name: self.breaker},
            stores={},
        )

"""A watch on a real journal file, without a hub: ledger and clock are moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from operating_world import release
from tillway.clock import MICROSECONDS, ManualClock
from tillway.connect.http_client import HttpReply
from tillway.journal.base import AttemptRow, DeliveryRow, Settlement
from tillway.journal.projection import Change
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.project.alert_records import Receiver, WatchSettings
from tillway.project.records import RetryPolicy, TargetRecord
from tillway.reconcile import TillClock
from tillway.reconcile.tables import tables, write
from tillway.testing.journal import ROUTE, candidate
from tillway.watch import HubFacts, Spool, Watch

PAGER = Receiver("pager", "webhook", url="https://pager.example/alerts", secrets=("one",))
TEN = 1_763_632_800 * MICROSECONDS
"""2025-11-20 10:00:00 UTC, a Thursday; 11:00 in the zone of the hub."""


@dataclass
class Pager:
    """An HTTP client that notes what is sent; broken, it answers 503."""

    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    broken: bool = False

    async def request(
        self, _method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Note one call."""
        if self.broken:
            return HttpReply(503, {}, b"")
        self.sent.append((url, headers, body or b""))
        return HttpReply(204, {}, b"")

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Kit:
    """A journal with one route, and the watch over it."""

    folder: Path
    journal: SqliteJournal
    clock: ManualClock
    watch: Watch
    pager: Pager
    facts: dict[str, Any]
    position: int = 0

    async def accept(self, count: int, **more: Any) -> list[int]:
        """Accept so many sales now; return their positions."""
        found = []
        for _ in range(count):
            self.position += 1
            made = candidate(self.position, **more)
            envelope = _received(made.envelope, self.clock.now())
            await self.journal.append([_with(made, envelope)])
            found.append(self.position)
        return found

    async def deliver(self, positions: list[int], seconds: float = 0.1) -> None:
        """Deliver messages at their first call, so long after now."""
        at = self.clock.now() + round(seconds * MICROSECONDS)
        rows = [
            DeliveryRow(ROUTE, one, "delivered", "lane", 1, at, first_at=at) for one in positions
        ]
        await self.journal.settle(Settlement(ROUTE, rows=rows, cursor=max(positions)))

    async def fail(
        self, positions: list[int], state: Any = "held", code: str = "TW-4106", number: int = 1
    ) -> None:
        """Note a failed call of each message."""
        at = self.clock.now()
        rows = [
            DeliveryRow(
                ROUTE, one, state, "lane", number, at, first_at=at, code=code, reason="retry"
            )
            for one in positions
        ]
        attempts = [
            AttemptRow(ROUTE, one, number, at, at, "transient", code, "503") for one in positions
        ]
        await self.journal.settle(
            Settlement(ROUTE, rows=rows, attempts=attempts, cursor=max(positions))
        )

    async def mend(self, positions: list[int], number: int = 2, kind: Any = "retry") -> None:
        """Note the call that brought each message through after all."""
        at = self.clock.now()
        rows = [DeliveryRow(ROUTE, one, "delivered", "lane", number, at) for one in positions]
        attempts = [
            AttemptRow(ROUTE, one, number, at, at, "delivered", kind=kind) for one in positions
        ]
        await self.journal.settle(Settlement(ROUTE, rows=rows, attempts=attempts))

    async def later(self, **more: float) -> None:
        """Turn the clock on and look."""
        seconds = more.get("seconds", 0) + 60 * more.get("minutes", 0) + 3600 * more.get("hours", 0)
        await self.clock.advance(seconds)
        await self.watch.look()

    def names(self) -> list[str]:
        """Return the rules of what is open."""
        return [one.rule for one in self.watch.open_alerts()]


@asynccontextmanager
async def watched(
    folder: Path,
    settings: WatchSettings | None = None,
    *,
    start: int = TEN,
    pager: Pager | None = None,
    clock: ManualClock | None = None,
    prepare: Callable[[SqliteJournal], Any] | None = None,
) -> AsyncIterator[Kit]:
    """Open a journal, register the route, and watch it."""
    clock = clock or ManualClock(start)
    pager = pager or Pager()
    settings = settings or WatchSettings(receivers={"pager": PAGER})
    made = replace(
        release(folder),
        targets={"erp": TargetRecord("erp", "http", "A", {})},
        retries={"standard": RetryPolicy("standard")},
        watch=settings,
    )
    journal = await open_sqlite(folder / "journal.db")
    await journal.register_route(ROUTE, 0)
    if prepare is not None:
        await prepare(journal)
    facts: dict[str, Any] = {}
    ids = iter(range(10**6))
    watch = Watch(
        made,
        journal,
        clock,
        Spool.beside(journal.path),
        lambda: HubFacts(timings=journal.take_timings(), **facts),
        lambda: f"{next(ids):032x}",
        pager,
    )
    await watch.open()
    kit = Kit(folder, journal, clock, watch, pager, facts, await journal.last_position())
    try:
        yield kit
    finally:
        await watch.close()
        await journal.close()


def _received(envelope: Any, at: int) -> Any:
    return msgspec.structs.replace(envelope, received_at=at)


def _with(made: Any, envelope: Any) -> Any:
    return msgspec.structs.replace(made, envelope=envelope)


def tills(*clocks: TillClock) -> Any:
    """Return what gives a journal store-days and these clocks of tills."""

    async def prepare(journal: Any) -> None:
        await journal.open_tables(tables())
        change = Change()
        change.run(write("clock"), *map(msgspec.structs.astuple, clocks))
        await journal.project(change)

    return prepare


def off(store: str, minutes: int, till: str = "03", at: int = TEN) -> TillClock:
    """Return the clock of a till that is off by so many minutes."""
    return TillClock(store, till, at, at, minutes * 60, minutes * 60)

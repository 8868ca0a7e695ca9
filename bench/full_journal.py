"""A journal after a bad month: delivered mostly, some dead, held and in quarantine, days kept.

Sales are prepared once and stored again under keys of their own, thirty days of tills that no other
row of the bench uses; the books of the store-days and the watch begin where they end.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from bench.backlog import placed
from bench.hub import environment
from tillway.assembly import Hub, open_hub
from tillway.assembly.preparing import message_ids, preparations
from tillway.clock import MICROSECONDS, SystemClock
from tillway.connect import Submission
from tillway.delivery.rebuild import ON_HOLD
from tillway.journal.base import (
    Action,
    AttemptRow,
    Candidate,
    DeliveryRow,
    Invalid,
    Settlement,
)
from tillway.journal.projection import Change, ProjectingJournal
from tillway.message import Envelope, lane_of
from tillway.project import load_release
from tillway.project.records import Release
from tillway.reconcile.shelf import decode_day, encode
from tillway.reconcile.tables import read, write

ROUTE = "pos-to-erp"
DAYS, TILLS = 30, 3
CHUNK = 4096
DEAD_EVERY, HELD_LANES, BEHIND = 2_000, 20, 10
BROKEN = 300
ACTIONS = 500
DAY_MICROSECONDS = 86_400 * MICROSECONDS
SKIPPED_EVERY = 7_000
"""One receipt number in so many never came."""
_CAUSES = (
    ("TW-4001", 'tender code "VOUCHER" stands in no row of codes/tenders.csv'),
    ("TW-4001", "the tax code has no account"),
    ("TW-4002", "the target did not answer for three days"),
    ("TW-4003", "the worker ended three times on this message"),
)
_next_id = message_ids()


@dataclass(slots=True)
class FullJournal:
    """Writes one journal step by step; first is the date of its oldest sales, count all of them."""

    hub: Hub
    sales: list[Candidate]
    count: int
    first: date

    @property
    def release(self) -> Release:
        """Return the project."""
        return self.hub.release

    @property
    def journal(self) -> ProjectingJournal:
        """Return the journal of the project."""
        return self.hub.journal

    @property
    def shops(self) -> list[str]:
        """Return the shops of the project."""
        return sorted(self.release.stores)

    async def begin(self, bodies: Sequence[bytes]) -> None:
        """Store the real sales as delivered, keep their days, then what broke its contract."""
        await self.journal.register_route(ROUTE, 0)
        receipts = await self.journal.append(list(self.sales))
        rows = [
            self._row(one.envelope, receipt.position)
            for one, receipt in zip(self.sales, receipts, strict=True)
        ]
        await self.journal.settle(Settlement(ROUTE, rows=rows, cursor=receipts[-1].position))
        if self.hub.bookkeeper is None:
            raise RuntimeError("the template reconciles nothing")
        await self.hub.bookkeeper.catch_up()
        await self._trouble(bodies)
        await self._keep_days()

    async def _trouble(self, bodies: Sequence[bytes]) -> None:
        """Keep copies that broke their contract, and what people did."""
        door = preparations(self.release, SystemClock(), _next_id)["quayside"]
        made = [
            taken.item
            for body in bodies
            for taken in door.taken(Submission(body, format="json"))
            if isinstance(taken.item, Invalid)
        ]
        if len(made) != len(bodies):
            raise RuntimeError(f"{len(bodies) - len(made)} of the broken sales met their contract")
        await self.journal.append(list(made))
        now = time.time_ns() // 1000
        actions = [
            Action(now, f"person {at % 7}", "retry", f"problem {at}", "the ERP knows it now")
            for at in range(ACTIONS)
        ]
        await self.journal.settle(Settlement(ROUTE, actions=actions))

    async def fill(self, first: int, last: int) -> None:
        """Store the sales with these numbers, each with its fate on the route."""
        span = DAYS * DAY_MICROSECONDS / self.count
        oldest = time.time_ns() // 1000 - DAYS * DAY_MICROSECONDS
        for start in range(first, last, CHUNK):
            numbers = range(start, min(start + CHUNK, last))
            items = [self._placed(number, oldest + int(number * span)) for number in numbers]
            receipts = await self.journal.append(items)
            settled = [
                self._settled(number, item, receipt.position)
                for number, item, receipt in zip(numbers, items, receipts, strict=True)
            ]
            await self.journal.settle(
                Settlement(
                    ROUTE,
                    rows=[row for row, _ in settled],
                    attempts=[one for _, one in settled if one is not None],
                    cursor=receipts[-1].position,
                )
            )
        await self._books_are_up_to_date()

    async def _keep_days(self) -> None:
        """Copy the audited days of some shops to every shop and the last two weeks, once."""
        audited = await self.journal.ask("SELECT store, business_date, state, record, book "
                                         "FROM recon_day ORDER BY day_id")  # fmt: skip
        taken = {(store, day) for store, day, *_ in audited}
        change, [[day_id]] = Change(), await self.journal.ask(read("last_day"))
        for ahead in range(14):
            when = (self.first + timedelta(days=DAYS - ahead)).isoformat()
            for at, store in enumerate(self.shops):
                if (store, when) in taken:
                    continue
                day_id += 1
                _, _, state, record, book = audited[at % len(audited)]
                copied = msgspec.structs.replace(
                    decode_day(record), day_id=day_id, store=store, business_date=when
                )
                change.run(write("day"), (day_id, store, when, state, encode(copied), book))
        await self.journal.project(change)

    async def _books_are_up_to_date(self) -> None:
        """Let the books of the store-days go on behind everything stored so far."""
        newest = await self.journal.last_position()
        [[copies]] = await self.journal.ask("SELECT coalesce(max(invalid_id), 0) FROM invalid")
        change = Change()
        cursors = (("message", newest), ("invalid", copies), ("audited", newest))
        change.run(write("cursor"), *cursors)
        await self.journal.project(change)

    def _placed(self, number: int, received_at: int) -> Candidate:
        """Return a sale under a key of its own: shops in turn, tills in turn, a month of days."""
        sale = self.sales[number % len(self.sales)]
        store = self.shops[number % len(self.shops)]
        round_ = number // len(self.shops)
        till = f"{51 + round_ % TILLS}"
        when = (self.first + timedelta(days=number * DAYS // self.count)).isoformat()
        printed = 1 + round_ // TILLS
        printed += printed // SKIPPED_EVERY
        made = placed(sale, store, till, when, printed)
        return replace(made, envelope=replace(made.envelope, received_at=received_at))

    def _settled(
        self, number: int, item: Candidate, position: int
    ) -> tuple[DeliveryRow, AttemptRow | None]:
        """Return the fate of a sale: dead now and then, held behind the head of some lanes."""
        row = self._row(item.envelope, position)
        at = row.updated_at
        if number % DEAD_EVERY == DEAD_EVERY - 1:
            row.code, row.detail = _CAUSES[number // DEAD_EVERY % len(_CAUSES)]
            row.state, row.target_reference = "dead", ""
            return row, AttemptRow(
                ROUTE, position, 1, at - 1000, at, "permanent", row.code, row.detail
            )
        place, shop = divmod(number, len(self.shops))
        if shop < HELD_LANES and not place % TILLS and place <= BEHIND * TILLS:
            row.state, row.reason = "held", "behind_head" if place else ON_HOLD
            row.attempts, row.target_reference = 0, ""
        return row, None

    def _row(self, envelope: Envelope, position: int) -> DeliveryRow:
        """Return the row of a sale that was delivered two seconds after it came."""
        at = envelope.received_at + 2 * MICROSECONDS
        return DeliveryRow(
            ROUTE,
            position,
            "delivered",
            lane_of(ROUTE, envelope.lane_key),
            1,
            at,
            first_at=at,
            target_reference=f"D{position}",
            release=self.release.digest,
        )


@asynccontextmanager
async def full_journal(folder: Path, bodies: list[bytes], count: int) -> AsyncIterator[FullJournal]:
    """Open the journal of a project that no other process runs; count: of the sales in the end."""
    release = load_release(folder, environ=environment())
    door = preparations(release, SystemClock(), _next_id)["quayside"]
    taken = [one.item for one in door.taken(Submission(b"\n".join(bodies), format="ndjson"))]
    hub = await open_hub(release)
    today = SystemClock().now() // DAY_MICROSECONDS
    first = date(1970, 1, 1) + timedelta(days=today - DAYS)
    sales = [item for item in taken if isinstance(item, Candidate)]
    try:
        yield FullJournal(hub, sales, count, first)
    finally:
        await hub.stop()


def broken(bodies: Sequence[bytes]) -> Iterator[bytes]:
    """Yield sales that break their contract, in three ways."""
    for at, body in enumerate(bodies):
        sale: dict[str, Any] = json.loads(body)
        if at % 3 == 0:
            sale["bizDate"] = f"day {at}"
        elif at % 3 == 1:
            del sale["docNo"]
        else:
            sale["docType"] = "UNHEARD-OF"
        yield json.dumps(sale).encode()

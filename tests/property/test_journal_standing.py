"""Where a route stands, from kept books and blocks, is what a plain scan of every row would say.

Surprising: blocks are made a few messages long here, so that small journals have all their levels.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace

from tillway.journal import sqlite_summary
from tillway.journal.base import Candidate, DeliveryRow, Settlement
from tillway.journal.memory import MemoryJournal
from tillway.journal.sqlite import open_sqlite
from tillway.journal.statements import statements
from tillway.observe import verify
from tillway.testing.journal import SALE, candidate
from tillway.testing.journal_objects import version

SMALL = (4, 16, 64)
ROUTES = ("erp", "warehouse", "stale")
STATES = ("delivered", "sending", "held", "in_doubt", "dead", "abandoned")
TYPES = (SALE, "control.recorded")
CARRIED = {"erp": frozenset({SALE}), "warehouse": frozenset(TYPES), "unheard": frozenset(TYPES)}
STEPS = 60


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks small."""
    monkeypatch.setattr(sqlite_summary, "LEVELS", SMALL)


class Chance:
    """Does the same random things to a journal on disk and to its twin."""

    def __init__(self, seed: int, disk: Any, twin: MemoryJournal) -> None:
        self.random = random.Random(seed)
        self.disk, self.twin = disk, twin
        self.count = 0

    async def begin(self) -> None:
        """Register the routes; one starts late."""
        for name in ROUTES:
            start = self.random.choice((0, 0, 7))
            for journal in (self.disk, self.twin):
                await journal.register_route(name, start)

    async def step(self) -> None:
        """Take in or settle."""
        await self.random.choice((self.append, self.settle, self.settle))()

    async def append(self) -> None:
        """Take in some messages: any store, type and money, in no order of time."""
        items = [self.item() for _ in range(self.random.choice((1, 3, 9, 40)))]
        for journal in (self.disk, self.twin):
            await journal.append(items)

    def item(self) -> Candidate:
        """Return a message; some are revisions of objects, newer and older ones mixed."""
        rng = self.random
        self.count += 1
        if rng.random() < 0.3:
            made = version(f"or-{rng.randrange(4)}", rng.randrange(1, 500))
        else:
            made = candidate(
                self.count,
                amount=rng.choice((None, -300, 0, 1250, 99)),
                store=rng.choice(("0145", "0146", "")),
                message_type=rng.choice(TYPES),
            )
        return replace(made, envelope=replace(made.envelope, received_at=rng.randrange(1, 9_999)))

    async def settle(self) -> None:
        """Settle what a route has next, as its dispatcher would, and change some older rows."""
        rng, route = self.random, self.random.choice(ROUTES)
        cursor = (await self.twin.register_route(route, 0)).position
        last = await self.twin.last_position()
        end = min(last, cursor + rng.choice((0, 1, 5, 30)))
        known = {one.position for one in await self.twin.delivery_rows(route, range(1, last + 1))}
        chosen = {at: rng.choice((*STATES, "")) for at in range(cursor + 1, end + 1)}
        passed = [at for at, state in chosen.items() if not state and at not in known]
        chosen |= {at: rng.choice(STATES) for at in rng.sample(sorted(known), min(3, len(known)))}
        if last > end:
            chosen[rng.randrange(end + 1, last + 1)] = "delivered"
        rows = [_row(route, at, state) for at, state in chosen.items() if state]
        settled = Settlement(route, rows, cursor=max(cursor, end), filtered=self.filtered(passed))
        for journal in (self.disk, self.twin):
            await journal.settle(settled)

    def filtered(self, positions: list[int]) -> dict[tuple[str, str], tuple[int, int]]:
        """Return what is passed over as a settlement says it."""
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for at in positions:
            envelope = self.twin.records[at - 1].message.envelope
            key = (envelope.message_type, envelope.currency)
            count, amount = sums.get(key, (0, 0))
            sums[key] = (count + 1, amount + (envelope.amount_minor or 0))
        return sums


def _row(route: str, position: int, state: Any) -> DeliveryRow:
    return DeliveryRow(route, position, state, lane=f"{route}/a", attempts=1, updated_at=5)


async def _compared(disk: Any, twin: MemoryJournal) -> None:
    for carried in (None, CARRIED, {}):
        assert await disk.standing(carried) == await twin.standing(carried)
        assert await disk.waiting(carried) == await twin.waiting(carried)


@pytest.mark.parametrize("seed", range(12))
async def test_kept_books_say_what_a_scan_says(tmp_path: Path, seed: int) -> None:
    """Any journal, all states, history of objects, stale routes: the same figures to the cent."""
    disk, twin = await open_sqlite(tmp_path / "journal.db"), MemoryJournal()
    chance = Chance(seed, disk, twin)
    await chance.begin()
    for _ in range(STEPS):
        await chance.step()
        await _compared(disk, twin)
    assert (await verify(disk)).balanced
    await disk.close()


async def test_a_block_that_tells_less_is_found(tmp_path: Path) -> None:
    """Positive control: the comparison sees one wrong moment in one block."""
    disk, twin = await open_sqlite(tmp_path / "journal.db"), MemoryJournal()
    chance = Chance(3, disk, twin)
    await chance.begin()
    for _ in range(8):
        await chance.append()
    await _compared(disk, twin)
    await disk.close()
    db = apsw.Connection(str(tmp_path / "journal.db"))
    db.execute("UPDATE summary SET oldest_at = 0 WHERE size = ? AND block = 1", (max(SMALL),))
    db.close()
    disk = await open_sqlite(tmp_path / "journal.db")
    with pytest.raises(AssertionError):
        await _compared(disk, twin)
    await disk.close()


@pytest.mark.parametrize("newest", [0, 3, 4, 63, 64, 65, 127, 128, 200, 300])
def test_ranges_cover_what_is_behind_exactly_once(newest: int) -> None:
    """Every position behind the cursor stands in one range, and blocks begin where they should."""
    for cursor in range(newest + 3):
        for settled in range(cursor, newest + 1, 3):
            pieces = list(sqlite_summary.pieces(cursor, settled, newest))
            covered = [at for low, high, _ in pieces for at in range(low + 1, high + 1)]
            assert covered == list(range(cursor + 1, newest + 1))
            for low, high, size in pieces:
                assert not size or (low % size == high % size == 0 and low >= settled)


async def test_the_cost_of_a_backlog_is_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten times as much waiting costs little more; a plain scan of it costs ten times as much."""
    monkeypatch.setattr(sqlite_summary, "LEVELS", (*SMALL, 256, 1_024))
    disk = await open_sqlite(tmp_path / "journal.db")
    await disk.register_route("erp", 0)
    await disk.append([candidate(number) for number in range(1, 401)])
    few = _steps(tmp_path / "journal.db")
    await disk.append([candidate(number) for number in range(401, 4_001)])
    many = _steps(tmp_path / "journal.db")
    monkeypatch.setattr(sqlite_summary, "LEVELS", (1_000_000,))
    scanned = _steps(tmp_path / "journal.db")
    await disk.close()
    assert many < 3 * few
    assert scanned > 10 * many


def _steps(path: Path) -> int:
    """Return how many steps of its machine SQLite takes to add up what is behind."""
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    steps = 0

    def note() -> bool:
        nonlocal steps
        steps += 1
        return False

    db.set_progress_handler(note, 1)
    route_id = db.execute(statements("settle.sql")["route"], ("erp",)).get[0]
    sqlite_summary.pending(db, route_id, 0)
    db.close()
    return steps

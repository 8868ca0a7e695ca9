"""The journal of a running hub is kept small, step by step, by the settings of the project."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from tillway.assembly.acknowledgement import Acknowledgement, leave, note_path
from tillway.assembly.upkeep import DAY_MICROSECONDS, LOOK_SECONDS, Upkeep, cutoffs
from tillway.clock import ManualClock
from tillway.errors import Refused
from tillway.journal.base import Settlement
from tillway.journal.keeping import Cutoffs, Restored
from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_queries import open_queries
from tillway.observe import verify
from tillway.project.records import HubSettings
from tillway.testing.journal import ROUTE, candidate, row

SETTINGS = HubSettings("harbour-chain")
RECEIVED_AT = candidate(1).envelope.received_at


class QuickClock(ManualClock):
    """A clock whose sleepers go on at once; time passes all the same."""

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self._elapsed += seconds
        await asyncio.sleep(0)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Any]:
    """Give a journal file."""
    opened = await open_sqlite(tmp_path / "journal.db")
    yield opened
    await opened.close()


def upkeep_of(journal: Any, told: list[str] | None = None, **settings: int) -> Upkeep:
    """Return the upkeep of a journal, 500 days after its messages came."""
    clock = QuickClock(RECEIVED_AT + 500 * DAY_MICROSECONDS)
    chosen = replace(SETTINGS, **settings)
    return Upkeep(journal, chosen, clock, lambda: (told or []).append("acknowledged"))


async def filled(journal: Any, count: int, *, bytes_each: int = 0) -> None:
    """Store so many delivered messages; every tenth is dead."""
    for start in range(0, count, 500):
        many = range(start + 1, min(start + 500, count) + 1)
        items = [candidate(number) for number in many]
        for item in items:
            if bytes_each:
                item.raw = Random(item.envelope.sequence_number).randbytes(bytes_each)
                item.canonical = item.raw
        await journal.append(items)
    await journal.register_route(ROUTE, 0)
    rows = [row(at, "dead" if at % 10 == 0 else "delivered") for at in range(1, count + 1)]
    await journal.settle(Settlement(ROUTE, rows=rows, cursor=count))


def test_days_become_moments() -> None:
    """0 days keep for ever, and a very long time never reaches before the clock began."""
    found = cutoffs(replace(SETTINGS, raw_days=1, canonical_days=0, attempt_days=10**6), 10**16)
    assert found.raw == 10**16 - DAY_MICROSECONDS
    assert found.canonical == 0
    assert found.attempts == 1


async def test_a_round_lets_go_of_all_that_is_old_and_settled(journal: Any) -> None:
    """More than one step is needed; dead letters keep everything; the books balance."""
    await filled(journal, 1200)
    gone = await upkeep_of(journal).round()
    assert (gone.raw, gone.canonical) == (1080, 0)
    assert (await upkeep_of(journal).round()).total == 0
    assert (await verify(journal)).balanced
    assert (await journal.record(10)).raw != b""
    assert (await journal.record(11)).raw == b""


async def test_free_room_goes_back_to_the_disk(journal: Any) -> None:
    """After a round the file is shorter, and holds little free room."""
    await filled(journal, 600, bytes_each=8000)
    before = await journal.storage(Cutoffs())
    gone = await upkeep_of(journal, canonical_days=400).round()
    assert gone.canonical == 540
    after = await journal.storage(Cutoffs())
    assert before.gives_back
    assert after.size_bytes < before.size_bytes / 2
    assert after.free_bytes <= 0.11 * after.size_bytes


async def test_raw_bytes_alone_free_their_room_too(journal: Any) -> None:
    """Payloads share their pages; what stays is put closer together."""
    await filled(journal, 2000, bytes_each=400)
    before = await journal.storage(Cutoffs())
    assert (await upkeep_of(journal).round()).raw == 1800
    after = await journal.storage(Cutoffs())
    assert after.size_bytes < before.size_bytes * 0.9
    records = [await journal.record(at) for at in (1, 10, 1999)]
    assert [len(one.raw) for one in records] == [0, 400, 0]
    assert [len(one.message.canonical) for one in records] == [400, 400, 400]


async def test_storage_says_what_retention_would_free(journal: Any) -> None:
    """Count and size of the payloads that may go now; none where nothing is old."""
    await filled(journal, 20)
    old = await journal.storage(Cutoffs(raw=RECEIVED_AT + 10**9, canonical=RECEIVED_AT + 10**9))
    assert old.retirable == 36
    assert old.retirable_bytes > 36
    assert (await journal.storage(Cutoffs(raw=1, canonical=1))).retirable == 0
    assert old.size_bytes > old.free_bytes >= 0


async def test_a_running_hub_takes_over_an_acknowledgement(journal: Any) -> None:
    """It is written down with its reason, told to delivery, and the note goes."""
    told: list[str] = []
    upkeep = upkeep_of(journal)
    upkeep.acknowledged = lambda: told.append("acknowledged")
    await journal.mark_restored(Restored(4, 90, 80, "nightly", "ann"))
    leave(journal.path, Acknowledgement(95, "bob", "all there"))
    await upkeep.note_acknowledgement()
    await upkeep.note_acknowledgement()
    assert told == ["acknowledged"]
    assert (await journal.restored()).acknowledged_because == "all there"
    assert not note_path(journal.path).exists()


async def test_upkeep_goes_on_after_a_full_disk(journal: Any, monkeypatch, caplog) -> None:
    """A step that failed is told and tried again in the next round."""
    rounds: list[int] = []

    async def full(_cutoffs: Cutoffs, _limit: int) -> None:
        rounds.append(1)
        raise Refused("TW-5003", "the disk is full", status=507)

    monkeypatch.setattr(journal, "retire", full)
    clock = ManualClock()
    running = asyncio.create_task(Upkeep(journal, SETTINGS, clock, lambda: None).run())
    async with asyncio.timeout(10):
        while len(rounds) < 2:
            await asyncio.sleep(0.001)
            await clock.advance(3600.0 + LOOK_SECONDS)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "goes on later" in caplog.text


async def test_a_reader_sees_a_restore(journal: Any, tmp_path: Path) -> None:
    """Status and doctor read beside the hub."""
    await journal.mark_restored(Restored(4, 90, 80, "nightly", "ann"))
    queries = open_queries(tmp_path / "journal.db")
    found = await queries.restored()
    await queries.close()
    assert found == Restored(4, 90, 80, "nightly", "ann")

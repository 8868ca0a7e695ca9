"""The disk refuses a flush, has no room, or cannot be read: no receipt is worth less for it.

Checkpoints are off here: SQLite hides what fails in an automatic one, a VFS in Python does not.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import apsw
import pytest

from crash.flush_errors import broken_promises, flushes_to_open, opened
from crash.trading import APPENDS_AT_ONCE, ROUNDS, Trade, items_of, missing, trade
from tillway.errors import JournalFault, Refused
from tillway.journal.sqlite import open_sqlite
from tillway.testing.faulty_disk import FaultyDisk, Step
from tillway.testing.journal import candidate

SEED = 20261121
ANSWER_SECONDS = 3.0
FILE_BYTES = 4 * 1024 * 1024
FLUSHES = 50
FULL_AT_BYTES = range(1_000_000, 4_000_000, 400_000)


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """Give a disk that can fail."""
    made = FaultyDisk("faulty")
    yield made
    made.unregister()


async def test_after_a_failed_flush_nothing_is_acknowledged(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    """Whichever flush fails: no answer follows it, and every earlier answer outlives a power cut.

    The disk lies as Linux does: the next flush succeeds and saves nothing of what was lost.
    """
    opening = await flushes_to_open(tmp_path / "made", disk)
    for number in range(1, FLUSHES + 1):
        assert await broken_promises(tmp_path / str(number), disk, opening, number) == []


async def test_a_disk_that_fails_while_the_journal_opens_is_a_journal_fault(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    """The process leaves with 74 then too, and its service manager starts it again."""
    disk.fail_flush = 1
    with pytest.raises(JournalFault):
        await open_sqlite(tmp_path / "journal.db")


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let the kernel itself refuse every write beyond a size (Python ignores the signal)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_checkpoint_that_fails_is_noticed(tmp_path: Path) -> None:
    """The hub leaves when the database file fails, not only when the log has grown as far."""
    journal = await opened(tmp_path)
    journal._writer.checkpoint_pages = 20

    async def fill() -> None:
        for number in range(1, 1_000):
            await journal.append([candidate(number, content=Random(number).randbytes(20_000))])

    with no_file_beyond(FILE_BYTES), pytest.raises(JournalFault):
        await fill()
    log_bytes = (tmp_path / "journal.db-wal").stat().st_size
    await journal.close()
    assert log_bytes < FILE_BYTES // 2


async def test_a_full_disk_refuses_and_takes_again_without_a_restart(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    """Wherever the room ends: 507, nothing lost, and with room again the same is stored once."""
    for room in FULL_AT_BYTES:
        journal, done = await opened(tmp_path / str(room)), Trade()
        disk.room_bytes = room
        with pytest.raises(Refused) as refusal:
            await trade(journal, done, lambda: len(disk.steps))
        assert (refusal.value.code, refusal.value.status) == ("TW-5003", 507)
        with pytest.raises(Refused):
            await journal.append([candidate(99_999, content=Random(SEED).randbytes(400_000))])
        disk.room_bytes = None
        receipts = await journal.append(items_of(ROUNDS * APPENDS_AT_ONCE - 1))
        assert [one.outcome for one in receipts][:5] == ["accepted"] * 5
        await journal.close()
        assert done.receipts, "the disk was full before anything was stored"
        lost = await missing(tmp_path / str(room) / "journal.db", done)
        assert lost == []


async def test_a_disk_that_fails_altogether_leaves_nobody_without_an_answer(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    """First there is no room, then nothing can be read to roll back: an error, not silence."""
    journal = await opened(tmp_path)
    journal._writer._db.execute("PRAGMA cache_size = 1")
    await journal.append(items_of(0))

    def fail(step: Step) -> None:
        if step.kind == "write":
            disk.unreadable = True
            raise apsw.FullError("the disk is full, for a test")

    disk.before = fail
    try:
        for number in (1, 2):
            with pytest.raises((JournalFault, Refused)):
                await asyncio.wait_for(journal.append(items_of(number)), ANSWER_SECONDS)
    finally:
        disk.before = lambda _step: None
        disk.unreadable = False
        await journal.close()
        journal._writer._db.close()


async def test_what_cannot_be_read_is_no_empty_journal(tmp_path: Path, disk: FaultyDisk) -> None:
    """An error while reading is raised, never answered with nothing; healed, all is there."""
    journal, done = await opened(tmp_path), Trade()
    await trade(journal, done, lambda: len(disk.steps))
    disk.unreadable = True
    with pytest.raises(apsw.IOError):
        await journal.read(0, 10_000)
    disk.unreadable = False
    await journal.close()
    assert await missing(tmp_path / "journal.db", done) == []

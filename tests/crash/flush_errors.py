"""A journal whose n-th flush fails: what it answered afterwards, and what is left of the rest.

Surprising: the disk lies as Linux does: the next flush succeeds and saves nothing of what was lost.
Checkpoints are off: SQLite hides what fails in an automatic one, a VFS in Python does not.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from crash.power_cuts import files_after
from crash.trading import Plan, Trade, missing, trade
from tillway.errors import JournalFault
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.testing.faulty_disk import FaultyDisk, survivors
from tillway.testing.journal import candidate

NEVER = 1 << 30
SHARED_FLUSHES = 15
"""So many flushes a run has for sure when several appends share one."""
ROUNDS_FOR_ALL = 60
"""So many rounds have more than 200 flushes when each append has its own."""


async def opened(folder: Path) -> SqliteJournal:
    """Open a journal that only commits flush."""
    journal = await open_sqlite(folder / "journal.db")
    journal._writer.checkpoint_pages = NEVER
    return journal


async def flushes_to_open(folder: Path, disk: FaultyDisk) -> int:
    """Return how many flushes it takes to make a journal."""
    journal = await opened(folder)
    flushes = disk.flushes
    await journal.close()
    return flushes


async def broken_promises(folder: Path, disk: FaultyDisk, opening: int, number: int) -> list[str]:
    """Trade until the flush of this number fails, lose power, and return what does not hold.

    opening: how many flushes it takes to make a journal.
    """
    plan = Plan(rounds=ROUNDS_FOR_ALL, repeats=30, together=number <= SHARED_FLUSHES)
    disk.steps.clear()
    disk.flushes, disk.fail_flush = 0, opening + number
    journal, done = await opened(folder), Trade()
    faults: list[str] = []
    try:
        await trade(journal, done, lambda: len(disk.steps), plan)
        faults.append("the failed flush was not noticed")
    except JournalFault as fault:
        if (fault.code, journal.fault) != ("TW-5001", fault):
            faults.append(f"the journal failed with {fault.code}")
    failed_at = next(at for at, step in enumerate(disk.steps) if step.kind == "failed_flush")
    if any(step > failed_at for step, _ in [*done.receipts, *done.settled]):
        faults.append("something was answered after the failed flush")
    try:
        await journal.append([candidate(99_999)])
        faults.append("the journal took more")
    except JournalFault:
        pass
    left = survivors(disk.steps, Random(number))
    await journal.close()
    disk.fail_flush = 0
    faults += await missing(folder / "journal.db", done, plan)
    faults += await missing(files_after(folder / "cut", left), done, plan)
    return [f"flush {number}: {fault}" for fault in faults]

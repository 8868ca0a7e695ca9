"""Runs of a journal on a recording disk, and what lost power at any moment of them leaves.

Surprising: a run is recorded once and cut many times; each cut opens the files that may be left
with the real journal and asks it for everything that had been answered by then.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from crash.trading import LateCommit, Plan, Trade, missing, plan_of, trade
from tillway.journal.sqlite import open_sqlite
from tillway.testing.faulty_disk import FaultyDisk, Step, survivors

CUTS_OF_A_RUN = 100
EARLY_SHARE = 0.1
"""Share of the cuts that fall before the first answer, most of them while the tables are made."""
CUTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run."""

    steps: list[Step]
    trade: Trade
    plan: Plan

    @property
    def first_answer(self) -> int:
        """Return how many steps were done when something was first acknowledged."""
        return self.trade.receipts[0][0]

    def moment(self, rng: Random) -> int:
        """Return after how many steps the power fails."""
        early = rng.random() < EARLY_SHARE
        first, last = (0, self.first_answer) if early else (self.first_answer, len(self.steps))
        return rng.randint(first, last)


@contextmanager
def recording_disk() -> Iterator[FaultyDisk]:
    """Give a disk that records what is done to it until the block ends."""
    disk = FaultyDisk("recording")
    try:
        yield disk
    finally:
        disk.unregister()


async def recorded(folder: Path, plan: Plan, *, unsafe: str = "") -> Run:
    """Trade on a recording disk; unsafe breaks a promise on purpose."""
    done = Trade()
    with recording_disk() as disk:
        journal = await open_sqlite(folder / "recorded" / "journal.db")
        db = journal._writer._db
        journal._writer.checkpoint_pages = plan.checkpoint_pages
        if unsafe == "synchronous":
            db.execute("PRAGMA synchronous = NORMAL")
        elif unsafe == "answer first":
            journal._writer._db = LateCommit(db)  # type: ignore[assignment]
        await trade(journal, done, lambda: len(disk.steps), plan)
        run = Run(list(disk.steps), done, plan)
        await journal.close()
    return run


async def losses(folder: Path, run: Run, cuts: int, seed: int) -> dict[int, list[str]]:
    """Cut the power at so many moments; return what each of them lost, where one did."""
    rng = Random(seed)
    moments = iter([(run.moment(rng), rng.random()) for _ in range(cuts)])
    found: dict[int, list[str]] = {}

    async def cut_in(part: Path) -> None:
        for cut, luck in moments:
            left = survivors(run.steps[:cut], Random(luck))
            path = files_after(part, left)
            lost = await missing(path, run.trade.until(cut), run.plan)
            if lost:
                found[cut] = lost

    await asyncio.gather(*(cut_in(folder / f"cuts-{n}") for n in range(CUTS_AT_ONCE)))
    return found


def files_after(folder: Path, files: dict[str, bytes]) -> Path:
    """Write the files of a disk into an emptied folder and return the journal among them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "journal.db"


async def losses_of_seed(folder: Path, seed: int, cuts: int = CUTS_OF_A_RUN) -> list[str]:
    """Record the run of a seed, cut it so often, and return what was lost, with the moment."""
    run = await recorded(folder, plan_of(seed))
    found = await losses(folder, run, cuts, seed)
    return [f"seed {seed}, step {cut}: {line}" for cut, lost in found.items() for line in lost]

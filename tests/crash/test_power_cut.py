"""The power fails at any write: whatever had its receipt is there when the journal opens again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from crash.trading import CHECKPOINT_PAGES, Trade, missing, trade
from tillway.journal.sqlite import open_sqlite
from tillway.testing.faulty_disk import FaultyDisk, Step, survivors

CUTS = 200
CUTS_OF_A_CONTROL = 40
SEED = 20261121


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """Give a disk that records what is done to it."""
    made = FaultyDisk("recording")
    yield made
    made.unregister()


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded run."""

    steps: list[Step]
    trade: Trade


class LateCommit:
    """A connection that commits only when the next transaction begins: the answer comes first."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._late = False

    def execute(self, sql: str, *rest: Any) -> Any:
        """Put off a COMMIT; do everything else."""
        if sql == "COMMIT":
            self._late = True
            return None
        if self._late and sql.startswith("BEGIN"):
            self._late = False
            self._db.execute("COMMIT")
        return self._db.execute(sql, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


async def recorded(folder: Path, disk: FaultyDisk, *, unsafe: str = "") -> Run:
    """Trade on a recording disk; unsafe breaks a promise on purpose."""
    journal = await open_sqlite(folder / "recorded" / "journal.db")
    db = journal._writer._db
    db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    if unsafe == "synchronous":
        db.execute("PRAGMA synchronous = NORMAL")
    elif unsafe == "answer first":
        journal._writer._db = LateCommit(db)  # type: ignore[assignment]
    done = Trade()
    await trade(journal, done, lambda: len(disk.steps))
    run = Run(list(disk.steps), done)
    await journal.close()
    return run


async def losses(folder: Path, run: Run, cuts: int, seed: int) -> dict[int, list[str]]:
    """Cut the power at so many moments; return what each of them lost, where one did."""
    rng = Random(seed)
    found = {}
    for number in range(cuts):
        cut = rng.randint(0, len(run.steps))
        part = folder / f"cut-{number}"
        part.mkdir(parents=True)
        for name, content in survivors(run.steps[:cut], rng).items():
            (part / name).write_bytes(content)
        lost = await missing(part / "journal.db", run.trade.until(cut))
        if lost:
            found[cut] = lost
    return found


async def test_no_power_cut_loses_what_was_acknowledged(tmp_path: Path, disk: FaultyDisk) -> None:
    """Receipts, copies and fates answered before the cut are there; the books balance after it."""
    run = await recorded(tmp_path, disk)
    checkpoints = [one for one in run.steps if (one.kind, one.file) == ("flush", "journal.db")]
    assert len(checkpoints) > 2, "no checkpoint was cut"
    disk.steps.clear()
    assert await losses(tmp_path, run, CUTS, SEED) == {}


@pytest.mark.parametrize("unsafe", ["synchronous", "answer first"])
async def test_the_cuts_find_a_journal_that_answers_too_early(
    tmp_path: Path, disk: FaultyDisk, unsafe: str
) -> None:
    """Positive control: without the flush, or before the commit, the same cuts lose receipts."""
    run = await recorded(tmp_path, disk, unsafe=unsafe)
    found = await losses(tmp_path, run, CUTS_OF_A_CONTROL, SEED)
    assert any("answered at step" in line for lost in found.values() for line in lost)

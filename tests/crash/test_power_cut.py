"""The power fails at any write: whatever had its receipt is there when the journal opens again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw
import pytest

from crash.trading import CHECKPOINT_PAGES, LateCommit, Trade, missing, trade
from tillway.journal.sqlite import open_sqlite
from tillway.testing.faulty_disk import FaultyDisk, Step, survivors
from tillway.testing.journal import candidate
from unit.journal.test_journal_version import TO_VERSION_1

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


async def recorded(folder: Path, disk: FaultyDisk, *, unsafe: str = "") -> Run:
    """Trade on a recording disk; unsafe breaks a promise on purpose."""
    journal = await open_sqlite(folder / "recorded" / "journal.db")
    db = journal._writer._db
    journal._writer.checkpoint_pages = CHECKPOINT_PAGES
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


async def test_a_cut_while_the_tables_are_changed_leaves_a_journal_that_opens(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    """Whenever the power fails while an older journal is brought up to date, it can be done again.

    The cut may come at each step of it; all messages are there afterwards.
    """
    path = tmp_path / "older" / "journal.db"
    sales = [candidate(number) for number in range(1, 200)]
    journal = await open_sqlite(path)
    await journal.append(sales)
    await journal.close()
    older = apsw.Connection(str(path))
    older.execute(TO_VERSION_1)
    older.close()
    before = [Step("write", path.name, 0, path.read_bytes()), Step("flush", path.name)]
    disk.steps.clear()
    await (await open_sqlite(path)).close()
    steps = [*before, *disk.steps]
    assert len(steps) > 20, "nothing was changed"
    for cut in range(len(before), len(steps) + 1):
        part = tmp_path / f"cut-{cut}"
        part.mkdir()
        for name, content in survivors(steps[:cut], Random(SEED + cut)).items():
            (part / name).write_bytes(content)
        journal = await open_sqlite(part / path.name)
        stored = await journal.read(0, 1000)
        await journal.close()
        assert [one.canonical for one in stored] == [one.canonical for one in sales], cut


@pytest.mark.parametrize("unsafe", ["synchronous", "answer first"])
async def test_the_cuts_find_a_journal_that_answers_too_early(
    tmp_path: Path, disk: FaultyDisk, unsafe: str
) -> None:
    """Positive control: without the flush, or before the commit, the same cuts lose receipts."""
    run = await recorded(tmp_path, disk, unsafe=unsafe)
    found = await losses(tmp_path, run, CUTS_OF_A_CONTROL, SEED)
    assert any("answered at step" in line for lost in found.values() for line in lost)

"""The power fails at any write: whatever had its receipt is there when the journal opens again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import apsw
import pytest

from crash.power_cuts import files_after, losses, losses_of_seed, recorded, recording_disk
from crash.trading import Plan
from tillway.journal.sqlite import open_sqlite
from tillway.testing.faulty_disk import Step, survivors
from tillway.testing.journal import candidate
from unit.journal.test_journal_version import TO_VERSION_1

RUNS = range(1, 10)
CUTS = 100
CUTS_OF_A_CONTROL = 40
SEED = 20261121


async def test_no_power_cut_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """Receipts, copies and fates answered before the cut are there; the books balance after it."""
    run = await recorded(tmp_path, Plan())
    checkpoints = [one for one in run.steps if (one.kind, one.file) == ("flush", "journal.db")]
    assert len(checkpoints) > 2, "no checkpoint was cut"
    assert await losses(tmp_path, run, CUTS, SEED) == {}


@pytest.mark.parametrize("seed", RUNS)
async def test_no_power_cut_of_another_run_does(tmp_path: Path, seed: int) -> None:
    """Neither do runs with other sizes, other groups to a flush, and checkpoints elsewhere."""
    assert await losses_of_seed(tmp_path, seed) == []


async def test_a_cut_while_the_tables_are_changed_leaves_a_journal_that_opens(
    tmp_path: Path,
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
    with recording_disk() as disk:
        await (await open_sqlite(path)).close()
        steps = [*before, *disk.steps]
    assert len(steps) > 20, "nothing was changed"
    for cut in range(len(before), len(steps) + 1):
        left = survivors(steps[:cut], Random(SEED + cut))
        journal = await open_sqlite(files_after(tmp_path / "cut", left))
        stored = await journal.read(0, 1000)
        await journal.close()
        assert [one.canonical for one in stored] == [one.canonical for one in sales], cut


@pytest.mark.parametrize("unsafe", ["synchronous", "answer first"])
async def test_the_cuts_find_a_journal_that_answers_too_early(tmp_path: Path, unsafe: str) -> None:
    """Positive control: without the flush, or before the commit, the same cuts lose receipts."""
    run = await recorded(tmp_path, Plan(), unsafe=unsafe)
    found = await losses(tmp_path, run, CUTS_OF_A_CONTROL, SEED)
    assert any("answered at step" in line for lost in found.values() for line in lost)

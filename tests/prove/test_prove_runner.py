"""The runner of the proofs: a failing or missing row fails the run and never hides another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prove.__main__ import run
from prove.proof import Job, Outcome, Proof
from prove.rows import AGREED, proof_of, rows
from prove.table import MARK, Row, as_text, write_json, write_page

ROW = Row("kills", "0 lost", "0 lost", ok=True, seeds="1..3", seconds=2.5)
FAILED = Row("fuzz", "ValueError: it\nbroke", "no error", ok=False, seeds="", seconds=0.1)


def untold(_line: str) -> None:
    """Nobody reads the progress."""


def held(job: Job) -> Outcome:
    """Leave a file, and hold."""
    assert list(job.folder.iterdir()) == []
    (job.folder / "scratch").touch()
    return Outcome(f"held in the {job.tier} tier", ok=True, seeds=f"{job.seed}..9")


def raises(_job: Job) -> Outcome:
    """Do not hold."""
    raise ValueError("one sale is gone")


def test_a_row_that_raises_fails_and_the_others_go_on() -> None:
    """Its error is its figure; the next row has a folder of its own and holds."""
    chosen = {"broken": Proof("broken", "holds", raises), "whole": Proof("whole", "holds", held)}
    broken, whole = run(chosen, "quick", 4, untold)
    assert (broken.ok, broken.figure) == (False, "ValueError: one sale is gone")
    assert (whole.ok, whole.figure, whole.seeds) == (True, "held in the quick tier", "4..9")


def test_a_row_that_is_not_there_fails() -> None:
    """Positive control of the list: a missing module is a failed row, not a shorter table."""
    missing = proof_of("no_such_row")
    [row] = run({"no_such_row": missing}, "full", 1, untold)
    assert (row.ok, row.figure) == (False, "not there")


@pytest.mark.parametrize("name", AGREED)
def test_an_agreed_row_can_be_run(name: str) -> None:
    """Every row of the table has its module, which can be imported and says what its goal is."""
    proof = proof_of(name)
    assert proof.goal != "a proof that can be run", proof.prove


def test_rows_are_chosen_by_name_and_keep_their_order() -> None:
    """A name that is no row is refused with the ones there are."""
    assert list(rows(["power_cuts", "kills"])) == ["kills", "power_cuts"]
    assert list(rows()) == list(AGREED)
    with pytest.raises(ValueError, match="no row kill; there are kills"):
        rows(["kill"])


def test_the_table_is_written_as_text_and_as_json(tmp_path: Path) -> None:
    """A failed row is seen at a glance; the document has the agreed fields."""
    text = as_text([ROW, FAILED])
    assert "**NO**" in text.splitlines()[2]
    assert "ValueError: it broke" in text
    write_json([ROW], tmp_path / "rows.json")
    [found] = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert list(found) == ["name", "figure", "goal", "ok", "seeds", "seconds"]


def test_the_table_takes_the_place_of_the_last_one_in_a_page(tmp_path: Path) -> None:
    """What stands around the marks stays; a page without them is refused."""
    page = tmp_path / "page.md"
    page.write_text(f"# Proofs\n<!-- {MARK} -->\nold\n<!-- /{MARK} -->\nmore\n")
    write_page([ROW], page, "One run:")
    write_page([ROW, FAILED], page, "Another run:")
    text = page.read_text()
    assert text.startswith(f"# Proofs\n<!-- {MARK} -->\nAnother run:\n\n| what |")
    assert text.endswith(f"| 0 |\n<!-- /{MARK} -->\nmore\n")
    assert "old" not in text
    assert "One run" not in text
    page.write_text("# Proofs\n")
    with pytest.raises(ValueError, match="has no"):
        write_page([ROW], page, "One run:")

"""`tillway simulate`: its faults by name, and a grade that says what it counted."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.journal.sqlite import open_sqlite
from tillway.project.template import Variables, new_project
from tillway.simulator.fault_catalogue import CATALOGUE
from tillway.simulator.faults import deliveries
from tillway.simulator.plan import ChainPlan
from tillway.simulator.truth import TruthWriter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project whose hub never ran."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command line; return code, stdout and stderr."""
    capsys.readouterr()
    code = run_verb(list(arguments))
    told = capsys.readouterr()
    return code, told.out, told.err


def test_every_fault_is_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, share, what goes wrong and what must come of it, for people and as JSON."""
    code, text, _ = run(capsys, "simulate", "faults")
    assert code == exit_codes.DONE
    for info in CATALOGUE:
        assert f"{info.name} (" in text
        assert info.happens in text
        assert f"must be: {info.must}" in text
    listed = json.loads(run(capsys, "simulate", "faults", "--json")[1])
    assert [one["name"] for one in listed["faults"]] == [info.name for info in CATALOGUE]


def test_a_fault_nobody_knows_stops_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    """The error has its code and the nearest name, and there is no truth file."""
    truth = tmp_path / "truth.jsonl"
    where = ("--project", str(project), "--truth", str(truth))
    code, _, said = run(capsys, "simulate", "--faults", "clock-skw", *where)
    assert code == exit_codes.FAILED
    assert "TW-7505" in said
    assert '"clock-skew"' in said
    assert not truth.exists()


def test_the_truth_of_the_asked_faults_is_written_first(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    """Without a hub nothing is sent, but the truth stands, with a line for each kind of fault."""
    truth = tmp_path / "truth.jsonl"
    where = ("--project", str(project), "--truth", str(truth), "--sales", "300")
    code, _, said = run(capsys, "simulate", "--faults", "late=0.1,clock-skew", *where)
    assert code != exit_codes.DONE
    assert "TW-7604" in said
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    assert {line["fault"] for line in lines if line["line"] == "fault"} == {"late", "clock_skew"}


def test_one_of_a_kind_is_counted_in_the_singular(
    capsys: pytest.CaptureFixture[str], project: Path, tmp_path: Path
) -> None:
    """A truth with one message says `1 message and 0 faults`; an empty hub has lost it."""
    asyncio.run(_empty_journal(project))
    plan, truth = ChainPlan(seed=1, stores=1, sales=0), tmp_path / "truth.jsonl"
    writer = TruthWriter(truth, plan)
    writer.write(next(deliveries(plan)))
    writer.close()
    where = ("--project", str(project), "--truth", str(truth))
    code, text, _ = run(capsys, "simulate", "grade", *where)
    assert code == exit_codes.FAILED
    assert "1 message and 0 faults in the truth" in text
    assert "NOT balanced" in text


async def _empty_journal(project: Path) -> None:
    journal = await open_sqlite(project / ".state/journal.db")
    await journal.close()

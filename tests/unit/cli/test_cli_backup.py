"""Backup and restore on the command line, and what status and doctor say of them."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from operating_world import seeded_journal
from tillway.assembly.acknowledgement import take
from tillway.cli import backup as backup_verb
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.clock import MICROSECONDS, SystemClock
from tillway.journal.base import DeliveryRow, Settlement
from tillway.journal.keeping import Cutoffs
from tillway.journal.sqlite import open_sqlite
from tillway.project.template import Variables, new_project
from tillway.testing.journal import ROUTE, candidate, row

JOURNAL = Path(".state") / "journal.db"
DAYS_900 = 900 * 24 * 3600 * MICROSECONDS


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the priority of the process that runs the tests."""
    monkeypatch.setattr(backup_verb, "step_back", lambda: None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project whose journal holds everything once."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        journal = await open_sqlite(folder / JOURNAL)
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    return folder


def run(capsys: pytest.CaptureFixture[str], project: Path, *arguments: str) -> tuple[int, Any, str]:
    """Run a command line with --json; return code, document and stderr."""
    code = run_verb([*arguments, "--project", str(project), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


def test_a_backup_is_told_in_one_document(project, tmp_path, capsys) -> None:
    """Where it is, what it holds, and its checksum."""
    code, told, _ = run(capsys, project, "backup", str(tmp_path / "b"))
    assert code == exit_codes.DONE
    assert (told["schema"], told["position"], told["balanced"]) == ("tillway.backup/1", 6, True)
    assert told["destination"] == str(tmp_path / "b")
    assert len(told["sha256"]) == 64


def test_a_backup_is_told_in_words(project, tmp_path, capsys) -> None:
    """One line for a person, and never a second backup over the first."""
    arguments = ["backup", str(tmp_path / "b"), "--project", str(project)]
    assert run_verb(arguments) == exit_codes.DONE
    assert "Backed up 6 messages" in capsys.readouterr().out
    assert run_verb(arguments) == exit_codes.FAILED
    assert "TW-5201" in capsys.readouterr().err


def test_a_restore_replaces_only_with_a_reason(project, tmp_path, capsys) -> None:
    """What is there stays without --replace; --replace asks why."""
    backup = str(tmp_path / "b")
    run(capsys, project, "backup", backup)
    assert "TW-5205" in run(capsys, project, "restore", backup)[2]
    assert "TW-7007" in run(capsys, project, "restore", backup, "--replace")[2]
    assert "TW-1001" in run(capsys, project, "restore")[2]
    code, told, _ = run(capsys, project, "restore", backup, "--replace", "--reason", "disk died")
    assert code == exit_codes.DONE
    assert told["manifest"]["position"] == 6
    assert (project / ".state" / told["put_aside"]).exists()


def test_a_restore_waits_for_the_hub_to_stop(project, tmp_path, capsys) -> None:
    """The lock says later, not wrong."""
    backup = str(tmp_path / "b")
    run(capsys, project, "backup", backup)

    async def beside() -> int:
        journal = await open_sqlite(project / JOURNAL)
        arguments = ["restore", backup, "--replace", "--reason", "x", "--project", str(project)]
        code = await asyncio.to_thread(run_verb, arguments)
        await journal.close()
        return code

    assert asyncio.run(beside()) == exit_codes.LATER


def test_status_and_doctor_tell_a_restore_until_it_is_acknowledged(
    project, tmp_path, capsys
) -> None:
    """Both need a person until somebody said that everything was looked at."""
    backup = str(tmp_path / "b")
    assert run(capsys, project, "status")[1]["restored"] is None
    run(capsys, project, "backup", backup)
    run(capsys, project, "restore", backup, "--replace", "--reason", "disk died")
    code, told, _ = run(capsys, project, "status")
    assert code == exit_codes.ATTENTION
    assert (told["restored"]["position"], told["restored"]["reason"]) == (6, "disk died")
    assert _checks(capsys, project)["restored"]["state"] == "warning"
    run_verb(["status", "--project", str(project)])
    assert "restored at" in capsys.readouterr().out
    assert "TW-7007" in run(capsys, project, "restore", "--acknowledge")[2]
    code, told, _ = run(capsys, project, "restore", "--acknowledge", "--reason", "all there")
    assert (code, told["acknowledged"]) == (exit_codes.DONE, True)
    assert run(capsys, project, "status")[1]["restored"] is None
    assert "restored" not in _checks(capsys, project)


def test_an_acknowledgement_is_left_for_a_running_hub(project, tmp_path, capsys) -> None:
    """The hub holds the journal, so it writes it down itself."""

    async def beside() -> int:
        journal = await open_sqlite(project / JOURNAL)
        arguments = ["restore", "--acknowledge", "--reason", "fine", "--project", str(project)]
        code = await asyncio.to_thread(run_verb, arguments)
        await journal.close()
        return code

    assert asyncio.run(beside()) == exit_codes.DONE
    assert take(project / JOURNAL).reason == "fine"


def test_doctor_knows_size_backup_and_what_may_go(project, tmp_path, capsys) -> None:
    """No backup is a warning; a fresh one is not."""
    checks = _checks(capsys, project)
    assert checks["journal"]["found"].startswith("0.")
    assert checks["backup"]["state"] == "warning"
    run(capsys, project, "backup", str(tmp_path / "b"))
    checks = _checks(capsys, project)
    assert checks["backup"]["state"] == "ok"
    assert "position 6" in checks["backup"]["found"]
    # All of the seeded sales are from 2023, and each of them is dead, held or in conflict.
    assert checks["retention"]["found"].startswith("0 payloads")
    asyncio.run(_settle(project, row(3)))
    assert _checks(capsys, project)["retention"]["found"].startswith("2 payloads")


def test_trace_tells_that_retention_let_a_payload_go(project, capsys) -> None:
    """The life of an old sale can be read without its payload."""

    async def retire() -> str:
        journal = await open_sqlite(project / JOURNAL)
        [receipt] = await journal.append([candidate(90)])
        rows = [row(at) for at in range(1, receipt.position + 1)]
        await journal.settle(Settlement(ROUTE, rows=rows, cursor=receipt.position))
        now = SystemClock().now() + DAYS_900
        await journal.retire(Cutoffs(raw=now, canonical=now), 100)
        await journal.close()
        return receipt.natural_key

    key = asyncio.run(retire())
    assert run_verb(["trace", key, "--stage", "canonical", "--project", str(project)]) == 0
    assert "retention let it go" in capsys.readouterr().err
    assert run_verb(["verify", "--project", str(project)]) == exit_codes.DONE


async def _settle(project: Path, one: DeliveryRow) -> None:
    journal = await open_sqlite(project / JOURNAL)
    await journal.settle(Settlement(ROUTE, rows=[one]))
    await journal.close()


def _checks(capsys: pytest.CaptureFixture[str], project: Path) -> dict[str, dict[str, str]]:
    _, told, _ = run(capsys, project, "doctor")
    return {check["name"]: check for check in told["checks"]}

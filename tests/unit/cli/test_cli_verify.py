"""`tillway verify` on the audit chain: what it says, and what it leaves with."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path

import apsw
import pytest

from tillway.access import AuditFiles, Notary
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.clock import SystemClock
from tillway.journal.base import Action, Settlement
from tillway.journal.sqlite import open_sqlite
from tillway.project.template import Variables, new_project

JOURNAL = ".state/journal.db"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project in which somebody did three things, all signed."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)
    asyncio.run(act(folder, 3))
    return folder


async def act(folder: Path, count: int) -> None:
    """Let somebody do so many things, and sign them."""
    path = folder / JOURNAL
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, SystemClock())
    for number in range(count):
        action = Action(number, "ada", "retry", f"erp/{number}", "it is back")
        await journal.settle(Settlement("", actions=[action]))
        await notary.sign()
    await journal.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Run a command line; return code and stdout."""
    capsys.readouterr()
    code = run_verb([str(one) for one in arguments])
    return code, " ".join(capsys.readouterr().out.split())


def test_a_chain_that_holds_is_said_in_one_line(project: Path, capsys) -> None:
    """How many entries, and which key signed them."""
    code, out = run(capsys, "verify", "--project", project)
    assert code == exit_codes.DONE
    assert "The audit chain holds: 3 entries, all signed with" in out


def test_a_changed_entry_is_named(project: Path, capsys) -> None:
    """The verb fails, says from where on nothing is to be trusted, and what explains it."""
    db = apsw.Connection(str(project / JOURNAL))
    db.execute("UPDATE action SET who = 'eve' WHERE action_id = 2")
    db.close()
    code, out = run(capsys, "verify", "--project", project)
    assert code == exit_codes.FAILED
    assert "The books balance." in out
    assert "does NOT hold: it is wrong at entry 2" in out
    assert "tillway explain TW-8311" in out
    code, out = run(capsys, "verify", "--project", project, "--json")
    audit = json.loads(out)["audit"]
    assert (audit["holds"], audit["first_bad"], audit["entries"]) == (False, 2, 3)


def test_a_key_kept_elsewhere_is_believed_instead(project: Path, tmp_path: Path, capsys) -> None:
    """The auditor's copy of the public key holds; another one does not; what is no key is told."""
    kept = AuditFiles.beside(project / JOURNAL).public_key
    code, _ = run(capsys, "verify", "--project", project, "--audit-key", kept)
    assert code == exit_codes.DONE
    other = tmp_path / "other"
    other.mkdir()
    asyncio.run(act(other, 1))
    stranger = AuditFiles.beside(other / JOURNAL).public_key
    code, out = run(capsys, "verify", "--project", project, "--audit-key", stranger)
    assert code == exit_codes.FAILED
    assert "which is not trusted" in out
    code, _ = run(capsys, "verify", "--project", project, "--audit-key", project / "stores.csv")
    assert code == exit_codes.FAILED


def test_a_restore_is_an_entry_and_no_cut(project: Path, tmp_path: Path, capsys) -> None:
    """The checkpoint of the journal that was there goes aside with it; the next start signs."""
    backup = tmp_path / "backup"
    assert run(capsys, "backup", backup, "--project", project)[0] == exit_codes.DONE
    asyncio.run(act(project, 4))
    why = ("--replace", "--reason", "a trial")
    assert run(capsys, "restore", backup, "--project", project, *why)[0] == exit_codes.DONE
    asyncio.run(act(project, 1))
    code, out = run(capsys, "verify", "--project", project)
    assert code == exit_codes.DONE
    assert "The audit chain holds: 5 entries, all signed with" in out
    [aside] = (project / ".state").glob("journal.db.replaced-*.checkpoint")
    assert b'"count":7' in aside.read_bytes()

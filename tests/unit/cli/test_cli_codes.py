"""`tillway codes`: one row more, in the file and on record, and never another meaning."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.project.template import Variables, new_project

ADD = ("codes", "add", "tender")
WHY = ("--reason", "the shop takes shells")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a fresh project."""
    made = tmp_path / "chain"
    new_project(made, "pos-erp", Variables("chain", 0, 0), secrets.token_bytes)
    return made


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Run a verb that must end well and return its document."""
    assert run_verb([*words, "--json"]) == exit_codes.DONE
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_row_is_added_listed_and_on_record(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row stands in the file, in the list, and in the audit log that `verify` checks."""
    project = ("--project", str(folder))
    told(capsys, *ADD, "SHELLS", "other", "--label", "Shells", *WHY, *project)
    assert "SHELLS,other,Shells" in (folder / "codes" / "tender.csv").read_text("utf-8")
    listed = told(capsys, "codes", "list", "tender", *project)["tables"]
    assert listed.keys() == {"tender"}
    assert listed["tender"]["SHELLS"] == "other"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*ADD, "CASH", "other", *WHY), "TW-7061"),
        (("codes", "add", "tendr", "SHELLS", "other", *WHY), "TW-7061"),
        ((*ADD, "=cmd()", "other", *WHY), "TW-7061"),
        ((*ADD, "SHELLS", "othr", *WHY), "TW-7061"),
        ((*ADD, "SHELLS", "other"), "TW-7007"),
    ],
)
def test_what_cannot_be_added_leaves_the_file_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    """A listed code, no such table, a formula, what no tender can be, and no reason are refused."""
    file = folder / "codes" / "tender.csv"
    before = file.read_bytes()
    assert run_verb([*words, "--project", str(folder), "--json"]) == exit_codes.FAILED
    assert json.loads(capsys.readouterr().err)["errors"][0]["code"] == code
    assert file.read_bytes() == before

"""`tillway dlq hold`, `release` and `skip`, without a hub: the next start does as told."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from operating_world import seeded_journal
from tillway.assembly import open_queries
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.journal.base import Action, DeliveryRow
from tillway.journal.sqlite import open_sqlite
from tillway.observe import problems
from tillway.project.template import Variables, new_project

HELD_POSITION = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a project whose journal holds everything once."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        journal = await open_sqlite(folder / ".state/journal.db")
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    return folder


async def held_group(folder: Path) -> str:
    """Return the name of the problem that is held now."""
    queries = open_queries(folder)
    try:
        found = await problems(queries, {"pos-to-erp": "erp"})
        [group] = [one.group for one in found if HELD_POSITION in one.positions]
        return group
    finally:
        await queries.close()


async def state_of(folder: Path) -> tuple[DeliveryRow, list[Action]]:
    """Return the row of the held message, and the audited actions, newest first."""
    queries = open_queries(folder)
    try:
        [row] = await queries.deliveries_of([HELD_POSITION])
        return row, await queries.actions(5)
    finally:
        await queries.close()


def order(folder: Path, capsys: pytest.CaptureFixture[str], verb: str) -> dict[str, object]:
    """Give an order about the held message; return the document."""
    group = asyncio.run(held_group(folder))
    capsys.readouterr()
    where = ("--reason", "mending", "--project", str(folder), "--json")
    assert run_verb(("dlq", verb, group, *where)) == exit_codes.DONE
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_hold_release_and_skip_are_carried_out_and_audited(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each changes the row, says how many, and stands in the audit log with its reason."""
    assert order(folder, capsys, "hold")["kept"] == 1
    row, _ = asyncio.run(state_of(folder))
    assert (row.state, row.reason) == ("held", "on_hold")
    assert order(folder, capsys, "release")["released"] == 1
    row, _ = asyncio.run(state_of(folder))
    assert (row.state, row.reason) == ("held", "operator")
    assert order(folder, capsys, "skip")["skipped"] == 1
    row, actions = asyncio.run(state_of(folder))
    assert (row.state, row.code) == ("dead", "TW-4018")
    told = [(one.verb, one.reason) for one in actions[:3]]
    assert told == [("skip", "mending"), ("release", "mending"), ("hold", "mending")]


def test_an_order_without_a_reason_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The audit log asks why."""
    group = asyncio.run(held_group(folder))
    before = asyncio.run(state_of(folder))
    for verb in ("hold", "release", "skip"):
        assert run_verb(("dlq", verb, group, "--project", str(folder))) == exit_codes.FAILED
        assert "TW-7007" in capsys.readouterr().err
    assert asyncio.run(state_of(folder)) == before

"""Old versions of an object on the command line: named and left out, never sent again."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path

import pytest

from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.journal.base import DeliveryRow, Settlement
from tillway.journal.sqlite import open_sqlite
from tillway.observe import problems
from tillway.project.template import Variables, new_project
from tillway.testing.journal import ROUTE, candidate, row
from tillway.testing.journal_objects import version

OBJECTS = 25
OLD = [version(f"or-{number}", 1) for number in range(1, OBJECTS + 1)]
NEW = [version(f"or-{number}", 2) for number in range(1, OBJECTS + 1)]


def _project(folder: Path, items: list, rows: list[DeliveryRow]) -> Path:
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        journal = await open_sqlite(folder / ".state/journal.db")
        await journal.append(items)
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, rows=rows, cursor=len(items)))
        await journal.close()

    asyncio.run(fill())
    return folder


def _planned(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    where = ("--route", ROUTE, "--project", str(folder), "--dry-run")
    assert run_verb(("replay", *where, *more)) == exit_codes.DONE
    return capsys.readouterr().out


def test_a_plan_names_what_it_leaves_out(tmp_path: Path, capsys) -> None:
    """People read the key and the revision that stands; programs read the same as fields."""
    items = [candidate(1), OLD[0], NEW[0]]
    folder = _project(tmp_path / "demo", items, [row(position) for position in (1, 2, 3)])
    out = _planned(folder, capsys)
    assert "2 messages would be sent again" in out
    assert "  or-1: superseded by revision 2, left out\n" in out
    plan = json.loads(_planned(folder, capsys, "--json"))
    older = {"natural_key": "or-1", "revision": 1, "superseded_by": 2}
    assert (plan["count"], plan["superseded"], plan["left_out"]) == (2, 1, [older])


def test_a_plan_without_old_versions_leaves_nothing_out(tmp_path: Path, capsys) -> None:
    """The newest revision is sent again, and the plan speaks of nothing superseded."""
    folder = _project(tmp_path / "demo", [candidate(1), NEW[0]], [row(1), row(2)])
    assert "left out" not in _planned(folder, capsys)
    plan = json.loads(_planned(folder, capsys, "--json"))
    assert (plan["count"], plan["superseded"], plan["left_out"]) == (2, 0, [])


def test_a_plan_of_old_versions_alone_sends_nothing(tmp_path: Path, capsys) -> None:
    """It names the first of many and counts the rest, instead of saying that nothing matches."""
    rows = [row(position) for position in range(1, OBJECTS + 1)]
    folder = _project(tmp_path / "demo", [*OLD, *NEW], rows)
    out = _planned(folder, capsys)
    plan = json.loads(_planned(folder, capsys, "--json"))
    assert f"Nothing would be sent again on {ROUTE}\n" in out
    assert (plan["count"], plan["superseded"]) == (0, OBJECTS)
    named = len(plan["left_out"])
    assert 0 < named < OBJECTS
    assert out.count("superseded by revision 2, left out\n") == named
    assert f"  and {OBJECTS - named} more superseded messages, left out\n" in out


def test_a_superseded_group_is_refused_before_it_asks(tmp_path: Path, capsys, monkeypatch) -> None:
    """No question comes first, nor a plan of a dry run; the group can be given up."""
    rows = [row(1, "dead", code="TW-4105"), row(2, "dead", code="TW-4105"), row(3), row(4)]
    folder = _project(tmp_path / "demo", [*OLD[:2], *NEW[:2]], rows)

    async def named() -> str:
        journal = await open_sqlite(folder / ".state/journal.db")
        [found] = await problems(journal, {ROUTE: "erp"})
        await journal.close()
        return found.group

    group = asyncio.run(named())
    monkeypatch.setattr("tillway.cli.letters.agreed", lambda *_, **__: pytest.fail("it asked"))
    where = (group, "--all", "--reason", "x", "--project", str(folder))
    for more in ((), ("--dry-run",)):
        capsys.readouterr()
        assert run_verb(("dlq", "retry", *where, *more)) == exit_codes.FAILED
        out, err = capsys.readouterr()
        assert "TW-4013" in err
        assert "2 messages are superseded by a newer revision" in err
        assert not out
    monkeypatch.setattr("tillway.cli.letters.agreed", lambda *_, **__: True)
    assert run_verb(("dlq", "abandon", *where)) == exit_codes.DONE

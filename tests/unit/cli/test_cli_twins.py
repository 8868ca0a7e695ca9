"""Commands that give what a screen shows: the routes alone, and a mapping row by row."""

from __future__ import annotations

from pathlib import Path

from tillway.cli import exit_codes
from unit.cli.test_cli_operating import project, run, run_json

__all__ = ["project"]


def test_the_routes_alone(project: Path, capsys) -> None:
    """As the traffic map has them: each route with its target; 2 while something waits."""
    code, out, _ = run(capsys, "status", "--routes", "--project", str(project))
    assert code == exit_codes.ATTENTION
    assert "pos-to-erp" in out
    assert "Stores that need attention" not in out
    code, document = run_json(capsys, "status", "--routes", "--project", str(project))
    assert set(document) == {"schema", "routes", "targets"}
    assert document["schema"] == "tillway.status.routes/1"
    assert "pos-to-erp" in {one["route"] for one in document["routes"]}


def test_a_mapping_is_explained_row_by_row(project: Path, capsys) -> None:
    """Each row of each route's mapping with what it reads and makes of this message."""
    code, out, _ = run(capsys, "trace", "@2", "--explain", "--project", str(project))
    assert code == exit_codes.DONE
    assert "pos-to-erp" in out
    _, document = run_json(capsys, "trace", "@2", "--explain", "--project", str(project))
    rows = document["explained"]["pos-to-erp"]
    assert document["schema"] == "tillway.trace/1"
    assert rows
    assert set(rows[0]) == {"target", "expression", "sources", "result", "fault", "at"}

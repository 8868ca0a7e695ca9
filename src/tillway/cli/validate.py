"""`tillway validate`: every problem of the project folder, offline and without secret values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Environment, Json, Overrides, Project
from tillway.cli.output import emit, note, print_document, print_error
from tillway.cli.reports import junit, sarif
from tillway.project import Problem, ProjectErrors, load_project
from tillway.project.reconciliation import STORE_DAY
from tillway.project.records import Reconciliation


def validate(
    *,
    project: Project = HERE,
    env: Environment = "",
    overrides: Overrides = (),
    format: Literal["human", "json", "sarif", "junit"] = "human",  # noqa: A002 - its public name
    json: Json = False,
) -> int:
    """Check the whole project: every problem with its file and line, no network, no secrets.

    Leaves with 1 when something is wrong and with 2 when there are only warnings.

    Example: tillway validate --format sarif > problems.sarif

    Parameters
    ----------
    format
        human, json, sarif (for code hosts) or junit (for build servers).
    """
    data = _checked(project, env, overrides)
    problems: list[Problem] = data.pop("found")
    data["problems"] = [problem.as_json() for problem in problems]
    if json or format == "json":
        emit("validate", data, lambda _console: None, json=True)
    elif format == "sarif":
        print_document(sarif(problems))
    elif format == "junit":
        print_document(junit(problems, data["files"]))
    else:
        emit("validate", data, lambda console: _draw(console, data, problems), json=False)
    if not data["valid"]:
        return exit_codes.FAILED
    return exit_codes.ATTENTION if problems else exit_codes.DONE


def _checked(project: Project, env: str, overrides: Sequence[str]) -> dict[str, Any]:
    try:
        loaded = load_project(
            project,
            environment=env,
            overrides=overrides,
            environ=os.environ,
            secrets_needed=False,
        )
    except ProjectErrors as errors:
        files = sorted({problem.file for problem in errors.problems})
        return {"valid": False, "found": errors.problems, "files": files, "release": ""}
    wrong = _unknown_rules(project, loaded.release.reconciliation)
    if wrong:
        return {"valid": False, "found": wrong, "files": list(loaded.files), "release": ""}
    return {
        "valid": True,
        "found": list(loaded.warnings),
        "files": list(loaded.files),
        "release": loaded.release.digest,
        "unset_secrets": loaded.unset_secrets,
    }


def _unknown_rules(project: Path, settings: Reconciliation | None) -> list[Problem]:
    """Return the audit rules that are set and nobody knows; the project has no catalogue."""
    from tillway.reconcile.rules import unknown_rules

    if settings is None:
        return []
    lines = (project / STORE_DAY).read_text("utf-8").splitlines()
    return [
        Problem(STORE_DAY, _line_of(error.path, lines), error.code, error.detail, error.advice)
        for error in unknown_rules(settings.rules)
    ]


def _line_of(name: str, lines: Sequence[str]) -> int:
    return next((at for at, line in enumerate(lines, 1) if name in line), 0)


def _draw(console: Console, data: dict[str, Any], problems: list[Problem]) -> None:
    for problem in problems:
        print_error(console, problem.as_error(), problem.severity)
    if not data["valid"]:
        wrong = sum(1 for problem in problems if problem.severity == "error")
        note(f"{wrong} wrong, {len(problems) - wrong} warnings")
        return
    console.print(f"ok: {len(data['files'])} files, release {data['release'][:12]}")
    if data["unset_secrets"]:
        note(f"Not set here, needed to run: {', '.join(data['unset_secrets'])}")

"""`tillway doctor`: whether machine and project are fit to run, and where settings came from."""

from __future__ import annotations

import os
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.doctor_checks import Check, machine_checks, project_checks
from tillway.cli.options import HERE, Environment, Json, Overrides, Project
from tillway.cli.output import emit, print_error, table
from tillway.errors import TillwayError
from tillway.project import ProjectErrors, load_project

WORDS = {"ok": "ok", "warning": "warn", "failed": "FAIL"}


def doctor(
    *,
    project: Project = HERE,
    env: Environment = "",
    overrides: Overrides = (),
    connections: Annotated[bool, Parameter(negative=())] = False,
    json: Json = False,
) -> int:
    """Look at the machine, the project and, if asked, every connection.

    Leaves with 1 when something would stop the hub, with 2 when there is something to look at.

    Example: tillway doctor --connections

    Parameters
    ----------
    connections
        Reach out to every source and target too.
    """
    from tillway.assembly import journal_path
    from tillway.cli.doctor_journal import journal_checks

    checks = machine_checks(project)
    settings: list[dict[str, str]] = []
    problems: list[TillwayError] = []
    try:
        loaded = load_project(
            project, environment=env, overrides=overrides, environ=os.environ, secrets_needed=False
        )
    except ProjectErrors as errors:
        problems = list(errors.parts)
        checks.append(Check("project", "failed", str(errors), "Run `tillway validate`."))
    except TillwayError as error:
        checks.append(Check("project", "warning", str(error.detail), error.advice))
    else:
        checks += project_checks(loaded)
        checks += journal_checks(journal_path(loaded.release), loaded.release.hub)
        settings = _settings(loaded.release.hub)
        if connections:
            from tillway.cli.doctor_connections import connection_checks

            checks += connection_checks(loaded.release)
    data = {"checks": checks, "settings": settings}
    emit("doctor", data, lambda console: _draw(console, checks, settings, problems), json)
    states = {check.state for check in checks}
    if "failed" in states:
        return exit_codes.FAILED
    return exit_codes.ATTENTION if "warning" in states else exit_codes.DONE


def _settings(hub: Any) -> list[dict[str, str]]:
    """Return each setting of the hub with its value and where it came from; no secret is shown."""
    return [
        {"setting": name, "value": str(getattr(hub, name)), "origin": origin}
        for name, origin in hub.origins.items()
    ]


def _draw(
    console: Console,
    checks: list[Check],
    settings: list[dict[str, str]],
    problems: list[TillwayError],
) -> None:
    shown = table("", "check", "found")
    for check in checks:
        shown.add_row(WORDS[check.state], check.name, check.found)
        if check.advice and check.state != "ok":
            shown.add_row("", "", f"do: {check.advice}")
    console.print(shown)
    for problem in problems:
        print_error(console, problem)
    if settings:
        origins = table("setting", "value", "from")
        for one in settings:
            origins.add_row(one["setting"], one["value"], one["origin"])
        console.print()
        console.print(origins)

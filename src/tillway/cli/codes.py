"""`tillway codes`: the code tables of a project, and one more row for one, also while it runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from tillway.api.operations import CodeRow
from tillway.cli import exit_codes
from tillway.cli.acting import act, need_reason, person
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, table
from tillway.project import load_project
from tillway.project.code_rows import code_tables

if TYPE_CHECKING:
    from rich.console import Console

    from tillway.api.client import HubClient
    from tillway.api.operations import Operations

codes = App(
    name="codes",
    help="Code tables: list their rows, add one that is missing.",
    result_action="return_value",
)


@codes.command(name="list")
def list_(name: str = "", /, *, project: Project = HERE, json: Json = False) -> int:
    """List the code tables and their rows.

    Example: tillway codes list tender

    Parameters
    ----------
    name
        Only this table: the name of its file without .csv.
    """
    release = load_project(project, environ=os.environ, secrets_needed=False).release
    found = {
        known: dict(rows.rows)
        for known, rows in code_tables(release).items()
        if name in ("", known)
    }
    emit("codes.list", {"tables": found}, lambda console: _draw(console, found), json)
    return exit_codes.DONE


@codes.command
def add(
    name: str,
    source: str,
    canonical: str,
    /,
    *,
    label: Annotated[str, Parameter(name="--label", help="What it is, for people.")] = "",
    reason: Reason = "",
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Add a row to a code table: it stands in the file, and a hub that runs knows it at once.

    A code that is listed already keeps its meaning until the project is changed and run anew.

    Example: tillway codes add tender SHELLS other --reason "the shop takes shells"

    Parameters
    ----------
    name
        The table: the name of its file without .csv.
    source
        The code as the source sends it.
    canonical
        What it is called here.
    """
    need_reason(reason)
    row = CodeRow(name, source, canonical, label)
    told = {"table": name, "source": source, "canonical": canonical}

    async def here(operations: Operations) -> dict[str, Any]:
        await operations.add_code(row, person(), reason)
        return told

    def there(hub: HubClient) -> dict[str, Any]:
        return hub.post("/api/v1/codes/add", {**told, "label": label, "who": person(),
                                              "reason": reason})  # fmt: skip

    act(project, here, there)
    said = f"codes/{name}.csv: {source} is {canonical}"
    emit("codes.add", told, lambda console: console.print(said, markup=False), json)
    return exit_codes.DONE


def _draw(console: Console, found: dict[str, dict[str, str]]) -> None:
    made = table("Table", "Code", "Is here")
    for name, rows in found.items():
        for source, canonical in rows.items():
            made.add_row(name, source, canonical)
    console.print(made if found else "no such code table")

"""`tillway init`: a commented project in a new folder, with keys and secrets of its own."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.options import Json
from tillway.cli.output import emit
from tillway.project.folder import SECRETS
from tillway.project.template import KEYS_FILE, NewProject, Variables, new_project

DEFAULT_TEMPLATE = "pos-erp"


def init(
    directory: Path,
    /,
    *,
    template: str = DEFAULT_TEMPLATE,
    name: str = "",
    port: int = 8080,
    erp_port: Annotated[int, Parameter(name="--erp-port")] = 8091,
    json: Json = False,
) -> int:
    """Copy a commented project into a new folder and make its keys and secrets.

    Example: tillway init demo --template pos-erp

    Parameters
    ----------
    directory
        A new or an empty folder.
    template
        Which project to copy.
    name
        Name of the project; the folder's name by default.
    port
        Port the hub listens on.
    erp_port
        Port of the stand-in ERP.
    """
    variables = Variables(name or directory.resolve().name, port, erp_port)
    made = new_project(directory, template, variables, secrets.token_bytes)
    data = {
        "folder": made.folder,
        "template": template,
        "files": made.files,
        "stores_with_keys": made.stores_with_keys,
        "secrets": made.secrets,
    }
    emit("init", data, lambda console: _draw(console, made), json)
    return exit_codes.DONE


def _draw(console: Console, made: NewProject) -> None:
    console.print(f"{made.folder}: {counted(len(made.files), 'file')}")
    made_here = []
    if made.secrets:
        made_here.append(f"{counted(len(made.secrets), 'secret')} in {SECRETS}")
    if made.stores_with_keys:
        made_here.append(f"keys for {counted(len(made.stores_with_keys), 'store')} in {KEYS_FILE}")
    if made_here:
        console.print(f"New: {' and '.join(made_here)}. Keep that out of version control.")
    console.print(f"Next: cd {made.folder} && tillway validate, then its README.md")

"""The project folder of a demo: made from the template, on ports that are free."""

from __future__ import annotations

import secrets
import shutil
import socket
from pathlib import Path

from tillway.errors import ConfigurationError
from tillway.project.template import Variables, new_project

TEMPLATE = "pos-erp"
MARK = ".state/demo"
HUB_PORT = 8080
ERP_PORT = 8091


def fresh_folder(folder: Path) -> None:
    """Make the demo's project anew. Only a folder that an earlier demo made is ever removed.

    Raises ConfigurationError TW-7602 when the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise ConfigurationError(
                "TW-7602",
                f"{folder} holds something that no demo made",
                advice="Give --fresh a new folder; only a demo's own folder is replaced.",
            )
        shutil.rmtree(folder)
    hub_port = free_port(HUB_PORT)
    variables = Variables("demo", hub_port, free_port(ERP_PORT, not_this=hub_port))
    new_project(folder, TEMPLATE, variables, secrets.token_bytes)
    (folder / MARK).parent.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Made by `tillway dev --fresh`; it may replace this folder.\n")


def free_port(wanted: int, *, not_this: int = 0) -> int:
    """Return the wanted port when it is free on this machine, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            if found != not_this:
                return found
    raise ConfigurationError("TW-7603", "no free port was found on this machine")

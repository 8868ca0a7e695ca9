"""The project folder of a demo: made from the template, on ports that are free."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path

from tillway.errors import ConfigurationError
from tillway.project.template import Variables, new_project

TEMPLATE = "pos-erp"
MARK = ".state/demo"
HUB_PORT = 8080
ERP_PORT = 8091
OWNER_ONLY = 0o600


def fresh_folder(folder: Path, *, hub_port: int = HUB_PORT, erp_port: int = ERP_PORT) -> None:
    """Make the demo's project anew. Only a folder that an earlier demo made is ever removed.

    The ports are those wanted; another free one is taken where they are not free, any with 0.
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
    hub_port = free_port(hub_port)
    variables = Variables("demo", hub_port, free_port(erp_port, not_this=hub_port))
    new_project(folder, TEMPLATE, variables, secrets.token_bytes)
    (folder / MARK).parent.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("Made by `tillway dev --fresh`; it may replace this folder.\n")


def _reserved(port: int) -> bool:
    """Keep a port until this process ends: the demo that is to use it binds it only later."""
    mark = Path(tempfile.gettempdir()) / f"tillway-demo-{port}.lock"
    try:
        held = os.open(mark, os.O_CREAT | os.O_RDWR, OWNER_ONLY)
    except OSError:
        return True  # another user's mark; who binds first has it
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return False
    return True


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
            if found != not_this and (port == 0 or _reserved(found)):
                return found
    raise ConfigurationError("TW-7603", "no free port was found on this machine")

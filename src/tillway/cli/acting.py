"""Carries a changing verb out: through the running hub, or here on the journal when none runs.

The lock of the journal decides, not a file that a killed hub may have left behind.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tillway.api.client import HubClient, client_of
from tillway.api.operations import Operations
from tillway.assembly import offline_operations
from tillway.errors import ConfigurationError, Transient

LOCK_HELD = "TW-5002"


def act(
    folder: Path,
    here: Callable[[Operations], Awaitable[dict[str, Any]]],
    there: Callable[[HubClient], dict[str, Any]],
) -> dict[str, Any]:
    """Run `here` with the journal's lock, or `there` against the hub that holds it."""
    try:
        return asyncio.run(_alone(folder, here))
    except Transient as error:
        if error.code != LOCK_HELD:
            raise
    return there(client_of(folder))


def need_reason(reason: str) -> None:
    """Raise ConfigurationError TW-7007 before anything is asked when the reason is missing."""
    if not reason.strip():
        raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")


def person() -> str:
    """Return who runs the command, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


async def _alone(
    folder: Path, here: Callable[[Operations], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    async with offline_operations(folder) as operations:
        return await here(operations)

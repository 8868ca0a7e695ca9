"""`tillway restore`: put a journal back from a backup, and say later that all was looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.acting import need_reason, person
from tillway.cli.backup import percent
from tillway.cli.counting import counted
from tillway.cli.options import HERE, Json, Project, Reason
from tillway.cli.output import emit, note, progress
from tillway.errors import ConfigurationError

if TYPE_CHECKING:
    from tillway.assembly.restore import Order, Outcome

Replace = Annotated[
    bool,
    Parameter(negative=(), help="Put the journal that is there aside; needs --reason."),
]
Acknowledge = Annotated[
    bool,
    Parameter(negative=(), help="Say that a restored journal was looked at; needs --reason."),
]


def restore(
    backup: Path | None = None,
    /,
    *,
    project: Project = HERE,
    replace: Replace = False,
    acknowledge: Acknowledge = False,
    reason: Reason = "",
    json: Json = False,
) -> int:
    """Put the journal of a project back as it was when a backup was taken.

    The backup is checked first, and nothing is touched while a hub holds the journal. What was not
    delivered then may be delivered by now: the next start asks the targets, sends again under the
    same key, or leaves it to a person. Status says so until --acknowledge.

    Example: tillway restore /mnt/backups/2026-11-20 --project demo

    Parameters
    ----------
    backup
        The folder that `tillway backup` made.
    """
    from tillway.assembly.restore import Order

    if replace or acknowledge:
        need_reason(reason)
    order = Order(person(), reason, replace)
    if acknowledge:
        return _acknowledge(project, order, json)
    if backup is None:
        raise ConfigurationError("TW-1001", "name the folder of a backup, or give --acknowledge")
    return _restore(project, backup, order, json)


def _restore(project: Path, backup: Path, order: Order, json: bool) -> int:
    from tillway.assembly.restore import restore as put_back
    from tillway.clock import SystemClock

    with progress("checking the backup", 100) as advance:
        done = asyncio.run(put_back(project, backup, order, SystemClock(), percent(advance)))
    data = {"put_aside": done.put_aside, "manifest": msgspec.to_builtins(done.manifest)}
    emit("restore", data, lambda console: _draw(console, backup, done), json)
    if not done.manifest.balanced:
        note("The books of this backup do NOT balance: look at `tillway verify`.")
        return exit_codes.ATTENTION
    return exit_codes.DONE


def _draw(console: Console, backup: Path, done: Outcome) -> None:
    made = done.manifest
    messages = counted(made.position, "message")
    taken = f"{made.taken_at:%Y-%m-%dT%H:%M:%SZ}"
    console.print(f"Restored {messages} from {backup.name}, taken {taken}.")
    if done.put_aside:
        console.print(f"the journal that was there is now {done.put_aside}")
    console.print("What came later is not in it: let stores and files send again since then.")
    console.print("next: tillway run, tillway status, then tillway restore --acknowledge")


def _acknowledge(project: Path, order: Order, json: bool) -> int:
    from tillway.assembly.restore import acknowledge
    from tillway.clock import SystemClock

    noted = asyncio.run(acknowledge(project, order, SystemClock()))
    told = "Acknowledged." if noted else "The running hub notes it within a few seconds."
    emit("restore", {"acknowledged": noted}, lambda console: console.print(told), json)
    return exit_codes.DONE

"""`tillway backup`: a checked copy of the journal, taken while the hub runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.counting import counted
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, note, progress

MEBIBYTE = 1024 * 1024
BEHIND_THE_HUB = 10
"""How far this process steps back when the hub wants the processor."""


def backup(destination: Path, /, *, project: Project = HERE, json: Json = False) -> int:
    """Copy the journal into a new folder and check the copy: every page, and its books.

    Works beside a running hub and never holds up its intake. Keep backups on another disk, and
    guard them like the journal itself. Leaves with 2 when the books of the copy do not balance.

    Example: tillway backup /mnt/backups/2026-11-20 --project demo

    Parameters
    ----------
    destination
        A folder that does not exist yet; it gets journal.db and manifest.json.
    """
    from tillway.assembly.backup import back_up
    from tillway.clock import SystemClock

    step_back()
    with progress("copying the journal", 100) as advance:
        made = asyncio.run(back_up(project, destination, SystemClock(), percent(advance)))
    data = {"destination": destination.absolute(), **msgspec.to_builtins(made)}

    def draw(console: Console) -> None:
        size = f"{made.size_bytes / MEBIBYTE:,.1f} MiB"
        messages = counted(made.position, "message")
        console.print(f"Backed up {messages} ({size}) to {destination}; the copy is sound.")
        console.print(f"taken {made.taken_at:%Y-%m-%dT%H:%M:%SZ}   SHA-256 {made.sha256}")

    emit("backup", data, draw, json)
    if made.balanced:
        return exit_codes.DONE
    note("The books of the copy do NOT balance: look at `tillway verify`.")
    return exit_codes.ATTENTION


def step_back() -> None:
    """Let every other process have the processor first."""
    os.nice(BEHIND_THE_HUB)


def percent(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return what turns (bytes done, bytes in all) into steps of a bar of 100."""
    shown = 0

    def told(done: int, total: int) -> None:
        nonlocal shown
        now = 100 * done // max(total, 1)
        advance(now - shown)
        shown = now

    return told

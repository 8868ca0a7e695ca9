"""`tillway` with a fault planted, as a script of its own: the hub knows nothing of it.

TILLWAY_TRIAL says what happens once the file `armed` exists, as JSON: `crash_point` and `times`
(die when that place is reached for that time; with `of_messages` only commits that take some in
count), `fail_flush` (that flush from then on fails; when it did, and when the hub came to its end,
are lines of `armed`, each with how long the process had waited for a core by then), `full`
(there is no room while `armed` exists), `write_to` and `times` (die at that write to a file of that
name, "" for any). With `at_start` it does not wait for `armed`.
`checkpoint_pages`: after how many pages of log it is moved into the journal.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import apsw

from tillway.cli import main
from tillway.journal import crash_points, sqlite_writer
from tillway.testing.faulty_disk import FaultyDisk, Step


def plant(armed: Path, trial: dict[str, Any]) -> FaultyDisk | None:
    """Put the fault in its place; return the disk, which must be kept as long as it is used."""
    pages = trial.get("checkpoint_pages", sqlite_writer.CHECKPOINT_PAGES)
    sqlite_writer.CHECKPOINT_PAGES = pages
    if "crash_point" in trial:
        _plant_crash_point(armed, trial)
        return None
    disk = FaultyDisk("on-trial")
    if "write_to" in trial:
        _plant_death_at_write(disk, armed, trial)
    else:
        _plant_disk_fault(disk, armed, trial)
    return disk


def _plant_crash_point(armed: Path, trial: dict[str, Any]) -> None:
    left: int = trial["times"]
    wanted, at_start = trial["crash_point"], trial.get("at_start", False)
    least = 1 if trial.get("of_messages") else 0

    def reached(name: str, messages: int = 0) -> None:
        nonlocal left
        if name == wanted and messages >= least and (at_start or armed.exists()):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    crash_points.reached = reached


def _plant_death_at_write(disk: FaultyDisk, armed: Path, trial: dict[str, Any]) -> None:
    left: int = trial["times"]
    file, at_start = trial["write_to"], trial.get("at_start", False)

    def before(step: Step) -> None:
        nonlocal left
        if step.kind != "write" or (file and step.file != file):
            return
        if at_start or armed.exists():
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    disk.before = before


def _plant_disk_fault(disk: FaultyDisk, armed: Path, trial: dict[str, Any]) -> None:
    def before(step: Step) -> None:
        if not armed.exists():
            return
        if trial.get("full") and step.kind == "write":
            raise apsw.FullError("the disk is full, for a test")
        if "fail_flush" in trial and not disk.fail_flush:
            disk.fail_flush = disk.flushes + trial["fail_flush"]
        if step.kind == "failed_flush":
            note_moment(armed)

    disk.before = before


def note_moment(armed: Path) -> None:
    """Add a line: the time by `time.monotonic`, and the seconds the first thread had no core."""
    waited = 0.0
    with contextlib.suppress(OSError):  # a kernel without this measure has nothing taken off
        waited = int(Path(f"/proc/self/task/{os.getpid()}/schedstat").read_text().split()[1]) / 1e9
    with armed.open("a") as notes:
        notes.write(f"{time.monotonic()} {waited}\n")


if __name__ == "__main__":
    place, wanted = Path(os.environ["TILLWAY_ARMED"]), json.loads(os.environ["TILLWAY_TRIAL"])
    planted = plant(place, wanted)
    try:
        main()
    finally:
        if "fail_flush" in wanted and place.exists() and place.stat().st_size:
            note_moment(place)

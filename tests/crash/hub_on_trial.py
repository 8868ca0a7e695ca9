"""`tillway` with a fault planted, as a script of its own: the hub knows nothing of it.

TILLWAY_TRIAL says what happens once the file `armed` exists, as JSON: `crash_point` and `times`
(die when that place is reached for that time), `fail_flush` (that flush from then on fails), `full`
(there is no room while `armed` exists). `write_to` and `times` need no file: die at that write.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import apsw

from tillway.cli import main
from tillway.journal import crash_points
from tillway.testing.faulty_disk import FaultyDisk, Step


def plant(armed: Path, trial: dict[str, Any]) -> FaultyDisk | None:
    """Put the fault in its place; return the disk, which must be kept as long as it is used."""
    if "crash_point" in trial:
        _plant_crash_point(armed, trial["crash_point"], trial["times"])
        return None
    disk = FaultyDisk("on-trial")
    if "write_to" in trial:
        _plant_death_at_write(disk, trial["write_to"], trial["times"])
    else:
        _plant_disk_fault(disk, armed, trial)
    return disk


def _plant_crash_point(armed: Path, wanted: str, times: int) -> None:
    left = times

    def reached(name: str) -> None:
        nonlocal left
        if name == wanted and armed.exists():
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    crash_points.reached = reached


def _plant_death_at_write(disk: FaultyDisk, file: str, times: int) -> None:
    left = times

    def before(step: Step) -> None:
        nonlocal left
        if (step.kind, step.file) == ("write", file):
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

    disk.before = before


if __name__ == "__main__":
    planted = plant(Path(os.environ["TILLWAY_ARMED"]), json.loads(os.environ["TILLWAY_TRIAL"]))
    main()

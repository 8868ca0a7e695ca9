"""Waits until the disk is done with what was written before.

A shared disk lets a burst through and stalls later for it; without a rest one part of the bench
would pay for the part before it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

CALM_MILLISECONDS = 10.0
FLUSHES, BETWEEN_SECONDS = 60, 0.01
LONGEST_SECONDS = 60.0


def rest(folder: Path) -> float:
    """Return the seconds it took until no small flush stalled; a minute at most."""
    began = time.monotonic()
    os.sync()
    while _slowest_flush(folder / "rest") > CALM_MILLISECONDS:
        if time.monotonic() - began > LONGEST_SECONDS:
            break
    return time.monotonic() - began


def _slowest_flush(path: Path) -> float:
    """Return the milliseconds of the slowest of some small flushes in a row."""
    slowest = 0.0
    with path.open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            file.write(b"rest")
            began = time.monotonic()
            os.fdatasync(file.fileno())
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(BETWEEN_SECONDS)
    return slowest * 1e3

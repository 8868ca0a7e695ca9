"""What `tillway doctor` looks at on this machine and in the project, without a network."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import msgspec

from tillway.assembly.hub import WARN_FREE_SHARE
from tillway.project import Project

SMALLEST_SQLITE = (3, 51, 3)
SMALLEST_PYTHON = (3, 11)
SLOW_FLUSH_SECONDS = 0.05
FLUSHES = 15
BUILT_AFTER = 1_760_000_000
"""No clock of a machine that runs this version can show an earlier time (seconds since 1970)."""


class Check(msgspec.Struct, frozen=True):
    """One thing looked at: what was found, and what to do unless it is ok."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


def machine_checks(folder: Path) -> list[Check]:
    """Return the checks of the machine; folder says which disk the journal will be on."""
    place = folder / ".state" if (folder / ".state").is_dir() else folder
    return [_python(), _sqlite(), _clock(), *_disk(place)]


def project_checks(project: Project) -> list[Check]:
    """Return the checks of a project that could be read."""
    release = project.release
    counted = f"{len(release.sources)} sources, {len(release.targets)} targets, "
    counted += f"{len(release.routes)} routes, {len(release.stores)} stores"
    checks = [Check("project", "ok", f"{counted}, release {release.digest[:12]}")]
    if project.warnings:
        count = len(project.warnings)
        advice = "Run `tillway validate`."
        checks.append(Check("warnings", "warning", f"{count} in the files", advice))
    if project.unset_secrets:
        names = ", ".join(project.unset_secrets)
        advice = "Set them in the environment or in secrets.toml before the hub starts."
        checks.append(Check("secrets", "warning", f"not set here: {names}", advice))
    else:
        checks.append(Check("secrets", "ok", "all set"))
    return checks


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info >= SMALLEST_PYTHON:
        return Check("python", "ok", found)
    return Check("python", "failed", found, "Use Python 3.11 or newer.")


def _sqlite() -> Check:
    import apsw

    found = apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")[:3]) >= SMALLEST_SQLITE:
        return Check("sqlite", "ok", found)
    advice = "Versions before 3.51.3 can lose committed data: upgrade the apsw package."
    return Check("sqlite", "failed", found, advice)


def _clock() -> Check:
    now = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if now > BUILT_AFTER:
        return Check("clock", "ok", shown)
    return Check("clock", "failed", shown, "Set the clock and keep it with NTP.")


def _disk(place: Path) -> list[Check]:
    if not place.is_dir():
        return [Check("disk", "warning", f"{place} does not exist", "Name a project folder.")]
    usage = shutil.disk_usage(place)
    share = usage.free / usage.total
    found = f"{usage.free // 2**20:,} MiB free ({share:.0%})"
    if share < WARN_FREE_SHARE:
        advice = "Make room soon: intake stops at the floor that hub.toml sets."
        free = Check("disk", "warning", found, advice)
    else:
        free = Check("disk", "ok", found)
    return [free, _flush(place)]


def _flush(place: Path) -> Check:
    """Measure how long the disk takes to make 4 KiB durable: every group of sales waits for it."""
    times = []
    try:
        with tempfile.TemporaryFile(dir=place, buffering=0) as file:
            for _ in range(FLUSHES):
                file.write(b"\0" * 4096)
                start = time.perf_counter()
                os.fsync(file.fileno())
                times.append(time.perf_counter() - start)
    except OSError as error:
        return Check("flush", "failed", f"cannot write: {error.strerror}", "Check permissions.")
    middle = statistics.median(times)
    found = f"{middle * 1000:.2f} ms for 4 KiB (median of {FLUSHES})"
    if middle > SLOW_FLUSH_SECONDS:
        return Check("flush", "warning", found, "Put the journal on a faster disk.")
    return Check("flush", "ok", found)

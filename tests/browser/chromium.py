"""Finds the Chromium of this machine, and installs it where that is asked for and possible."""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def found() -> str | None:
    """Return the path of a Chromium, None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def found_or_installed() -> str:
    """Return the path of a Chromium; as root it is installed by apt when absent."""
    path = found()
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium"], check=True)
        path = found()
    if path is None:
        raise SystemExit(f"no browser on this machine: none of {', '.join(NAMES)} is installed")
    return path

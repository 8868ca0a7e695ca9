"""Builds the Tryton peer once: its own environment from locked packages, and a database with books.

Surprising: what is built is kept in `.peers/` under a name made of everything it depends on, so a
change of a version or of a script builds anew, and nothing else does.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".peers"
DATABASE = "books"
ADMIN = ("admin", "peer-admin-1")
USER = ("tillway", "tillway-books-1")
BUILD_SECONDS = 600.0
# How often Tryton itself tries again for a lock; five times is its own default.
LOCK_RETRIES = 5
_CONFIGURATION = """[database]
uri = sqlite://
path = {folder}
retry = {lock_retries}
[web]
listen = 127.0.0.1:{port}
[session]
timeout = 36000
"""


class PeerMissing(Exception):
    """The peer cannot be had here; the text says why."""


def built_peer() -> Path:
    """Return the folder with the peer's environment and database, building both when needed.

    One builds while others wait at a file lock. Raises PeerMissing with the reason.
    """
    CACHE.mkdir(exist_ok=True)
    folder = CACHE / f"tryton-{_build_key()}"
    with (CACHE / "tryton.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / "built.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _build(folder)
    return folder


def _build_key() -> str:
    """Return what the built peer depends on: its versions, its scripts and the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("requirements.txt", "set_up_books.py", "build.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    started = time.monotonic()
    venv.create(folder / "venv", with_pip=True)
    packages = str(HERE / "requirements.txt")
    _run(folder, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", packages)
    installed = time.monotonic()
    # Tryton on SQLite fills an empty file and makes none.
    (folder / f"{DATABASE}.sqlite").touch()
    (folder / "password").write_text(ADMIN[1])
    configuration = write_configuration(folder, 0)
    admin = str(folder / "venv" / "bin" / "trytond-admin")
    wanted = ("-u", "ir", "res", "account", "--activate-dependencies", "--email", "a@example.com")
    _run(folder, admin, "-c", str(configuration), "-d", DATABASE, *wanted)
    _run(folder, str(HERE / "set_up_books.py"), str(configuration), DATABASE)
    seconds = {
        "install_seconds": round(installed - started, 1),
        "database_seconds": round(time.monotonic() - installed, 1),
    }
    (folder / "built.json").write_text(json.dumps(seconds))


def _run(folder: Path, *arguments: str) -> None:
    environ = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    python = str(folder / "venv" / "bin" / "python")
    try:
        ended = subprocess.run(
            [python, *arguments],
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            env=environ,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise PeerMissing(f"building the Tryton peer: {fault}") from None
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
        raise PeerMissing(f"building the Tryton peer: {' '.join(last) or ended.returncode}")


def write_configuration(folder: Path, port: int, lock_retries: int = LOCK_RETRIES) -> Path:
    """Write Tryton's configuration for a database in this folder, and return its file."""
    file = folder / "trytond.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, port=port, lock_retries=lock_retries))
    return file

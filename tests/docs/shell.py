"""A shell for the pages' commands: it keeps directory and variables from one command to the next.

Surprising: a clean Debian has no curl, so a small stand-in for it is put on the path when there is
none; everything else is the real thing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

END = "@@ ended with "
DEADLINE_SECONDS = 30.0
PAGES_LOCK = Path(tempfile.gettempdir()) / "tillway-pages.lock"
CURL = """\
import sys, urllib.error, urllib.request
words = sys.argv[1:]
headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
body = open(words[words.index("--data") + 1][1:], "rb").read()
url = next(word for word in words if word.startswith("http"))
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, body, headers))
except urllib.error.HTTPError as refused:
    answer = refused
print(answer.read().decode())
"""


class Shell:
    """One bash whose commands run one after the other; programs may run beside it.

    commands: folder whose programs come before all others; that of the running Python by itself.
    """

    def __init__(self, folder: Path, tools: Path, commands: Path | None = None) -> None:
        path = _path(tools, commands or Path(sys.executable).parent)
        self._environment = dict(os.environ, PATH=path, NO_COLOR="1", COLUMNS="220")
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._beside: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        # Pages name the ports they use, so two of them cannot be followed at the same time.
        self._alone = PAGES_LOCK.open("w", encoding="ascii")
        fcntl.flock(self._alone, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_about: object) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait()
        for program in self._beside.values():
            program.kill()
            program.wait()
        assert self._bash.stdout is not None
        self._bash.stdout.close()
        self._alone.close()

    def run(self, command: str) -> tuple[int, str]:
        """Run one command; returns its exit code and what it printed, errors included."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\nprintf '\\n{END}%d\\n' $?\n")
        self._bash.stdin.flush()
        printed: list[str] = []
        for line in self._bash.stdout:
            if line.startswith(END):
                return int(line.removeprefix(END)), "".join(printed)
            printed.append(line)
        raise AssertionError(f"the shell ended at {command!r}: {''.join(printed)}")

    def start(self, command: str, folder: Path, port: int) -> None:
        """Start a program as in another terminal, and wait until it listens."""
        with (folder.parent / "beside.log").open("ab") as log:
            program = subprocess.Popen(
                command.split(), cwd=folder, env=self._environment, stdout=log, stderr=log
            )
        self._beside[command] = program
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not _listens(port):
            assert program.poll() is None, f"{command} ended with {program.returncode}"
            assert time.monotonic() < deadline, f"{command} does not listen at {port}"

    def stop(self, command: str) -> int:
        """Press Ctrl-C in the terminal of a program and return its exit code."""
        program = self._beside.pop(command)
        program.send_signal(signal.SIGINT)
        return program.wait(DEADLINE_SECONDS)


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.05):
            return True
    except OSError:
        time.sleep(0.02)
        return False


def _path(tools: Path, commands: Path) -> str:
    tools.mkdir()
    if shutil.which("curl") is None:
        (tools / "curl.py").write_text(CURL)
        script = f'#!/bin/sh\nexec "{sys.executable}" "{tools}/curl.py" "$@"\n'
        (tools / "curl").write_text(script)
        (tools / "curl").chmod(0o755)
    return os.pathsep.join((str(commands), str(tools), os.environ["PATH"]))

"""Follows a page as a reader would: writes its files, runs its commands, compares outputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from docs.fenced import Step, blocks, matches, steps
from docs.shell import Shell, free_port

IN_TIME_SECONDS = 30.0


class Follower:
    """Does what a page says in one folder; ports of the page become free ones of this machine.

    ports: as the page writes them; a program listens at the first that its command names, else at
    the first of all. late: commands whose output is true only after a while.
    """

    def __init__(
        self, shell: Shell, folder: Path, ports: Sequence[str], late: tuple[str, ...]
    ) -> None:
        self._shell = shell
        self._folder = folder
        self._ports = {written: free_port() for written in ports}
        self._late = late

    def follow(self, page: Path, programs_in: Path) -> None:
        """Follow a page from its first block to its last. programs_in: where programs start."""
        for block in blocks(page):
            if block.language != "console":
                target = self._folder / block.about
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(self._here(block.text))
            elif block.about == "in the background":
                for step in steps(block):
                    self._shell.start(self._here(step.command), programs_in, self._port(step))
            else:
                for step in steps(block):
                    self._run(step, int(block.about.removeprefix("exit ") or 0))

    def _port(self, step: Step) -> int:
        named = [written for written in self._ports if written in step.command]
        first = min(named, key=step.command.index) if named else next(iter(self._ports))
        return self._ports[first]

    def _run(self, step: Step, wanted: int) -> None:
        wait = IN_TIME_SECONDS if step.command.startswith(self._late) else 0
        deadline = time.monotonic() + wait
        while True:
            code, printed = self._shell.run(self._here(step.command))
            shown = code == wanted and matches(step.shown, printed)
            if shown or time.monotonic() >= deadline:
                break
        assert shown, f"$ {step.command}\nleft with {code} and printed\n{printed}"

    def _here(self, text: str) -> str:
        for written, port in self._ports.items():
            text = text.replace(written, str(port))
        return text

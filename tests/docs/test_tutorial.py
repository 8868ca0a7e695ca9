"""Every file and every command of the tutorial, in the order of the page, with a real hub."""

from __future__ import annotations

import time
from pathlib import Path

from docs.fenced import DOCS, Block, Step, blocks, matches, steps
from docs.shell import Shell, free_port

PAGE = DOCS / "tutorials" / "connect-a-pos.md"
PROJECT = "my-chain"
HUB_PORT, ERP_PORT = "8080", "8091"
DELIVERY_SECONDS = 15.0


class Reader:
    """Does what the page says; ports of the page become free ones of this machine."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell = shell
        self.project = folder / PROJECT
        self.ports = {HUB_PORT: free_port(), ERP_PORT: free_port()}

    def do(self, block: Block) -> None:
        """Write a file, start or stop a program, or run commands and compare what they print."""
        if block.language != "console":
            target = self.project / block.about
            target.parent.mkdir(exist_ok=True)
            target.write_text(block.text)
        elif block.about.startswith("stop "):
            assert self.shell.stop(block.about.removeprefix("stop ")) == 0
        elif block.about == "in the background":
            for step in steps(block):
                port = self.ports[ERP_PORT if ERP_PORT in step.command else HUB_PORT]
                self.shell.start(self._here(step.command), self.project, port)
        else:
            wanted = int(block.about.removeprefix("exit ") or 0)
            for step in steps(block):
                self._run(step, wanted)

    def _run(self, step: Step, wanted: int) -> None:
        deadline = time.monotonic() + (
            DELIVERY_SECONDS if step.command.startswith("tillway trace") else 0
        )
        while True:
            code, printed = self.shell.run(self._here(step.command))
            shown = code == wanted and matches(step.shown, printed)
            if shown or time.monotonic() >= deadline:
                break
        assert shown, f"$ {step.command}\nleft with {code} and printed\n{printed}"

    def _here(self, command: str) -> str:
        for written, port in self.ports.items():
            command = command.replace(written, str(port))
        return command


def test_tutorial_can_be_followed(tmp_path: Path) -> None:
    """From an empty folder to a mended receipt in the ERP, each output as the page shows it."""
    with Shell(tmp_path, tmp_path / "tools") as shell:
        reader = Reader(shell, tmp_path)
        for block in blocks(PAGE):
            reader.do(block)


def test_an_output_that_is_not_true_is_noticed() -> None:
    """The comparison knows `...` and nothing else."""
    assert matches("a ... c\n", "a  b b\nc\n")
    assert matches("...\nlast", "first\nlast\n")
    assert matches("", "")
    assert not matches("a ... c", "a b d")
    assert not matches("", "something")

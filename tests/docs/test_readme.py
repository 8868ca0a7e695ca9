"""The commands of the front page that end by themselves, run as a newcomer would."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.fenced import DOCS, blocks, steps
from docs.shell import Shell, free_port

README = DOCS.parent / "README.md"
LOOKED_AT = 2
TIMED_DEMO = "tillway dev --fresh .demo --seconds 6 --rate 40 --json"
EXITS = {"tillway status": LOOKED_AT, "tillway dlq list": LOOKED_AT}


def commands(first: str) -> list[str]:
    """Return the commands of the block that starts with one, without the way to the tools."""
    for block in blocks(README):
        found = [step.command for step in steps(block)]
        if found and found[0] == first:
            return [command.replace("../", "").replace(".venv/bin/", "") for command in found]
    raise AssertionError(f"no block starts with {first!r}")


def follow(shell: Shell, found: list[str]) -> None:
    """Run commands one after the other; each leaves with what the page lets expect."""
    for command in found:
        code, printed = shell.run(command)
        assert code == EXITS.get(command, 0), f"$ {command}\nleft with {code}\n{printed}"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a shell in an empty folder."""
    return Shell(tmp_path, tmp_path / "tools")


def test_questions_to_the_demo_have_answers(shell: Shell) -> None:
    """After a timed demo: status, find, trace and dlq list show it, and the books balance."""
    with shell:
        follow(shell, [TIMED_DEMO, *commands("cd .demo")])


def test_a_project_of_ones_own_starts(shell: Shell) -> None:
    """A fresh project is valid, its samples pass and the hub starts and stops."""
    made, *rest = commands(".venv/bin/tillway init my-chain --template pos-erp")
    assert rest[-1] == "tillway run"
    ports = f" --port {free_port()} --erp-port {free_port()}"
    with shell:
        follow(shell, [made + ports, *rest[:-1], "tillway run --seconds 0.5"])


def test_the_two_commands_exist() -> None:
    """`make demo` and `make test` are targets of the Makefile."""
    targets = (DOCS.parent / "Makefile").read_text("utf-8")
    named = [command.split()[1] for command in commands_of_make()]
    assert {"demo", "test"} <= set(named)
    assert all(f"\n{name}:" in targets for name in named)


def commands_of_make() -> list[str]:
    """Return every make command of the front page's blocks."""
    found = [step.command for block in blocks(README) for step in steps(block)]
    return [command for command in found if command.startswith("make ")]

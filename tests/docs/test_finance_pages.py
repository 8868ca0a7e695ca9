"""The commands of the pages for finance, run after a timed demo; each shows what its page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.fenced import DOCS, blocks, matches, steps
from docs.shell import Shell

FOLLOWED_ALONE = ("a-missing-cent.md",)
"""Pages with a project of their own; each has a test of its own beside this one."""
PAGES = sorted(
    set((DOCS / "finance").glob("*.md")) - {DOCS / "finance" / n for n in FOLLOWED_ALONE}
)
DEMO = "tillway dev --fresh demo --seconds 6 --rate 40 --json"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Give a shell in the project of a demo that has ended."""
    folder = tmp_path_factory.mktemp("finance")
    with Shell(folder, folder / "tools") as made:
        code, printed = made.run(DEMO)
        assert code == 0, printed
        made.run("cd demo")
        yield made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_commands_do_what_it_says(shell: Shell, page: Path) -> None:
    """Every command leaves with the code of its block and prints what stands under it."""
    followed = 0
    for block in blocks(page):
        if block.language != "console":
            continue
        for step in steps(block):
            code, printed = shell.run(step.command)
            assert code == int(block.about.removeprefix("exit ") or 0), printed
            assert matches(step.shown, printed), f"$ {step.command}\n{printed}"
            followed += 1
    assert followed

"""Every file and every command of the page that follows one cent to the bank, with a real hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.fenced import DOCS
from docs.follower import Follower
from docs.shell import Shell

PAGE = DOCS / "finance" / "a-missing-cent.md"
PROJECT = "one-cent"


@pytest.mark.timeout(180)
def test_the_cent_is_found_and_explained_as_the_page_says(tmp_path: Path) -> None:
    """From three receipts to a statement that lacks a cent, and to the line that brings it."""
    with Shell(tmp_path, tmp_path / "tools") as shell:
        follower = Follower(shell, tmp_path / PROJECT, ("8080",), late=("tillway recon show",))
        follower.follow(PAGE, tmp_path / PROJECT)

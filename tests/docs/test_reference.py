"""The committed reference pages are what the code writes today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_reference_pages_are_up_to_date(tmp_path: Path) -> None:
    """`make docs` changes nothing: every page is there, none is left over, none is stale."""
    command = [sys.executable, "-m", "tillway.cli.reference", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    written = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    committed = {file.name: file.read_text("utf-8") for file in REFERENCE.iterdir()}
    assert sorted(committed) == sorted(written), "run `make docs`"
    stale = [name for name, text in committed.items() if text != written[name]]
    assert stale == [], "run `make docs`"

"""The reference pages come from the code, whole and the same every time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import tillway
from tillway.cli.markdown import table
from tillway.cli.reference import PAGES, pages
from tillway.cli.reference_model import FORMAT_OPTIONS
from tillway.cli.verbs import VERBS
from tillway.connect import connector_names
from tillway.errors import all_codes
from tillway.formats.registry import format_names
from tillway.mapping import FUNCTIONS
from tillway.model import MESSAGE_TYPES, RULES


def test_every_thing_has_its_place_in_the_reference():
    """No verb, code, connector, message, rule, format or function is left out."""
    made = pages()
    assert all(f"### tillway {name}" in made["cli.md"] for name in VERBS)
    assert all(f"### {code}" in made["errors.md"] for code in all_codes())
    assert all(f"## {name}" in made["connectors.md"] for name in connector_names())
    assert all(f"## {name}" in made["messages.md"] for name in MESSAGE_TYPES)
    assert all(f"`{name}`" in made["audit-rules.md"] for name in RULES)
    assert all(f"## {name}" in made["formats.md"] for name in format_names())
    assert all(f"`{one.usage}`" in made["mapping-functions.md"] for one in FUNCTIONS.values())
    assert all(name in made["README.md"] for name in PAGES)


def test_every_format_has_its_options_listed():
    """A format added without its options here would leave the page silent about them."""
    assert sorted(FORMAT_OPTIONS) == format_names()


def test_links_between_sections_lead_somewhere():
    """A part named in a field of a message has its own section on the page."""
    text = pages()["messages.md"]
    targets = set(re.findall(r"\]\(#([\w-]+)\)", text))
    headings = {line[3:].strip().lower() for line in text.splitlines() if line.startswith("## ")}
    assert targets
    assert targets <= headings


def test_all_exit_codes_are_told():
    """The table is read from the texts under the codes."""
    text = pages()["cli.md"]
    assert all(f"| {code} | " in text for code in (0, 1, 2, 64, 70, 74, 75, 78))


def test_the_command_writes_the_pages(tmp_path):
    """`python -m tillway.cli.reference DIR`, twice with the same bytes."""
    for name in ("one", "two"):
        command = [sys.executable, "-m", "tillway.cli.reference", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    first = {file.name: file.read_bytes() for file in (tmp_path / "one").iterdir()}
    assert first == {file.name: file.read_bytes() for file in (tmp_path / "two").iterdir()}
    assert set(first) == {"README.md", *PAGES}


def test_a_bar_in_a_cell_does_not_break_its_row():
    """Cells are made safe for the table they stand in."""
    assert table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x\\|y z |"


def test_every_code_of_this_area_is_raised_somewhere():
    """TW-1000 to TW-1299: no record without a place in the code that uses it."""
    source = "".join(
        file.read_text("utf-8") for file in Path(tillway.__file__).parent.rglob("*.py")
    )
    unused = [code for code in all_codes() if code < "TW-1300" and f'"{code}"' not in source]
    assert unused == []

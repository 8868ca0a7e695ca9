"""The list of mutants keeps up with the code it breaks; running them is `make mutants`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code_and_names_a_test(mutant: Mutant) -> None:
    """The text it replaces stands in its file just once, and its test exists."""
    for edit in mutant.edits:
        text = (ROOT / "src/tillway" / edit.file).read_text()
        assert text.count(edit.old) == 1, f"{edit.file} has not just once {edit.old!r}"
        assert edit.new != edit.old
    file, _, test = mutant.test.partition("::")
    assert test.partition("[")[0] in (ROOT / file).read_text()

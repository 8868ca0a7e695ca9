"""What a table remembers of the texts it read stays small, whatever a sender writes."""

from __future__ import annotations

import pytest

from tillway.errors import ContractViolation
from tillway.mapping import load_table
from tillway.mapping.functions import REMEMBERED
from tillway.mapping.limits import REMEMBERED_CHARACTERS

TABLE = 'output = "x"\nversion = 1\n[map]\na = "lower(x)"\nb = "pad(x, 4)"\n'


def test_a_long_text_is_read_anew_each_time() -> None:
    """Many long texts that never come again are no reason to keep each of them."""
    table, long = load_table(TABLE, name="t", codes={}), "X" * (REMEMBERED_CHARACTERS + 1)
    assert table.apply({"x": long}) == {"a": long.lower(), "b": long}
    assert table.apply({"x": "Seven"}) == {"a": "seven", "b": "Seven"}
    assert "Seven" in REMEMBERED["lower"]
    assert long not in REMEMBERED["lower"]


def test_a_missing_value_is_known_without_a_call() -> None:
    """Nothing of a value that is not there is None, for every function that remembers."""
    assert {remembered[None] for remembered in REMEMBERED.values()} == {None}


def test_a_truth_is_no_width() -> None:
    """True counts as 1 in Python; a table that pads to it is told so."""
    table = load_table(TABLE.replace("4", "True"), name="t", codes={})
    with pytest.raises(ContractViolation, match="TW-3301"):
        table.apply({"x": "7"})

"""What a table remembers of the texts it read stays small, whatever a sender writes."""

from __future__ import annotations

import pytest

from tillway.errors import ContractViolation
from tillway.mapping import load_table
from tillway.mapping.functions import REMEMBERED
from tillway.mapping.limits import REMEMBERED_CHARACTERS, REMEMBERED_PARTS
from tillway.mapping.program import remember

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


def test_a_part_is_kept_only_under_short_texts() -> None:
    """True, 1 and 1.0 are one key in Python and not one value; a long text seldom comes twice."""
    parts: dict[tuple[object, ...], object] = {}
    for values in (("a", 1), (True,), (1.0,), ("X" * (REMEMBERED_CHARACTERS + 1),)):
        remember(parts, values, "made")
    assert not parts
    remember(parts, ("a", None), "made")
    assert parts == {("a", None): "made"}


def test_parts_that_never_come_again_do_not_fill_the_memory() -> None:
    """A sender that makes up a new item in every line costs no more than a chain's catalogue."""
    parts: dict[tuple[object, ...], object] = {}
    for number in range(REMEMBERED_PARTS + 1):
        remember(parts, (str(number),), "made")
    assert parts == {(str(REMEMBERED_PARTS),): "made"}


def test_a_block_over_the_record_itself_takes_its_filter_and_its_fields_from_it() -> None:
    """It makes a list of one, or of none, and a position in it is the first."""
    block = "[each.{0}]\nfrom = 'list_of(this)'\nwhere = 'kind != \"GIFT\"'\nn = '{1}'\n"
    text = 'output = "x"\nversion = 1\n[map]\na = "a"\n' + block.format("b", "a")
    table = load_table(text + block.format("c", "position"), name="t", codes={})
    assert table.apply({"a": "7", "kind": "ITEM"}) == {"a": "7", "b": [{"n": "7"}], "c": [{"n": 1}]}
    assert table.apply({"a": "7", "kind": "GIFT"}) == {"a": "7", "b": [], "c": []}

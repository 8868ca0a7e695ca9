"""Every setting of a TOML text is found on its line."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from tillway.project.toml_lines import setting_lines

TEXT = '''\
name = "x"  # 1
"quoted name" = 1
a.b = 2

[table.inner]   # 5
key = """
not_a_key = 1
"""
after = 1

[[list]]
when = 'a == "b"'
[[list]]
when = 'c'
[list.below]
deep = 1
'''


def test_tables_keys_and_arrays_of_tables_are_found():
    """Headers, dotted and quoted keys, and items of arrays each have their line."""
    lines = setting_lines(TEXT)
    assert lines["name",] == 1
    assert lines["quoted name",] == 2
    assert lines["a", "b"] == 3
    assert lines["table", "inner"] == 5
    assert lines["table", "inner", "after"] == 9
    assert lines["list", 0, "when"] == 12
    assert lines["list", 1, "when"] == 14
    assert lines["list", 1, "below", "deep"] == 16


def test_the_inside_of_a_long_text_is_no_setting():
    """A line inside triple quotes is not taken for a key."""
    assert ("table", "inner", "not_a_key") not in setting_lines(TEXT)


names = st.text("abcdefgh_-", min_size=1, max_size=6)
tables = st.dictionaries(names, st.dictionaries(names, st.integers(), max_size=4), max_size=5)


@given(tables)
def test_every_key_of_any_text_is_on_the_line_told(values):
    """For generated tables each path leads to the line that holds its key."""
    rows = []
    for table, keys in values.items():
        rows.append(f"[{table}]")
        rows += [f"{key} = {number}" for key, number in keys.items()]
    text = "\n".join(rows)
    lines = setting_lines(text)
    for table, keys in tomllib.loads(text).items():
        assert rows[lines[table,] - 1] == f"[{table}]"
        for key, number in keys.items():
            assert rows[lines[table, key] - 1] == f"{key} = {number}"

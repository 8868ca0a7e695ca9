"""Loading a mapping table: every mistake is told with file, line, row and advice."""

import pytest

from tillway.errors import ConfigurationError
from tillway.mapping import CodeTable, load_table, table_problems

CODES = {"uom": CodeTable("uom", {"ST": "EA"})}
HEAD = 'output = "x"\nversion = 1\n'
SALE = 'message_type = "retail_transaction.completed"\nversion = 1\n'


@pytest.mark.parametrize(
    ("text", "code", "line", "advice"),
    [
        ("version = \n", "TW-3302", 1, "TOML"),
        ("version = 1\n[map]\na = 'b'\n", "TW-3302", 1, "message_type"),
        (
            'output = "x"\nmessage_type = "control.recorded"\nversion = 1\n[map]\na = "b"\n',
            "TW-3302",
            1,
            "message_type",
        ),
        ("output = \"x\"\n[map]\na = 'b'\n", "TW-3302", 1, "version = 1"),
        (HEAD, "TW-3302", 1, "[map]"),
        (HEAD + "[mapp]\na = 'b'\n", "TW-3302", 3, 'Did you mean "map"?'),
        (HEAD + "[map]\na = 'b'\n\"a.c\" = 'd'\n", "TW-3302", 5, "remove one"),
        (HEAD + "[map]\na = 'b'\n[each.a]\nfrom = 'c'\n", "TW-3302", 5, "remove one"),
        (HEAD + "[each.lines]\nfrm = 'c'\n", "TW-3302", 3, "from = "),
        (HEAD + "[each]\nlines = 'c'\n", "TW-3302", 4, "[each.lines]"),
        (HEAD + "[group.taxes]\nfrom = 'c'\nrate = 'key'\n", "TW-3302", 3, "by = "),
        (HEAD + "[map]\n\na = 'mony(b)'\n", "TW-3304", 5, 'Did you mean "money"?'),
        (HEAD + "[map]\na = 1\n", "TW-3303", 4, "string"),
        (HEAD + "[map]\na = true\n", "TW-3303", 4, "string"),
        (HEAD + "[each.l]\nfrom = 'c'\nwhere = 'x ='\n", "TW-3303", 5, "use"),
        (
            HEAD + "[group.t]\nfrom = 'c'\nby = 'd'\nrate = 'vat'\n",
            "TW-3303",
            6,
            "first(rows).vat",
        ),
        (
            "message_type = \"control.record\"\nversion = 1\n[map]\na = 'b'\n",
            "TW-3308",
            1,
            'Did you mean "control.recorded"?',
        ),
        (
            "message_type = \"control.recorded\"\nversion = 1\n[map]\nworkstaton_id = 'b'\n",
            "TW-3308",
            4,
            'Did you mean "workstation_id"?',
        ),
        (
            SALE + "[each.lines]\nfrom = 'x'\n\"item.item\" = 'b'\n",
            "TW-3308",
            5,
            "item_id",
        ),
        (
            SALE + "[each.currency]\nfrom = 'x'\na = 'b'\n",
            "TW-3308",
            4,
            "no list",
        ),
    ],
)
def test_mistake_is_told_with_its_line(text, code, line, advice):
    """The error names the code, `mappings/demo.toml:<line>` and what to write."""
    with pytest.raises(ConfigurationError) as error:
        load_table(text, name="demo", codes=CODES)
    assert error.value.code == code
    assert error.value.where["at"] == f"mappings/demo.toml:{line}"
    assert advice in error.value.advice


def test_all_problems_of_a_table_are_listed():
    """table_problems names every bad row, not only the first; a good table has none."""
    bad = HEAD + "[map]\na = 'mony(b)'\nb = 'c'\nd = 'e +'\n[each.l]\nfrom = 'x'\nf = 'up(g)'\n"
    assert [problem.path for problem in table_problems(bad, name="t", codes={})] == [
        "a",
        "d",
        "l.f",
    ]
    assert table_problems(HEAD + "[map]\na = 'b'\n", name="t", codes={}) == []


def test_extension_fields_take_any_target():
    """What a vendor sent beyond the model goes below extensions, whatever its name."""
    text = 'message_type = "control.recorded"\nversion = 1\n[map]\n"extensions.acme.x" = \'a\'\n'
    loaded = load_table(text, name="t", codes={})
    assert loaded.apply({"a": "1"}) == {"extensions": {"acme": {"x": "1"}}}


def test_required_fields_that_no_row_makes_are_named():
    """missing() names what the message needs and the table does not make."""
    text = "message_type = \"control.recorded\"\nversion = 1\n[map]\nworkstation_id = 'a'\n"
    loaded = load_table(text, name="t", codes={})
    assert set(loaded.missing()) == {
        "business_unit_id",
        "business_date",
        "sequence_number",
        "control_type",
    }


def test_blocks_cannot_nest_without_end():
    """Blocks nest five deep, enough for any receipt, and no deeper."""
    blocks = "".join(
        f"[each.\"{'.'.join('abcdefgh'[:size])}\"]\nfrom = 'x'\n" for size in range(1, 8)
    )
    with pytest.raises(ConfigurationError, match="nested too deep"):
        load_table(HEAD + blocks, name="t", codes={})

"""Mapping tables: rows, blocks, groups, and what a failing record is told."""

from decimal import Decimal

import pytest

from tillway.errors import ContractViolation
from tillway.mapping import CodeTable, load_table

CODES = {
    "uom": CodeTable("uom", {"ST": "EA", "KG": "KGM"}),
    "tender": CodeTable("tender", {"CC": "credit"}),
}


def table(body, name="demo"):
    """Return a target table with the given body."""
    return load_table(f'output = "x"\nversion = 1\n{body}', name=name, codes=CODES)


def test_dotted_targets_nest_and_none_is_left_out():
    """Dotted rows share one object; a row without a value leaves nothing, not even its object."""
    loaded = table("""
[map]
store = 'storeNo'
"totals.grand" = 'money(sum.grand)'
"totals.tax" = 'money(sum.tax)'
"card.last4" = 'last4(pan)'
channel = '"store"'
nothing = 'None'
""")
    assert loaded.apply({"storeNo": "0145", "sum": {"grand": "2.5"}}) == {
        "store": "0145",
        "totals": {"grand": Decimal("2.50")},
        "channel": "store",
    }


def test_each_makes_one_item_per_kept_source_item():
    """A filter is told in the item's scope; position counts the items kept; root is the record."""
    loaded = table("""
[each.lines]
from = 'items'
where = 'kind == "ITEM"'
number = 'position'
sku = 'sku'
store = 'root.storeNo'
odd = 'this["odd name"]'
""")
    record = {
        "storeNo": "7",
        "items": [{"kind": "ITEM", "sku": "a"}, {"kind": "TAX"}, {"kind": "ITEM", "odd name": 1}],
    }
    assert loaded.apply(record) == {
        "lines": [
            {"number": 1, "sku": "a", "store": "7"},
            {"number": 2, "store": "7", "odd": 1},
        ]
    }


def test_nested_each_runs_in_the_scope_of_the_line():
    """An inner list is read from the source item that made the outer one, however it is written."""
    quoted = table("""
[each.lines]
from = 'items'
sku = 'sku'
[each."lines.tax"]
from = 'taxes'
rate = 'percent(rate)'
""")
    plain = table("""
[each.lines]
from = 'items'
sku = 'sku'
[each.lines.tax]
from = 'taxes'
rate = 'percent(rate)'
""")
    record = {"items": [{"sku": "a", "taxes": [{"rate": "7.0"}]}, {"sku": "b"}]}
    wanted = {"lines": [{"sku": "a", "tax": [{"rate": Decimal(7)}]}, {"sku": "b"}]}
    assert quoted.apply(record) == plain.apply(record) == wanted


def test_each_below_an_object_and_a_single_record_as_list():
    """A list may stand inside an object, and one XML child counts as a list of one."""
    loaded = table("""
[each."document.rows"]
from = 'Line'
id = 'this["@id"]'
""")
    assert loaded.apply({"Line": {"@id": "1"}}) == {"document": {"rows": [{"id": "1"}]}}
    assert loaded.apply({"Line": []}) == {"document": {"rows": []}}
    assert loaded.apply({}) == {}


def test_group_shares_one_key_and_sums_exactly():
    """Rows of one key come together in order of appearance; 0.10 + 0.20 is 0.30."""
    loaded = table("""
[group.taxes]
from = 'items'
where = 'vat != None'
by = 'percent(vat)'
rate = 'key'
tax_amount = 'total_of(rows, "vatAmt")'
first_sku = 'first(rows).sku'
share = 'count(rows) / root.many'
place = 'position'
""")
    record = {
        "many": 4,
        "items": [
            {"vat": "19", "vatAmt": "0.10", "sku": "a"},
            {"vat": "7", "vatAmt": "0.07"},
            {"vat": "19.0", "vatAmt": "0.20"},
            {"sku": "none"},
        ],
    }
    assert loaded.apply(record) == {
        "taxes": [
            {
                "rate": Decimal(19),
                "tax_amount": Decimal("0.30"),
                "first_sku": "a",
                "share": Decimal("0.5"),
                "place": 1,
            },
            {
                "rate": Decimal(7),
                "tax_amount": Decimal("0.07"),
                "share": Decimal("0.25"),
                "place": 2,
            },
        ]
    }


def test_group_inside_each_and_each_inside_group():
    """Blocks nest both ways; inside a group the rows are a list like any other."""
    loaded = table("""
[each.lines]
from = 'items'
[group."lines.rates"]
from = 'taxes'
by = 'rate'
rate = 'key'
[each."lines.rates.parts"]
from = 'rows'
amount = 'money(amount)'
""")
    record = {"items": [{"taxes": [{"rate": "7", "amount": "1"}, {"rate": "7", "amount": "2"}]}]}
    parts = [{"amount": Decimal("1.00")}, {"amount": Decimal("2.00")}]
    assert loaded.apply(record) == {"lines": [{"rates": [{"rate": "7", "parts": parts}]}]}


BROKEN = """
[map]
number = 'integer(no)'
raw = 'share'
[each.lines]
from = 'items'
where = 'kind == "ITEM"'
net_amount = 'money(net)'
uom = 'code("uom", unit)'
[each."lines.tax"]
from = 'taxes'
rate = 'percent(rate)'
[group.taxes]
from = 'items'
by = 'vat'
rate = 'percent(key)'
"""


def test_every_failing_row_is_told_with_path_rule_value_and_place():
    """A record that does not map is told all its failing rows at once."""
    record = {
        "no": "x1",
        "share": 0.5,
        "items": [
            {"kind": "TAX", "vat": "7"},
            {"kind": "ITEM", "net": "1.00", "unit": "ST", "vat": {}},
            {"kind": "ITEM", "net": 1.5, "unit": "LB", "taxes": [{"rate": "7"}, {"rate": "4OO"}]},
            "no record",
        ],
    }
    with pytest.raises(ContractViolation) as error:
        table(BROKEN).apply(record)
    assert error.value.code == "TW-3301"
    told = [(breach.path, breach.rule, breach.value) for breach in error.value.violations]
    assert told == [
        ("number", "decimal", "x1"),
        ("raw", "float_money", "0.5"),
        ("lines[3]", "type", "no record"),
        ("lines[1].net_amount", "float_money", "1.5"),
        ("lines[1].uom", "code", "LB"),
        ("lines[1].tax[1].rate", "decimal", "4OO"),
        ("taxes[3]", "type", "no record"),
        ("taxes", "type", "a record of 0 fields"),
    ]
    uom = error.value.violations[4]
    assert "codes/uom.csv: ST, KG" in uom.expected
    assert 'code("uom", unit) at mappings/demo.toml:' in uom.expected


def test_unknown_codes_alone_have_a_code_of_their_own():
    """Where only codes are unknown, the fix is a row in a code table, and the code says so."""
    loaded = table("[map]\nuom = 'code(\"uom\", unit)'\ntender = 'code(\"tender\", kind)'\n")
    with pytest.raises(ContractViolation) as error:
        loaded.apply({"unit": "LB", "kind": "??"})
    assert error.value.code == "TW-3311"
    assert [breach.path for breach in error.value.violations] == ["uom", "tender"]


def test_card_number_in_a_failing_value_is_masked():
    """A value in a violation shows no more than the last four digits of a long number."""
    with pytest.raises(ContractViolation) as error:
        table("[map]\nday = 'date(pan)'\n").apply({"pan": "4111111111111111"})
    assert "411111" not in str(error.value.as_json())
    assert "****1111" in error.value.violations[0].value


def test_violations_are_bounded():
    """A record with thousands of bad lines is told the first hundred."""
    loaded = table("[each.lines]\nfrom = 'items'\nnet = 'money(net)'\n")
    with pytest.raises(ContractViolation) as error:
        loaded.apply({"items": [{"net": "x"}] * 10_000})
    assert len(error.value.violations) == 100


def test_explain_tells_each_row_with_its_sources():
    """Explaining gives target, expression, source values and result, failed rows included."""
    traces = table(BROKEN).explain(
        {"no": "7", "items": [{"kind": "ITEM", "net": "1", "unit": "LB", "vat": "19"}]}
    )
    told = {trace.path: (trace.sources, trace.result, bool(trace.fault)) for trace in traces}
    assert told["number"] == ({"no": "7"}, 7, False)
    assert told["lines[0].net_amount"] == ({"net": "1"}, Decimal("1.00"), False)
    assert told["lines[0].uom"] == ({"unit": "LB"}, None, True)
    assert told["taxes[0].rate"] == ({"key": "19"}, Decimal(19), False)


def test_sources_are_the_fields_the_table_reads():
    """Coverage names every source field, list items with [], also through groups and totals."""
    loaded = table("""
[map]
grand = 'money(sum.grand)'
tax = 'total_of(items, "vatAmt")'
[each.lines]
from = 'coalesce(items, rows)'
store = 'root.store'
net = 'net'
[each."lines.tax"]
from = 'taxes'
rate = 'rate["@p"]'
[group.taxes]
from = 'items'
by = 'vat'
amount = 'total_of(rows, "vatSum")'
""")
    assert loaded.sources() == {
        "sum.grand",
        "items",
        "items[].vatAmt",
        "rows",
        "store",
        "items[].net",
        "rows[].net",
        "items[].taxes",
        "rows[].taxes",
        "items[].taxes[].rate.@p",
        "rows[].taxes[].rate.@p",
        "items[].vat",
        "items[].vatSum",
    }


def test_digest_follows_text_and_used_code_tables():
    """The digest changes with the text and with a code table in use, not with another one."""
    body = 'output = "x"\nversion = 1\n[map]\nuom = \'code("uom", unit)\'\n'
    digest = load_table(body, name="a", codes=CODES).digest
    more = CODES | {"tender": CodeTable("tender", {"A": "b"})}
    changed = CODES | {"uom": CodeTable("uom", {"A": "b"})}
    assert load_table(body, name="b", codes=more).digest == digest
    assert load_table(body, name="a", codes=changed).digest != digest
    assert load_table(body + "x = 'y'\n", name="a", codes=CODES).digest != digest
    assert len(digest) == 64


def test_apply_leaves_the_record_alone_and_shares_nothing_between_calls():
    """Mapping is pure: the record stays, and two results are two objects."""
    loaded = table("[each.lines]\nfrom = 'items'\nsku = 'sku'\n")
    record = {"items": [{"sku": "a"}]}
    first, second = loaded.apply(record), loaded.apply(record)
    first["lines"].append("more")
    assert second == {"lines": [{"sku": "a"}]}
    assert record == {"items": [{"sku": "a"}]}

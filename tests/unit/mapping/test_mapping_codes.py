"""Code tables: what they look up, and what they refuse to guess."""

from decimal import Decimal

import pytest

from tillway.errors import ConfigurationError
from tillway.mapping import CodeTable, load_code_table, load_table
from tillway.mapping.faults import RowFault

UOM = "source,canonical,label\n# a remark\nST,EA,piece\n\n 7 , KGM ,kilogram\n"


def test_listed_code_becomes_its_canonical_code():
    """A listed code gives its canonical code, white space and remarks in the file aside."""
    table = load_code_table("uom", UOM)
    assert (table.canonical("ST"), table.canonical("7")) == ("EA", "KGM")


def test_number_is_looked_up_by_its_digits():
    """The code 7 and the code "7" are one code."""
    table = load_code_table("uom", UOM)
    assert table.canonical(7) == table.canonical(Decimal(7)) == "KGM"


def test_missing_code_gives_nothing():
    """None is no code, so nothing is looked up."""
    assert load_code_table("uom", UOM).canonical(None) is None


@pytest.mark.parametrize("code", ["LB", "", "st", True, 1.0, [], {}])
def test_unlisted_code_is_refused_with_the_codes_that_would_do(code):
    """An unlisted code of any type is a fault that names the table and its codes."""
    with pytest.raises(RowFault, match=r"codes/uom.csv: ST, 7") as fault:
        load_code_table("uom", UOM).canonical(code)
    assert fault.value.rule == "code"


def test_star_row_is_the_fallback():
    """Only a row with the source * makes an unlisted code pass."""
    table = CodeTable("tender", {"CC": "credit", "*": "other"})
    assert (table.canonical("CC"), table.canonical("??")) == ("credit", "other")


def test_digest_depends_on_the_rows_and_not_on_their_order():
    """Two tables with equal rows have one digest, a changed row has another."""
    one = load_code_table("t", "source,canonical\nA,x\nB,y\n")
    same = load_code_table("t", "source,canonical,label\nB,y,word\nA,x,\n")
    other = load_code_table("t", "source,canonical\nA,x\nB,z\n")
    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("code,meaning\nA,x\n", 1),
        ("source,canonical\nA,\n", 2),
        ("source,canonical\nA,x\nA,y\n", 3),
        ("source,canonical\nA,x,label,more\n", 2),
        ("source\nA\n", 1),
    ],
)
def test_malformed_table_is_refused_with_its_line(text, line):
    """A malformed table is refused with file and line."""
    with pytest.raises(ConfigurationError) as error:
        load_code_table("uom", text)
    assert error.value.code == "TW-3309"
    assert error.value.where["at"] == f"codes/uom.csv:{line}"


def test_a_table_tells_where_its_codes_go_into_a_field_of_few_values():
    """As they are, or as one of several; a code that is changed first, or a free text, is not."""
    text = """
message_type = "retail_transaction.completed"
version = 1
[map]
operator_id = 'code("uom", cashier)'
transaction_type = 'lower(code("kind", kind))'
[each.lines]
from = 'items'
line_type = 'coalesce(code("line", kind), "sale")'
uom = '"EA" if pieces else code("uom", unit)'
"""
    codes = {name: CodeTable(name, {"a": "b"}) for name in ("uom", "kind", "line")}
    found = load_table(text, name="x", codes=codes).code_choices()
    assert {(table, field) for table, field, _ in found} == {
        ("line", "lines[].line_type"),
        ("uom", "lines[].uom"),
    }
    assert all("EA" in values for table, _, values in found if table == "uom")


def test_a_table_for_a_target_knows_no_fields_of_few_values():
    """What a target takes is the target's to say."""
    text = 'output = "x"\nversion = 1\n[map]\nunit = "code(\'uom\', unit)"\n'
    assert load_table(text, name="x", codes={"uom": CodeTable("uom", {})}).code_choices() == ()

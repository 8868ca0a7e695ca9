"""Listing what is wrong with a canonical dict that the model refused."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest

from tillway.contracts import shape_violations
from tillway.model.catalogue import MESSAGE_TYPES, message_type
from tillway.testing.examples import EXAMPLES

NAME = "retail_transaction.completed"


def canonical(name=NAME):
    """Return the example of a type as a mapping table would make it."""
    return msgspec.to_builtins(EXAMPLES[name], builtin_types=(Decimal,))


def told(value, name=NAME):
    """Return path and rule of every violation."""
    return [(breach.path, breach.rule) for breach in shape_violations(name, value)]


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_example_of_every_type_has_the_right_shape(name):
    """A good message of each type has no violations, with Decimals or with text amounts."""
    assert told(canonical(name), name) == []
    assert told(msgspec.json.decode(message_type(name).encode(EXAMPLES[name])), name) == []


def test_every_breach_is_listed_and_not_only_the_first():
    """Nine different breaches in one message are nine violations, each at its path."""
    value = canonical()
    value["lines"][0]["uom"] = "LB"
    value["lines"][0]["gross_amount"] = 1.5
    value["lines"][1]["net_amount"] = "4OO.00"
    value["lines"][1]["line_number"] = 0
    value["lines"][1]["voided"] = "no"
    del value["transaction_type"]
    value["workstaton_id"] = "3"
    value["business_date"] = "2026-13-01"
    value["end_at"] = "2026-11-20T10:12:00"
    value["currency"] = "eur"
    value["receipt_number"] = ""
    assert set(told(value)) == {
        ("lines[0].uom", "enum"),
        ("lines[0].gross_amount", "float_money"),
        ("lines[1].net_amount", "decimal"),
        ("lines[1].line_number", "range"),
        ("lines[1].voided", "type"),
        ("transaction_type", "required"),
        ("workstaton_id", "unknown_field"),
        ("business_date", "date"),
        ("end_at", "timestamp"),
        ("currency", "pattern"),
        ("receipt_number", "length"),
    }


def test_violation_says_what_would_be_right():
    """An enum names its values, an unknown field the nearest known one."""
    value = canonical()
    value["lines"][0]["uom"] = "LB"
    value["workstaton_id"] = "3"
    by_path = {breach.path: breach for breach in shape_violations(NAME, value)}
    assert by_path["lines[0].uom"].value == "LB"
    assert by_path["lines[0].uom"].expected.split(", ").count("EA") == 1
    assert by_path["workstaton_id"].expected == 'Did you mean "workstation_id"?'


def test_values_are_masked():
    """A long number in a wrong place is shown by its last four digits."""
    value = canonical()
    value["currency"] = "4111111111111111"
    (breach,) = shape_violations(NAME, value)
    assert breach.value == "****1111"


def test_number_where_a_text_belongs_is_a_type_violation():
    """A store number sent as a number is told, since 0145 and 145 would be two stores."""
    value = canonical()
    value["business_unit_id"] = 145
    (breach,) = shape_violations(NAME, value)
    assert (breach.path, breach.rule, breach.expected) == ("business_unit_id", "type", "a text")


def test_whole_number_is_an_exact_amount():
    """The model takes an int as an amount, so it is no violation beside one that is."""
    value = canonical()
    value["lines"][0]["net_amount"] = 5
    value["lines"][0]["uom"] = "LB"
    assert told(value) == [("lines[0].uom", "enum")]


def test_dates_and_times_may_be_objects():
    """A date object is as good as its text."""
    value = canonical()
    value["business_date"] = dt.date(2026, 11, 20)
    assert told(value) == []


def test_what_only_the_model_sees_is_told_by_the_model():
    """Where no schema speaks, the model's own sentence is the violation."""
    value = canonical()
    value["receipt_number"] = Decimal("12.50")
    ((path, rule),) = told(value)
    assert (path, rule) == ("receipt_number", "model")


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_whatever_the_model_refuses_has_a_violation(name):
    """For each field of each type, every odd value the model refuses is told at that field."""
    odd = [None, "", "x" * 600, -1, 1.5, True, [], {}, {"a": 1}, [1], Decimal("1e9"), 10**400]
    kind = message_type(name)
    for field in kind.struct.__struct_fields__:
        for value in odd:
            record = canonical(name) | {field: value}
            try:
                kind.convert(record)
            except msgspec.ValidationError:
                found = shape_violations(name, record)
                assert found, (field, value)
                assert any(breach.path.startswith(field) for breach in found), (field, value, found)

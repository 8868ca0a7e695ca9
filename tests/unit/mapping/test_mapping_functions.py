"""The function list: what each function makes of good values, of None, and of bad ones."""

from decimal import Decimal

import pytest

from tillway.mapping import FUNCTIONS, SPECIAL_FORMS, compile_expression
from tillway.mapping.faults import RowFault

ROWS = [{"tax": "0.10", "vat": "7"}, {"tax": "0.20", "vat": "19"}, {"vat": "19", "tax": None}]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("money", ["12.5"], "12.50"),
        ("money", [12], "12.00"),
        ("money", [Decimal("0.12500")], "0.125"),
        ("quantity", ["1.500"], "1.5"),
        ("percent", ["19.00"], "19"),
        ("decimal", ["-0.50"], "-0.5"),
        ("integer", ["00042"], "42"),
        ("integer", [Decimal("7.0")], "7"),
        ("negate", ["2.50"], "-2.5"),
        ("negate", [3], "-3"),
        ("absolute", [Decimal("-2.50")], "2.50"),
        ("absolute", ["2"], "2"),
        ("from_minor", [1250, "EUR"], "12.50"),
        ("from_minor", ["1250", "JPY"], "1250.00"),
        ("to_minor", ["12.50", "EUR"], "1250"),
        ("round_money", ["12.345", "EUR"], "12.35"),
        ("round_money", ["-12.345", "EUR"], "-12.35"),
        ("text", [145], "145"),
        ("text", [Decimal("1E+2")], "100"),
        ("text", [True], "true"),
        ("boolean", ["Yes"], "True"),
        ("boolean", [0], "False"),
        ("upper", ["eur"], "EUR"),
        ("lower", ["EUR"], "eur"),
        ("strip", ["  a "], "a"),
        ("strip_zeros", ["00940"], "940"),
        ("strip_zeros", ["000"], "0"),
        ("strip_zeros", [""], ""),
        ("pad", [3, 2], "03"),
        ("left", ["abc", 2], "ab"),
        ("right", ["abc", 2], "bc"),
        ("right", ["abc", 9], "abc"),
        ("right", ["abc", 0], ""),
        ("last4", ["4111111111111111"], "1111"),
        ("replace", ["1,5", ",", "."], "1.5"),
        ("concat", ["-", "a", 1, Decimal("2.0")], "a-1-2.0"),
        ("length", ["abc"], "3"),
        ("length", [ROWS], "3"),
        ("date", ["20261120"], "2026-11-20"),
        ("date", ["2026-11-20T23:59:00Z"], "2026-11-20"),
        ("timestamp", ["2026-11-20T10:12:00Z"], "2026-11-20T10:12:00+00:00"),
        ("timestamp", ["2026-07-01 10:12:00", "Europe/Berlin"], "2026-07-01T10:12:00+02:00"),
        ("timestamp", ["2026-10-25 02:30:00", "Europe/Berlin"], "2026-10-25T02:30:00+02:00"),
        ("total_of", [ROWS, "tax"], "0.30"),
        ("total_of", [[], "tax"], "0.00"),
        ("total_of", [{"tax": "5"}, "tax"], "5.00"),
        ("count", [ROWS], "3"),
        ("count", [ROWS, "tax"], "2"),
        ("count", [ROWS, "vat", "19"], "2"),
        ("first", [[1, 2]], "1"),
        ("last", [[1, 2]], "2"),
        ("list_of", [None, "a"], "['a']"),
    ],
)
def test_function_makes_its_value(name, arguments, expected):
    """Each function makes the documented value of a good argument."""
    assert str(FUNCTIONS[name].run(*arguments)) == expected


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_of_none_is_none(name):
    """A missing source value goes through every function as None, so its row is left out."""
    function = FUNCTIONS[name]
    assert function.run(*[None] * function.least) is None


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("money", [1.5], "float_money"),
        ("quantity", [1.5], "float_money"),
        ("percent", [1.5], "float_money"),
        ("decimal", [1.5], "float_money"),
        ("negate", [1.5], "float_money"),
        ("total_of", [[{"a": 1.5}], "a"], "float_money"),
        ("money", ["4OO.00"], "decimal"),
        ("money", [""], "decimal"),
        ("money", ["1e5"], "decimal"),
        ("money", [True], "type"),
        ("money", [Decimal("1E+999999999")], "decimal"),
        ("integer", ["1.5"], "integer"),
        ("integer", [10**30], "integer"),
        ("boolean", ["maybe"], "boolean"),
        ("date", ["20.11.2026"], "date"),
        ("date", [20261120], "date"),
        ("timestamp", ["2026-11-20T10:12:00"], "timestamp"),
        ("timestamp", ["2026-11-20T10:12:00", "Nowhere/Land"], "time_zone"),
        ("timestamp", ["2026-11-20T10:12:00", ["x"]], "time_zone"),
        ("from_minor", [1, "XXZ"], "decimal"),
        ("to_minor", ["0.001", "EUR"], "decimal"),
        ("round_money", ["1", 7], "currency"),
        ("pad", ["1", 10**9], "integer"),
        ("replace", ["a", "", "b"], "type"),
        ("replace", ["a" * 1000, "a", "b" * 1000], "length"),
        ("concat", ["-", "a" * 60_000, "a" * 60_000], "length"),
        ("first", ["text"], "type"),
        ("upper", [{}], "type"),
    ],
)
def test_bad_value_is_a_fault_with_a_rule(name, arguments, rule):
    """A value a function cannot take is a fault that names the rule, never another error."""
    with pytest.raises(RowFault) as fault:
        FUNCTIONS[name].run(*arguments)
    assert fault.value.rule == rule


def test_usage_of_every_function_is_an_expression_of_the_language():
    """The usage shown in errors is itself readable, so that advice can be copied."""
    for name, function in {**FUNCTIONS, **SPECIAL_FORMS}.items():
        assert function.usage.startswith(f"{name}(")
        assert function.meaning
    assert compile_expression('count(rows_, "field", 1)', where="x:1")({}) is None

"""Single expressions: what each part of the language means."""

from decimal import Decimal

import pytest

from tillway.errors import ConfigurationError, ContractViolation
from tillway.mapping import CodeTable, compile_condition, compile_expression

RECORD = {
    "store": "0145",
    "till": 3,
    "kind": "SALE",
    "text_amount": "12.50",
    "amount": Decimal("12.50"),
    "cents": 1250,
    "empty": "",
    "flag": True,
    "word": "false",
    "rate": 0.19,
    "at": "2026-11-20 10:12:00",
    "totals": {"grand": "12.50", "tax": {"@code": "A", "class": "x"}},
    "items": [{"net": "0.10", "sku": "a"}, {"net": "0.20", "sku": "b"}, {"sku": "b"}],
    "odd name": "x",
}
CODES = {"uom": CodeTable("uom", {"ST": "EA"})}


def value(text):
    """Return what an expression makes of the record above."""
    return compile_expression(text, codes=CODES, where="routes/x.toml:3")(RECORD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("store", "0145"),
        ("totals.grand", "12.50"),
        ("root.totals.grand", "12.50"),
        ('totals["tax"]["@code"]', "A"),
        ('totals.tax["class"]', "x"),
        ('this["odd name"]', "x"),
        ("items[1].sku", "b"),
        ("items[9].sku", None),
        ("nowhere", None),
        ("store.nothing.below", None),
        ("totals.grand.below", None),
        ('"it\'s"', "it's"),
        ("12", 12),
        ("-3", -3),
        ("0.1", Decimal("0.1")),
        ("True", True),
        ("None", None),
    ],
)
def test_reads_and_constants(text, expected):
    """A path leads to its value, a missing step to None; constants stand for themselves."""
    assert value(text) == expected


def test_literal_with_a_point_is_exact():
    """A literal keeps its digits: 0.1 + 0.2 is 0.3, which floats would miss."""
    assert str(value("0.1 + 0.2")) == "0.3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount * 2", Decimal("25.00")),
        ("amount - 0.5", Decimal("12.00")),
        ("cents / 100", Decimal("12.5")),
        ("cents + 1", 1251),
        ('store + "/" + kind', "0145/SALE"),
        ("amount + nowhere", None),
        ("round_money(amount / 3, 'EUR')", Decimal("4.17")),
    ],
)
def test_arithmetic_is_exact_and_none_spreads(text, expected):
    """Numbers calculate exactly, + joins texts, and None on either side gives None."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('kind == "SALE"', True),
        ('kind != "SALE"', False),
        ("till > 2", True),
        ("1 < till <= 3", True),
        ("nowhere < 3", False),
        ("nowhere == None", True),
        ('kind in ("SALE", "RETURN")', True),
        ('kind not in ("RETURN",)', True),
        ('"b" in list_of(items[0].sku, items[1].sku)', True),
        ("kind in nowhere", False),
        ("flag and not nowhere", True),
        ("nowhere or flag", True),
        ('"yes" if flag else "no"', "yes"),
        ('choose(nowhere, "yes", "no")', "no"),
        ('coalesce(nowhere, empty, "x")', ""),
        ("coalesce(nowhere, till)", 3),
        ("choose(flag, till, money(word))", 3),
        ("coalesce(till, money(word))", 3),
    ],
)
def test_conditions_and_choices(text, expected):
    """Comparisons, and/or/not and choices; only the chosen part is evaluated."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("till < store", "type"),
        ("text_amount * 2", "type"),
        ("cents / 0", "arithmetic"),
        ("rate * 2", "float_money"),
        ("rate < 1", "float_money"),
        ("money(rate)", "float_money"),
        ("text(rate)", "float_money"),
        ("money(kind)", "decimal"),
        ('code("uom", kind)', "code"),
        ('"a" in store', "type"),
        ("not word", "condition"),
        ("money(totals)", "type"),
    ],
)
def test_value_that_cannot_be_made_is_one_violation(text, rule):
    """What the record makes impossible is a violation with rule, values, expression and place."""
    with pytest.raises(ContractViolation) as error:
        value(text)
    assert error.value.code == "TW-3310"
    (breach,) = error.value.violations
    assert breach.rule == rule
    assert "routes/x.toml:3" in breach.expected


def test_condition_takes_yes_no_and_missing_only():
    """A condition holds, does not hold, or is missing; a text is refused, not taken for true."""
    decide = compile_condition("flag", where="x:1")
    assert decide({"flag": True}) is True
    assert decide({"flag": False}) is decide({}) is False
    with pytest.raises(ContractViolation, match="TW-3310"):
        decide({"flag": "false"})


@pytest.mark.parametrize(
    ("text", "code", "advice"),
    [
        ("", "TW-3303", "string"),
        ("a +", "TW-3303", "use"),
        ("a.class", "TW-3303", 'this["odd name"]'),
        ("lambda: 1", "TW-3303", "use"),
        ("[x for x in items]", "TW-3303", "use"),
        ("f'{store}'", "TW-3303", "use"),
        ("2 ** 9", "TW-3303", "+ - * /"),
        ("a is b", "TW-3303", "== or !="),
        ("true", "TW-3303", "write True"),
        ("1e9", "TW-3303", "12.50"),
        ("1_000", "TW-3303", "12.50"),
        ("0x10", "TW-3303", "12.50"),
        ("b'x'", "TW-3303", ""),
        ("-till", "TW-3303", "negate(x)"),
        ("items[till]", "TW-3303", "items[0]"),
        ("items[-1]", "TW-3303", "last(rows)"),
        ('kind in ("SALE")', "TW-3303", '("A",)'),
        ("().__class__", "TW-3303", "use"),
        ("store.__class__", "TW-3303", 'this["__class__"]'),
        ("mony(a)", "TW-3304", 'Did you mean "money"?'),
        ("store.upper()", "TW-3303", "use one of"),
        ("money()", "TW-3305", "money(x)"),
        ("money(x=1)", "TW-3305", "money(x)"),
        ("money(*items)", "TW-3305", "money(x)"),
        ('timestamp(at, "Berlin")', "TW-3305", "Europe/Berlin"),
        ('code("uon", kind)', "TW-3306", 'Did you mean "uom"?'),
        ("code(kind, kind)", "TW-3305", 'code("uom", unit)'),
        ("a + " * 300 + "a", "TW-3307", "split"),
        ("(" * 60 + "a" + ")" * 60 + "+" + "not " * 40 + "a", "TW-3303", "use"),
        ("not " * 40 + "a", "TW-3307", "split"),
        ("1234567890123456789", "TW-3307", "shorter"),
        ('"' + "x" * 201 + '"', "TW-3307", "code table"),
    ],
)
def test_what_is_outside_the_language_is_refused_with_advice(text, code, advice):
    """Everything outside the language is refused when it is loaded, with place and advice."""
    with pytest.raises(ConfigurationError) as error:
        value(text)
    assert error.value.code == code
    assert error.value.where["at"] == "routes/x.toml:3"
    assert advice in error.value.advice

"""Whatever the record, a table maps it or lists violations, and its sums are exact."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.errors import ConfigurationError, ContractViolation
from tillway.mapping import FUNCTIONS, CodeTable, load_code_table, load_table
from tillway.mapping.conditions import among, equal, greater_or_equal, less
from tillway.mapping.faults import RowFault
from tillway.mapping.numbers import add, divide, multiply, subtract

CODES = {"uom": CodeTable("uom", {"ST": "EA"})}
TABLE = load_table(
    """
output = "x"
version = 1
[map]
a = 'a'
whole = 'integer(b)'
"sum.grand" = 'money(a.b)'
"sum.tax" = 'total_of(items, "a")'
"sum.many" = 'count(items, "kind", "ITEM")'
calc = 'round_money(money(a) * quantity(b) / 3 + 0.1, "EUR")'
minor = 'to_minor(money(a), kind)'
words = 'concat("-", upper(a), strip_zeros(b), pad(kind, 4), replace(a, "a", b), left(a, 2))'
day = 'coalesce(date(a), b)'
time = 'timestamp(a, kind)'
test = 'a < b or a == 1 or kind in ("ITEM", 2) or kind in items'
choice = 'a if flag else b["@x"]'
far = 'items[0].a.b[1]'
[each.lines]
from = 'items'
where = 'kind == "ITEM"'
net = 'negate(absolute(a))'
uom = 'code("uom", b)'
yes = 'boolean(flag)'
tail = 'last4(a)'
size = 'length(items)'
up = 'root.a'
[each."lines.inner"]
from = 'items'
share = 'percent(a)'
at = 'position'
[group.kinds]
from = 'items'
by = 'a'
key = 'key'
one = 'first(rows)'
total = 'total_of(rows, "b")'
""",
    name="any",
    codes=CODES,
)
NAMES = st.sampled_from(["a", "b", "kind", "items", "flag", "@x"])
TEXTS = st.sampled_from(
    ["", "1", "12.50", "-0.10", "ITEM", "ST", "EUR", "2026-11-20", "x", "99999999999999", "NaN"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | TEXTS
    | st.text(max_size=5)
    | st.decimals()
    | st.sampled_from([Decimal("1E+999999999"), Decimal("sNaN"), Decimal("-Infinity")])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=6)


def attempt(record):
    """Return the mapped record, or None and the violations."""
    try:
        return TABLE.apply(record), []
    except ContractViolation as error:
        return None, error.violations


@settings(max_examples=400, deadline=None)
@given(RECORDS)
def test_any_record_maps_or_is_told_its_violations(record):
    """A table returns a dict, or lists what is wrong; explain agrees with it."""
    made, violations = attempt(record)
    assert isinstance(made, dict) == (not violations)
    assert len(violations) <= 100
    assert all(breach.path and breach.rule for breach in violations)
    assert any(trace.fault for trace in TABLE.explain(record)) <= bool(violations)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES, min_size=3, max_size=3))
def test_any_function_takes_any_values_or_refuses_them(name, values):
    """A function never fails with anything but the fault that becomes a violation."""
    function = FUNCTIONS[name]
    for size in range(function.least, (function.most or 3) + 1):
        with suppress(RowFault):
            assert type(function.run(*values[:size])) is not float or name in {"first", "last"}


@settings(max_examples=300, deadline=None)
@given(VALUES, VALUES)
def test_any_two_values_compare_and_calculate_or_are_refused(left, right):
    """Comparisons and arithmetic take any two values, or refuse them with a fault."""
    for operation in (less, greater_or_equal, equal, among, add, subtract, multiply, divide):
        with suppress(RowFault):
            operation(left, right)


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_mapping_is_a_function_of_the_record(record):
    """The same record gives the same result or the same violations every time."""
    assert repr(attempt(record)) == repr(attempt(record))


@given(st.lists(st.integers(-(10**9), 10**9), max_size=40))
def test_sum_of_amounts_is_exact(cents):
    """A total over lines equals the sum in whole cents, for any amounts."""
    text = 'output = "x"\nversion = 1\n[map]\nsum = \'total_of(items, "net")\'\n'
    loaded = load_table(text, name="sum", codes={})
    items = [{"net": f"{Decimal(amount).scaleb(-2):f}"} for amount in cents]
    assert loaded.apply({"items": items})["sum"] == Decimal(sum(cents)).scaleb(-2)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_addition_and_product_of_decimals_are_exact(left, right):
    """Sum and product of decimals agree with whole-number arithmetic; floats would not."""
    text = (
        'output = "x"\nversion = 1\n[map]\n'
        "sum = 'decimal(a) + decimal(b)'\nproduct = 'decimal(a) * decimal(b)'\n"
    )
    loaded = load_table(text, name="sum", codes={})
    record = {"a": f"{Decimal(left).scaleb(-2):f}", "b": f"{Decimal(right).scaleb(-2):f}"}
    made = loaded.apply(record)
    assert made["sum"] == Decimal(left + right).scaleb(-2)
    assert made["product"] == Decimal(left * right).scaleb(-4)


@given(st.text(max_size=60))
def test_any_text_loads_as_code_table_or_is_refused(text):
    """Reading a code table never fails with anything but a configuration error."""
    with suppress(ConfigurationError):
        table = load_code_table("t", "source,canonical\n" + text)
        assert all(source and canonical for source, canonical in table.rows.items())


def test_number_of_thousands_of_digits_is_a_violation():
    """An integer too long even to be written out is told as a violation, not as a crash."""
    with pytest.raises(ContractViolation) as error:
        TABLE.apply({"a": 10**5000, "b": 10**5000, "kind": "EUR"})
    assert "beyond all bounds" in error.value.violations[0].value

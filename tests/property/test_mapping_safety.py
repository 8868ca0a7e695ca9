"""Nothing outside the function list can be reached from an expression, and none runs away."""

import ast
import json
from contextlib import suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tillway.errors import ConfigurationError, ContractViolation
from tillway.mapping import FUNCTIONS, SPECIAL_FORMS, compile_expression, load_table, table_problems

ATTACKS = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "money.__globals__",
    "money.__call__(1)",
    "this.__init__",
    "root.get('x')",
    "this.keys()",
    "[].append",
    "(lambda: 1)()",
    "eval('1')",
    "exec('1')",
    "open('x')",
    "getattr(this, 'get')",
    "f'{this.__class__}'",
    "'{0.__class__}'.format(this)",
    "'%s' % this",
    "{**this}",
    "[*items]",
    "(x := 1)",
    "[i for i in items]",
    "9 ** 9 ** 9",
    "'a' * 9999999999",
    "1 << 999999",
    "items[0:1]",
    "items[i]",
    "await x",
    "yield",
    "a; b",
    "a\nimport os",
    "print(1)",
    "f_money(1)",
    "none",
    "holds(1)",
    "items.__len__()",
    "...",
    "1j",
    "money if 1 else 2",
    "choose",
]
FIELD_NAMES = {"none", "choose"}
REFUSED_WHEN_RUN = {"money if 1 else 2", "'a' * 9999999999"}


@pytest.mark.parametrize("text", ATTACKS)
def test_attack_is_refused_or_is_only_a_field_name(text):
    """An expression that reaches for Python is refused; a bare name is a field and nothing else."""
    if text in FIELD_NAMES:
        assert compile_expression(text, where="x:1")({}) is None
        return
    if text in REFUSED_WHEN_RUN:
        with pytest.raises(ContractViolation):
            compile_expression(text, where="x:1")({})
        return
    with pytest.raises(ConfigurationError) as error:
        compile_expression(text, where="x:1")
    assert error.value.code in {"TW-3303", "TW-3304", "TW-3305", "TW-3307"}


def test_attack_list_would_work_in_python():
    """Positive control: Python itself runs such expressions, so refusing them is no accident."""
    assert eval("().__class__.__bases__[0]") is object
    assert eval("'a' * 3") == "aaa"


def test_compiled_table_has_no_builtins():
    """The function of a table knows nothing but what the mapping language hands it."""
    loaded = load_table('output = "x"\nversion = 1\n[map]\na = "b"\n', name="t", codes={})
    assert loaded._compiled.plain.__globals__["__builtins__"] == {}


NAMES = st.sampled_from(
    ["a", "items", "root", "this", "position", "key", "rows", "__class__", "get", "true", "é"]
)
CALLED = st.sampled_from([*FUNCTIONS, *SPECIAL_FORMS, "eval", "dict"])
LEAVES = NAMES | st.sampled_from(["1", "2.50", "'x'", "None", "True", "1e9", "b'x'", "()", "[]"])


def _grown(inner):
    operators = st.sampled_from(["+", "-", "*", "/", "**", "%", "<", "==", "in", "is", "and", "or"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(CALLED, st.lists(inner, max_size=3)).map(lambda p: f"{p[0]}({', '.join(p[1])})"),
        st.tuples(inner, NAMES).map(lambda p: f"{p[0]}.{p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        inner.map(lambda p: f"not {p}"),
        inner.map(lambda p: f"-{p}"),
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=10)
RECORD = {"a": "1.50", "items": [{"a": 1}, {"a": 2.5}], "true": True, "get": {"x": None}}


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_is_refused_or_stays_inside(text):
    """What Python can parse is refused, or gives a plain value or a violation; nothing else."""
    made = None
    with suppress(ConfigurationError, ContractViolation):
        made = compile_expression(text, where="x:1")(RECORD)
    assert type(made).__name__ in {
        "NoneType",
        "bool",
        "int",
        "str",
        "Decimal",
        "list",
        "dict",
        "float",
    }


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_an_expression_or_is_refused(text):
    """Any text at all is refused with a code, or is an expression of the language."""
    with suppress(ConfigurationError):
        compile_expression(text, where="x:1")
        ast.parse(text.strip().replace("\n", " "), mode="eval")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_table_or_is_refused(text):
    """Loading a table never fails with anything but a configuration error; what loads runs."""
    head = 'output = "x"\nversion = 1\n[map]\n'
    for written in (text, head + text, f"{head}a = '''{text}'''\n"):
        problems = table_problems(written, name="t", codes={})
        assert all(problem.code.startswith("TW-33") for problem in problems)
        if not problems:
            with suppress(ContractViolation):
                assert isinstance(load_table(written, name="t", codes={}).apply(RECORD), dict)


def _is_taken(text):
    with suppress(ConfigurationError):
        compile_expression(text, where="x:1")
        return True
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(EXPRESSIONS.filter(_is_taken), max_size=4), st.sets(st.integers(0, 3)))
def test_a_table_that_loads_runs(rows, inside):
    """A table is compiled at its first record, long after it was checked: then it must compile."""
    written = [f"r{at} = {json.dumps(row)}" for at, row in enumerate(rows)]
    lines = ['output = "x"', "version = 1", "[map]", "a = 'a'"]
    lines += [row for at, row in enumerate(written) if at not in inside]
    lines += ["[each.lines]", "from = 'items'", "a = 'a'"]
    lines += [row for at, row in enumerate(written) if at in inside]
    text = "\n".join(lines)
    # What is right in a record can be wrong in an item: there position is a number.
    assume(not table_problems(text, name="t", codes={}))
    table = load_table(text, name="t", codes={})
    with suppress(ContractViolation):
        assert table.apply(RECORD)["a"] == "1.50"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a" + ")" * 5000,
        "a." * 400 + "a",
        "not " * 240 + "a",
        "a[0]" * 1 + "[0]" * 300,
        "9" * 900,
        "'" + "x" * 900 + "'",
        "+".join(["a"] * 400),
        "choose(a, " * 90 + "1" + ", 2)" * 90,
        "\x00",
        "'\\d'",
        "1if a else 2",
    ],
)
def test_large_and_odd_expressions_are_refused_quickly(text):
    """Length, nesting, constants and Python's own warnings end in a configuration error."""
    with pytest.raises(ConfigurationError):
        compile_expression(text, where="x:1")

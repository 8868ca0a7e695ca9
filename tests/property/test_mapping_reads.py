"""A mapping table may be given only the fields it says it reads: it makes the same of them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tillway.mapping import load_table

NAMES = ("a", "b", "c", "rows", "deep")
HEAD = 'output = "x"\nversion = 1\n[map]\n'
TABLES = (
    ('k = "a"\nl = "concat(\'-\', text(b), text(a))"', {"a", "b"}),
    ('k = "deep.a"\nl = "coalesce(c, deep.b)"', {"deep", "c"}),
    ("k = 'a'\n[each.items]\nfrom = 'rows'\nn = 'root.b'\nm = 'a'", {"a", "rows", "b"}),
    ("k = 'a'\n[each.items]\nfrom = 'rows'\nn = 'length(list_of(this))'", {"a", "rows"}),
    ("k = 'a'\n[group.items]\nfrom = 'rows'\nby = 'a'\nn = 'count(rows)'", {"a", "rows"}),
    ('k = \'count(rows, "a")\'\nl = \'choose(b == c, "y", "n")\'', {"rows", "b", "c"}),
    ("k = 'length(list_of(this))'", None),
    ("k = 'a'\n[each.items]\nfrom = 'this'\nn = 'b'", None),
)

plain = st.one_of(st.integers(0, 99), st.sampled_from(["x", "", "7"]), st.just(Decimal("1.50")))
inner = st.dictionaries(st.sampled_from(["a", "b"]), plain, max_size=2)
records = st.fixed_dictionaries(
    {},
    optional={
        "a": plain,
        "b": plain,
        "c": plain,
        "rows": st.lists(inner, max_size=3),
        "deep": inner,
    },
)
tables = st.sampled_from(
    [(load_table(HEAD + text, name="t", codes={}), names) for text, names in TABLES]
)


@given(record=records, table=tables)
def test_what_a_table_does_not_read_makes_no_difference(record, table) -> None:
    """The fields it names are found, and absent or unread ones may as well be None or missing."""
    loaded, names = table
    assert loaded.reads == (None if names is None else frozenset(names))
    kept = set(NAMES) if loaded.reads is None else loaded.reads
    whole = loaded.apply(record)
    assert loaded.apply({name: record[name] for name in record if name in kept}) == whole
    if loaded.reads is not None:
        assert loaded.apply({name: record.get(name) for name in kept}) == whole


def test_a_field_that_is_read_does_make_a_difference() -> None:
    """Leaving out what a table reads is noticed: the property above can fail."""
    loaded = load_table(HEAD + TABLES[0][0], name="t", codes={})
    assert loaded.apply({"b": "x"}) != loaded.apply({"a": "x", "b": "x"})

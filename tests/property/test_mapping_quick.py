"""The quick way of a table to a message gives what the plain way gives, whatever the record is."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cash_table import HEAD, RECORD, cash_table
from tillway.dialects import dialect_named
from tillway.errors import ContractViolation
from tillway.formats import Record, format_named
from tillway.mapping import MappingTable
from tillway.model import message_type
from tillway.model.lines import ItemReference, Line
from tillway.model.tenders import Tender
from tillway.project import load_release
from tillway.project.template import Variables, new_project
from tillway.simulator.brands import BRANDS, render
from tillway.simulator.chain import chain_facts
from tillway.simulator.plan import ChainPlan

OTHER_VALUES: tuple[Any, ...] = (
    *(None, "", " ", "x", "7", "12.50", "EUR", "2026-11-20", "2026-11-20T10:12:00+01:00"),
    *(0, 7, -1, 10**20, 1.0, 12.5, True, False),
    *([], [{}], [None], ["x"], {}, {"a": 1}, {"gross": None}),
)
GONE = object()
Case: TypeAlias = tuple[MappingTable, dict[str, Any]]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """What a small chain sends in a day, each record with the table of the template it goes to."""
    project = tmp_path_factory.mktemp("project") / "demo"
    counter = iter(range(1, 255))
    new_project(project, "pos-erp", Variables("demo"), lambda size: bytes([next(counter)]) * size)
    release = load_release(project, environ={})
    found: list[Case] = []
    facts = list(chain_facts(ChainPlan(seed=4, stores=6, sales=200)))
    for system, brand in BRANDS.items():
        source = release.sources[system]
        name = "ndjson" if source.format == "json" else source.format
        documents = [render(fact) for fact in facts if fact.store.system == system]
        packed = io.BytesIO(brand.pack(documents))
        for record in format_named(name, dict(source.format_options)).records(packed):
            assert isinstance(record, Record), record
            neutral = dialect_named(source.dialect).normalise(record.value)
            mapping = next(one.mapping for one in source.records if one.when(neutral))
            found.append((release.mappings[mapping], neutral))
    return found


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from _places(below, (*path, key))


def _changed(record: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(record)
    *way, last = path
    inner: Any = made
    for step in way:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return made


def _plain(table: MappingTable, record: dict[str, Any]) -> Any:
    return message_type(table.message_type or "").convert(table.apply(record), exact=table.exact)


def _outcome(make: Any, table: MappingTable, record: dict[str, Any]) -> Any:
    """Return the bytes of the message, or what was wrong with the record."""
    try:
        return message_type(table.message_type or "").encode(make(table, record))
    except ContractViolation as breach:
        return breach.code, [violation.as_json() for violation in breach.violations]
    except msgspec.ValidationError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_both_ways_make_the_same_message_or_find_the_same_fault(
    cases: list[Case], data: st.DataObject
) -> None:
    """A record as shops send it, with up to three values changed or gone."""
    table, record = data.draw(st.sampled_from(cases))
    for _ in range(data.draw(st.integers(0, 3))):
        path = data.draw(st.sampled_from(list(_places(record))))
        record = _changed(record, path, data.draw(st.sampled_from((GONE, *OTHER_VALUES))))
    assert _outcome(MappingTable.message, table, record) == _outcome(_plain, table, record)


def test_the_quick_way_is_taken_and_is_not_the_plain_one(cases: list[Case]) -> None:
    """Records as shops send them need no second way: what the property compares are two ways."""
    nones = 0
    for table, record in cases:
        assert table._compiled.quick is not None, table.name
        quick, plain = table._compiled.quick(record), table.apply(record)
        made = message_type(table.message_type or "").convert_exact(quick)
        assert made == _plain(table, record)
        assert {name for name, value in quick.items() if value is not None} == set(plain)
        nones += None in quick.values()
    assert nones


def test_parts_whose_values_are_tested_in_the_table_are_structs_already(cases: list[Case]) -> None:
    """Lines with their items and taxes, and tenders, need no second look."""
    made = [
        quick(record)
        for table, record in cases
        if record.get("items") and (quick := table._compiled.quick) is not None
    ]
    lines = [line for receipt in made for line in receipt["lines"]]
    assert lines
    assert all(isinstance(line, Line) for line in lines)
    assert all(isinstance(line.item, ItemReference | None) for line in lines)
    assert all(isinstance(tender, Tender) for receipt in made for tender in receipt["tenders"])


def test_an_item_that_was_met_before_is_not_made_again(cases: list[Case]) -> None:
    """The same numbers of an item make one part, on whichever receipt it stands."""
    receipts = [case for case in cases if case[1].get("items")]
    kept: dict[tuple[str, ItemReference], int] = {}
    again = 0
    for table, record in receipts:
        for line in table.message(record).lines:
            if line.item is not None:
                made = kept.setdefault((table.name, line.item), id(line.item))
                again += made == id(line.item)
    assert again > len(kept)


def test_where_the_model_takes_anything_the_quick_way_still_refuses_a_float() -> None:
    """An extension is not looked at by the model, so the table does."""
    plain_number = HEAD.replace("'integer(no)'", "'no'")
    table = cash_table("money(a)", "extensions.acme.x = 'b'\n", plain_number)
    record = {**RECORD, "b": "x"}
    assert table.message(record).extensions == {"acme": {"x": "x"}}
    for name in ("b", "no"):
        changed = {**record, name: 1.0}
        assert _outcome(MappingTable.message, table, changed) == _outcome(_plain, table, changed)
        assert "float" in str(_outcome(_plain, table, changed))

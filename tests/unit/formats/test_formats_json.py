"""What JSON and NDJSON say about bad input, and where."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from tillway.errors import ConfigurationError, Refused
from tillway.formats import Record, Unreadable, format_named
from tillway.testing.formats import answers, refusals, values


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (b'{"a": 1', "TW-3021", 400),
        (b'{"a": "\xff"}', "TW-3022", 400),
        ('{"a": 1}'.encode("utf-16"), "TW-3022", 400),
        (b"   ", "TW-3023", 400),
        (b'{"a": NaN}', "TW-3025", 400),
        (b'{"a": -Infinity}', "TW-3025", 400),
        (b"3", "TW-3026", 400),
        (b'{"a": x}', "TW-3020", 400),
        (b'{"a": ' * 65 + b"1" + b"}" * 65, "TW-3011", 413),
        (b"[" * 100_000, "TW-3011", 413),
        (b'{"lines": [' + b"1," * 20_000 + b"1]}", "TW-3012", 413),
    ],
)
def test_bad_documents_are_told_apart(content: bytes, code: str, status: int) -> None:
    """Each kind of bad JSON has its own code and status."""
    (found,) = refusals(format_named("json", {}), content)
    assert isinstance(found.error, Refused)
    assert (found.error.code, found.error.status) == (code, status)


@pytest.mark.parametrize(
    "content",
    [
        b'{"net": "1.00", "net": "9.00"}',
        b'{"net" : 1,"x":{"net":2,"net":3}}',
        b'{"n\\u0065t": 1, "net": 2}',
        b'{"quote": "\\u0022", "quote": "\\u0022"}',
    ],
)
def test_a_name_given_twice_is_refused(content: bytes) -> None:
    """No record is taken when one of its objects holds a name twice."""
    (found,) = refusals(format_named("json", {}), content)
    assert found.error.code == "TW-3024"


@pytest.mark.parametrize("content", [b'{"q": "\\u0022"}', b'{"a": "\\"a\\": ", "b": "a"}'])
def test_quotation_marks_in_text_are_no_names(content: bytes) -> None:
    """The search for names given twice has no false alarm on quotation marks in text."""
    assert len(values(format_named("json", {}), content)) == 1


def test_a_syntax_error_names_its_place() -> None:
    """Line, column and offset point at the first wrong character."""
    (found,) = refusals(format_named("json", {}), b'{"a":\n  x}')
    assert found.error.where == {"line": "2", "column": "3", "offset": "8"}


def test_a_bad_member_costs_that_member() -> None:
    """In an array every other member is still read, with its own place."""
    found = answers(format_named("json", {}), b'[{"a":1},\n{"a":2,"a":3},\n{"b":4}]')
    assert [type(one) for one in found] == [Record, Unreadable, Record]
    assert [(one.offset, one.line) for one in found] == [(1, 1), (10, 2), (25, 3)]
    assert isinstance(found[1], Unreadable)
    assert not found[1].fatal


def test_records_are_found_at_a_path() -> None:
    """The option items names the array, and the bytes of a record are its own alone."""
    form = format_named("json", {"items": "data.orders"})
    (record,) = answers(form, b'{"data": {"orders": [{"a": 1}]}}')
    assert (record.raw, record.offset) == (b'{"a": 1}', 21)
    for content in (b'{"data": {}}', b'{"data": {"orders": 3}}', b'{"data": 3}'):
        assert refusals(form, content)[0].error.code == "TW-3027"
    (twice,) = refusals(form, b'{"data": {"orders": [{"a": 1}]}, "data": {"orders": []}}')
    assert twice.error.code == "TW-3024"


def test_numbers_are_floats_unless_asked() -> None:
    """Money sees the float, and refuses it; with numbers = decimal it is exact."""
    content = b'{"net": 12.10}'
    assert type(values(format_named("json", {}), content)[0]["net"]) is float
    form = format_named("json", {"numbers": "decimal"})
    assert values(form, content) == [{"net": Decimal("12.10")}]
    assert form.encode({"net": Decimal("12.10")}) == b'{"net":12.10}'


def test_a_bad_line_costs_that_line() -> None:
    """NDJSON goes on after a bad line, and a line too long, and says where they were."""
    content = b'\xef\xbb\xbf{"a":1}\n{"a":\n' + b" " * 90 + b'\n{"a":' + b"1" * 90 + b'}\n{"a":2}'
    found = answers(format_named("ndjson", {"record_bytes": 40}), content)
    assert [getattr(one, "value", None) for one in found] == [{"a": 1}, None, None, None, {"a": 2}]
    assert [one.line for one in found] == [1, 2, 3, 4, 5]
    assert found[0].offset == 3
    assert [one.error.code for one in found if isinstance(one, Unreadable)] == [
        "TW-3021",
        "TW-3010",
        "TW-3010",
    ]


def test_a_cut_off_last_line_is_told() -> None:
    """The whole lines before a cut are taken, the cut one is refused."""
    found = answers(format_named("ndjson", {}), b'{"a":1}\n{"a":2')
    assert isinstance(found[0], Record)
    assert isinstance(found[1], Unreadable)
    assert found[1].error.code == "TW-3021"


def test_a_body_of_50_mb_is_refused_without_being_decoded() -> None:
    """A document above the limit is refused, and no more than the limit is read."""
    stream = io.BytesIO(b'{"a":"' + b"x" * 50_000_000 + b'"}')
    (found,) = format_named("json", {}).records(stream)
    assert isinstance(found, Unreadable)
    assert (found.error.code, len(found.raw)) == ("TW-3010", 65_536)
    assert stream.tell() < 17_000_000


def test_ten_thousand_lines_are_read() -> None:
    """A receipt of 10,000 lines is large, not wrong."""
    content = b'{"lines":[' + b",".join(b'{"n":%d}' % n for n in range(10_000)) + b"]}"
    assert len(values(format_named("json", {}), content)[0]["lines"]) == 10_000


@pytest.mark.parametrize(
    ("name", "options", "code", "advice"),
    [
        ("jsno", {}, "TW-3001", '"json"'),
        ("json", {"item": "a"}, "TW-3002", '"items"'),
        ("json", {"record_bytes": 0}, "TW-3002", ""),
        ("csv", {"delimiter": ";;"}, "TW-3002", ""),
        ("csv", {"encoding": "utf-99"}, "TW-3002", ""),
        ("csv", {"record_type": "kind"}, "TW-3002", ""),
        ("xml", {}, "TW-3002", ""),
    ],
)
def test_wrong_settings_refuse_to_start(
    name: str, options: dict[str, object], code: str, advice: str
) -> None:
    """An unknown format or option is a configuration error that offers the nearest name."""
    with pytest.raises(ConfigurationError) as raised:
        format_named(name, options)
    assert raised.value.code == code
    assert advice in raised.value.advice

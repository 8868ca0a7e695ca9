"""Declared CSV dialects: encodings, headers, kinds of row, groups, and what is cut off."""

from __future__ import annotations

from typing import Any

import pytest

from tillway.formats import Record, Unreadable, format_named
from tillway.testing.formats import answers, refusals, values


def codes(content: bytes, **options: Any) -> list[tuple[str, bool]]:
    """Return code and finality of each refusal."""
    found = refusals(format_named("csv", options), content)
    return [(one.error.code, one.fatal) for one in found]


def test_the_bytes_of_rows_are_exact() -> None:
    """Header, rows, offsets and lines are those of the file, across quoted line feeds and marks."""
    content = b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n2,z\n'
    found = answers(format_named("csv", {}), content)
    rows = [b'1,"x\r\ny"\r\n', b"2,z\n"]
    assert [one.raw for one in found] == [b"a,b\r\n" + row for row in rows]
    assert [(one.offset, one.line) for one in found] == [(8, 2), (18, 4)]
    assert [content[one.offset :][: len(row)] for one, row in zip(found, rows, strict=True)] == rows


@pytest.mark.parametrize(
    "options", [{}, {"group_by": ["a"]}, {"header": False}, {"skip_lines": 2}, {"quote": "'"}]
)
def test_each_record_can_be_read_again_by_itself(options: dict[str, Any]) -> None:
    """What is kept of a row, as it came or masked, gives the same row with its column names."""
    form = format_named("csv", options)
    found = answers(form, b"a,b\nc,d\n1,x\n1,y\n2,z\n3,w\n")
    assert len(found) > 1
    for one in found:
        assert isinstance(one, Record)
        assert values(form, one.raw) == [one.value]
        assert values(form, form.encode(one.value)) == [one.value]


def test_a_bad_row_is_kept_with_its_header() -> None:
    """The excerpt of a row that cannot be read gives the same answer again."""
    form = format_named("csv", {})
    (found,) = refusals(form, b"a,b\n1,2\n3\n4,5\n")
    (again,) = refusals(form, found.raw)
    assert (found.raw, again.error.code) == (b"a,b\n3\n", found.error.code)


def test_a_first_row_of_data_is_not_kept_as_a_header() -> None:
    """A number as long as a card's is no name of a column: nothing of such a file is read."""
    content = b"sale,4111 1111 1111 1111\nsale,5500 0000 0000 0004\n"
    assert codes(content) == [("TW-3042", True)]


@pytest.mark.parametrize("encoding", ["cp1254", "iso-8859-9", "utf-16", "utf-16-le", "utf-8-sig"])
def test_declared_encodings_are_read(encoding: str) -> None:
    """A file in its declared encoding gives its text and its own bytes."""
    content = "ad,tutar\nçilek ş,1\n".encode(encoding)
    (record,) = answers(format_named("csv", {"encoding": encoding}), content)
    assert isinstance(record, Record)
    assert record.value == {"ad": "çilek ş", "tutar": "1"}
    heading = "ad,tutar\n".encode(encoding.removesuffix("-sig").replace("utf-16-le", "utf-16"))
    mark = b"\xff\xfe" if encoding.startswith("utf-16") else b""
    assert record.raw == heading.removeprefix(mark) + content[record.offset :]


def test_a_wrong_encoding_keeps_the_rows_before_it() -> None:
    """Bytes outside the declared encoding end the reading after the last whole row."""
    found = answers(format_named("csv", {}), b"a,b\n1,2\n\xff,3\n4,5\n")
    assert [type(one) for one in found] == [Record, Unreadable]
    assert isinstance(found[1], Unreadable)
    assert (found[1].error.code, found[1].line, found[1].fatal) == ("TW-3022", 3, True)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n3\n4,5\n", [("TW-3041", False)]),
        (b"a,b\n1,2\n3,4,5\n", [("TW-3041", True)]),
        (b"a,b\n1,2\n3", [("TW-3021", True)]),
        (b'a,b\n1,2\n3,"x', [("TW-3021", True)]),
        (b'a,b\n"1"x,2\n3,4\n', [("TW-3040", False)]),
        (b"a,a\n1,2\n", [("TW-3042", True)]),
        (b"a,\n1,2\n", [("TW-3042", True)]),
    ],
)
def test_bad_rows_are_told_apart(content: bytes, expected: list[tuple[str, bool]]) -> None:
    """A bad row costs itself; at the end of a file it says that the file is cut off."""
    assert codes(content) == expected


def test_a_decimal_comma_is_rewritten_in_declared_columns() -> None:
    """1.234,50 becomes 1234.50 where declared, and stays text elsewhere."""
    options = {"delimiter": ";", "decimal": ",", "decimal_columns": ["net"]}
    form = format_named("csv", options)
    content = b"net;code\n1.234,50;1.234,50\n-0,5;x\n12;y\n;z\n"
    assert [one["net"] for one in values(form, content)] == ["1234.50", "-0.5", "12", ""]
    assert values(form, content)[0]["code"] == "1.234,50"
    assert form.encode({"net": "1234.50", "code": "x"}) == b"net;code\r\n1234,50;x\r\n"
    for wrong in (b"1,234.50", b"abc", b"1.23,5", b"--1"):
        (found,) = refusals(form, b"net;code\n" + wrong + b";x\n")
        assert (found.error.code, found.error.path) == ("TW-3043", "net")


def test_rows_of_several_kinds_have_their_own_columns() -> None:
    """The first field says which columns a row has."""
    header = {"H": ["number", "date"], "L": ["sku", "net"]}
    form = format_named("csv", {"header": header, "record_type": "kind"})
    content = b"H,7,2026-03-14\nL,401,2.50\nQ,1\n"
    assert values(form, content) == [
        {"kind": "H", "number": "7", "date": "2026-03-14"},
        {"kind": "L", "sku": "401", "net": "2.50"},
    ]
    assert refusals(form, content)[0].error.code == "TW-3044"


def test_lines_before_the_header_are_skipped() -> None:
    """Titles above the header are left out, and lines still count from the top."""
    (record,) = answers(format_named("csv", {"skip_lines": 2}), b"Report\nof today\na,b\n1,2\n")
    assert isinstance(record, Record)
    assert (record.value, record.line) == ({"a": "1", "b": "2"}, 4)


def test_without_a_header_columns_are_numbered() -> None:
    """Columns without names are c1, c2 and so on."""
    assert values(format_named("csv", {"header": False}), b"1,2\n") == [{"c1": "1", "c2": "2"}]


def test_a_bad_row_spoils_its_own_receipt_only() -> None:
    """A receipt with a bad row is refused whole; receipts around it are read."""
    content = b"r,l,v\n1,1,a\n2,1,b\n2,2\n2,3,d\n3,1,e\n"
    form = format_named("csv", {"group_by": ["r"]})
    found = answers(form, content)
    assert [getattr(one, "value", {}).get("r") for one in found] == ["1", None, "3"]
    assert isinstance(found[1], Unreadable)
    assert not found[1].fatal
    assert found[1].raw.startswith(b"r,l,v\n2,1,b\n2,2\n")


def test_a_receipt_of_too_many_rows_is_refused() -> None:
    """A group above the limits is refused, in bounded memory, and the next one is read."""
    content = b"r,v\n" + b"1,x\n" * 50 + b"2,y\n"
    found = answers(format_named("csv", {"group_by": ["r"], "children": 20}), content)
    assert isinstance(found[0], Unreadable)
    assert found[0].error.code == "TW-3012"
    assert len(found[0].raw) < 100
    assert isinstance(found[1], Record)
    assert found[1].value["r"] == "2"


@pytest.mark.parametrize(
    ("options", "code"),
    [({"columns": 2}, "TW-3013"), ({"field_characters": 3}, "TW-3014")],
)
def test_columns_and_fields_are_limited(options: dict[str, int], code: str) -> None:
    """Too many columns, or too long a field, is refused with status 413."""
    (found,) = refusals(format_named("csv", {**options, "header": False}), b"1,2,abcd\n")
    assert found.error.code == code


def test_an_open_quotation_mark_does_not_swallow_memory() -> None:
    """A quotation mark that never closes is refused long before the file ends."""
    content = b'a,b\n1,"' + b"x,y\n" * 200_000
    found = refusals(format_named("csv", {}), content)
    assert found[0].error.code == "TW-3040"
    assert len(found[0].raw) <= 65_536


def test_gathered_rows_are_one_record_wherever_they_stand() -> None:
    """Records come in the order of their first rows, and each can be read again by itself."""
    options = {"group_by": ["batch", "currency"], "gather": True}
    form = format_named("csv", options)
    content = b"batch,currency,net\n1,EUR,5\n1,USD,7\n1,EUR,-1\n"
    found = values(form, content)
    assert [(one["currency"], [row["net"] for row in one["rows"]]) for one in found] == [
        ("EUR", ["5", "-1"]),
        ("USD", ["7"]),
    ]
    for record in answers(form, content):
        assert values(form, record.raw) == [getattr(record, "value", None)]
        assert values(form, form.encode(record.value)) == [record.value]  # type: ignore[union-attr]


def test_gathered_rows_are_held_in_bounds() -> None:
    """A file longer than `record_bytes` is refused, and nothing half is taken."""
    options = {"group_by": ["a"], "gather": True, "record_bytes": 30}
    found = refusals(format_named("csv", options), b"a,b\n1,2\n" + b"1,2\n" * 20)
    assert [one.error.code for one in found] == ["TW-3010"]

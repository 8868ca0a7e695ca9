"""XML and POSLog: hostile documents, names, places and sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from tillway.errors import Refused
from tillway.formats import Format, Record, Unreadable, format_named
from tillway.testing.formats import SmallPieces, answers, refusals, values

DOCTYPES = [
    b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b'<?xml version="1.0"?>\n<!-- hello -->\n<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    b"\xef\xbb\xbf<!DOCTYPE a><a/>",
    b"<!-- > <a> --><!DOCTYPE a><a/>",
    b'<?xml version="1.0" encoding="iso-8859-9"?><!DOCTYPE a><a/>',
    '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
    '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>'.encode("utf-16-be"),
    "<!DOCTYPE a><a/>".encode("utf-16-le"),
]


def xml(**options: Any) -> Format:
    """Return the format with `r` as its record."""
    return format_named("xml", {"record": "r", **options})


@pytest.mark.parametrize("content", DOCTYPES)
def test_any_doctype_is_refused(content: bytes) -> None:
    """A document type declaration is refused in every encoding, also when it trickles in."""
    for stream in (content, cast("BinaryIO", SmallPieces(content, 1))):
        (found,) = answers(xml(), stream)
        assert isinstance(found, Unreadable)
        assert (found.error.code, found.fatal) == ("TW-3031", True)


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        '<?xml version="1.0"?><a/>'.encode("utf-32"),
        '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"),
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b"<a><r>\xff</r></a>",
    ],
)
def test_other_encodings_are_refused(content: bytes) -> None:
    """An encoding that could hide a declaration, or is not what is declared, has its code."""
    assert refusals(xml(), content)[0].error.code == "TW-3022"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-9", "windows-1254"])
def test_declared_encodings_are_read(encoding: str) -> None:
    """UTF-8, UTF-16 and single-byte encodings are read, and raw bytes are UTF-8."""
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    content = f"{head}<a><r><n>çilek ş</n></r></a>".encode(encoding)
    (record,) = answers(xml(), content)
    assert isinstance(record, Record)
    assert record.value == {"n": "çilek ş"}
    assert record.raw == "<r><n>çilek ş</n></r>".encode()


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        (b"<a><r></a>", "TW-3030", 400),
        (b"<a>&nothing;</a>", "TW-3030", 400),
        (b"hello", "TW-3030", 400),
        (b"<a/>", "TW-3032", 400),
        (b"<a><r>1</r><r>2", "TW-3021", 400),
        (b"<a>" * 300, "TW-3011", 413),
        (b"<r>" + b"<x k='1'>" * 70 + b"</x>" * 70 + b"</r>", "TW-3011", 413),
        (b"<r>" + b"<x/>" * 20_001 + b"</r>", "TW-3012", 413),
        (b"<r " + b" ".join(b'a%d=""' % n for n in range(300)) + b"/>", "TW-3013", 413),
    ],
)
def test_bad_documents_are_told_apart(content: bytes, code: str, status: int) -> None:
    """Each kind of bad XML has its own code and status."""
    found = refusals(xml(), content)[-1]
    assert isinstance(found.error, Refused)
    assert (found.error.code, found.error.status) == (code, status)


def test_a_record_too_large_is_not_the_end() -> None:
    """A record above a limit is refused, and the next one is read."""
    content = b"<a><r>" + b"<x/>" * 30 + b"</r><r><x>1</x></r></a>"
    found = answers(xml(children=20), content)
    assert [type(one) for one in found] == [Unreadable, Record]


def test_a_break_in_the_middle_names_its_offset() -> None:
    """Records before the break are read, and the answer says where it is."""
    good = b"<a>\n<r>1</r>\n<r>2</r>\n"
    found = answers(xml(), good + b"<r>3</wrong>\n</a>")
    assert [one.value for one in found if isinstance(one, Record)] == [
        {"#text": "1"},
        {"#text": "2"},
    ]
    where = found[-1].error.where  # type: ignore[union-attr]
    assert where["line"] == "4"
    assert len(good) <= int(where["offset"]) <= len(good) + 12


def test_names_follow_the_declared_prefixes() -> None:
    """ARTS names are bare, others have the declared prefix, the document's, or one made up."""
    content = (
        b'<p:r xmlns:p="http://www.nrf-arts.org/IXRetail/namespace/" xmlns:v="urn:one" '
        b'xmlns:w="urn:two" v:k="1"><p:a>1</p:a><v:b>2</v:b><w:c>3</w:c>'
        b'<svg xmlns="http://www.w3.org/2000/svg"/></p:r>'
    )
    assert values(xml(prefixes={"one": "urn:one"}), content) == [
        {"@one:k": "1", "a": "1", "one:b": "2", "w:c": "3", "svg:svg": ""}
    ]
    assert values(xml(namespace="urn:one"), content)[0]["b"] == "2"


def test_digits_in_pieces_stay_in_pieces() -> None:
    """Text around children is joined so that digits apart never become one number."""
    (value,) = values(xml(), b"<a><r>41111111<b/>11111111</r></a>")
    assert value == {"b": "", "#text": "41111111\n11111111"}


def test_a_record_with_a_foreign_prefix_can_be_written_back() -> None:
    """A prefix nobody declared, even one beyond ASCII, does not stand in the way."""
    form = xml()
    record, *_ = answers(form, "<a><r>x<\u00c0v:b/>y</r></a>".encode())
    assert isinstance(record, Record)
    assert "\u00c0v:b".encode() in form.encode(record.value)


@pytest.mark.parametrize(
    "element",
    [
        *(b"<:b/>", b"<v:/>", b"<::/>", b"<v:1/>", b"<a:b:c/>", b"<xmlns:b/>"),
        *(b'<b :k="1"/>', b'<b k:="1"/>', b'<b v:1="1"/>'),
    ],
)
def test_a_name_that_is_none_is_refused(element: bytes) -> None:
    """The parser reads a name that lacks a part; such a record could not be written back."""
    found, *_ = answers(xml(), b"<a><r>" + element + b"</r><r/></a>")
    assert isinstance(found, Unreadable)
    assert isinstance(found.error, Refused)
    assert (found.error.code, found.error.status, found.fatal) == ("TW-3030", 400, False)


@pytest.mark.parametrize("namespace", ["urn:xml", "urn:xmlns", "urn:1"])
def test_no_namespace_is_read_under_a_reserved_prefix(namespace: str) -> None:
    """A prefix made from the last word of a namespace never is one that XML keeps for itself."""
    form = xml()
    (record,) = answers(form, f'<a><r><b xmlns="{namespace}">1</b></r></a>'.encode())
    assert isinstance(record, Record)
    assert record.value == {"ns:b": "1"}
    assert values(form, form.encode(record.value)) == [record.value]


def test_comments_and_instructions_are_left_out() -> None:
    """Neither the tree nor the raw bytes hold comments or processing instructions."""
    (record,) = answers(xml(), b"<a><r><!-- 4111111111111111 --><?x y?><n>1</n></r></a>")
    assert isinstance(record, Record)
    assert (record.value, record.raw) == ({"n": "1"}, b"<r><n>1</n></r>")


def test_a_nested_element_of_the_same_name_is_no_record() -> None:
    """Only the outermost record element is a record."""
    assert values(xml(), b"<a><r><r>1</r></r></a>") == [{"r": "1"}]


def test_a_poslog_without_transactions_is_no_mistake() -> None:
    """An empty POSLog is a quiet day; another document is not a POSLog."""
    assert answers(format_named("poslog", {}), b"<POSLog/>") == []
    assert refusals(format_named("poslog", {}), b"<html/>")[0].error.code == "TW-3032"


LONG_FILE = """
import io, re, sys
from tillway.formats import format_named, xml_format

class Day(io.RawIOBase):
    left, rest = 6000, b"<POSLog>"
    def read(self, size=-1):
        while len(self.rest) < size and self.left:
            self.left -= 1
            lines = b"<LineItem><A>1</A></LineItem>" * 40
            self.rest += b"<Transaction>" + lines + b"</Transaction>"
            self.rest += b"" if self.left else b"</POSLog>"
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

if sys.argv[1] == "leaks":
    xml_format.free = lambda element: None
assert sum(1 for _ in format_named("poslog").records(Day())) == 6000
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
"""


@pytest.mark.parametrize(("way", "fits"), [("frees", True), ("leaks", False)])
def test_memory_does_not_grow_with_the_file(way: str, fits: bool) -> None:
    """A long file is read in the memory of a few records; kept elements would be seen."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not tell the most memory a process used")
    command = [sys.executable, "-c", LONG_FILE, way]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (int(said) < 70_000) == fits

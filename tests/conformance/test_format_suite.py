"""Every format runs the one suite."""

from __future__ import annotations

from typing import Any

import pytest

from tillway.formats import Format, format_named, format_names
from tillway.testing.formats import FormatSuite, answers


class TestJsonFormat(FormatSuite):
    """One JSON document with an array of records."""

    document = b'[{"seq": 1, "items": [{"net": "1.50"}]},\n {"seq": 2, "note": "a,b]}"}]'
    expected = ({"seq": 1, "items": [{"net": "1.50"}]}, {"seq": 2, "note": "a,b]}"})

    def opened(self, **options: Any) -> Format:
        """Open plain JSON."""
        return format_named("json", options)


class TestNdJsonFormat(FormatSuite):
    """One JSON object per line."""

    document = b'{"seq": 1, "net": "1.50"}\r\n\n{"seq": 2, "note": "x"}\n'
    expected = ({"seq": 1, "net": "1.50"}, {"seq": 2, "note": "x"})

    def opened(self, **options: Any) -> Format:
        """Open NDJSON."""
        return format_named("ndjson", options)


class TestCsvFormat(FormatSuite):
    """Rows with declared columns."""

    document = b'1;"a;b";2.50\r\n2;c;-1.00\r\n'
    expected = (
        {"seq": "1", "name": "a;b", "net": "2.50"},
        {"seq": "2", "name": "c", "net": "-1.00"},
    )

    def opened(self, **options: Any) -> Format:
        """Open CSV with semicolons and no header row."""
        return format_named("csv", {"delimiter": ";", "header": ["seq", "name", "net"], **options})


class TestGroupedCsvFormat(FormatSuite):
    """Rows that make a receipt together."""

    document = b"7,1,2.50\n7,2,3.00\n8,1,4.00\n"
    expected = (
        {
            "receipt": "7",
            "rows": [
                {"receipt": "7", "line": "1", "net": "2.50"},
                {"receipt": "7", "line": "2", "net": "3.00"},
            ],
        },
        {"receipt": "8", "rows": [{"receipt": "8", "line": "1", "net": "4.00"}]},
    )

    def opened(self, **options: Any) -> Format:
        """Open CSV grouped by receipt."""
        header = ["receipt", "line", "net"]
        return format_named("csv", {"header": header, "group_by": ["receipt"], **options})

    def test_a_cut_off_document_keeps_its_good_prefix(self) -> None:
        """Cut inside a receipt, only whole receipts before it are promised."""
        for length in range(1, len(self.document)):
            for one in answers(self.opened(), self.document[:length])[:-1]:
                assert getattr(one, "value", None) in self.expected


class TestXmlFormat(FormatSuite):
    """Record elements with attributes, repeated children and another namespace."""

    document = (
        b'<?xml version="1.0"?><orders xmlns:v="urn:vendor"><order id="1"><line>a</line>'
        b'<line v:kind="x">b &amp; c</line></order><order><v:extra/></order></orders>'
    )
    expected = (
        {"@id": "1", "line": ["a", {"@v:kind": "x", "#text": "b & c"}]},
        {"v:extra": ""},
    )

    def opened(self, **options: Any) -> Format:
        """Open XML whose records are orders."""
        return format_named("xml", {"record": "order", "prefixes": {"v": "urn:vendor"}, **options})


class TestPosLogFormat(FormatSuite):
    """Transactions of a POSLog."""

    document = (
        b'<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/" '
        b'xmlns:n="http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1">'
        b"<Transaction><SequenceNumber>1</SequenceNumber><n:Ring>4</n:Ring></Transaction>\n"
        b'<Transaction CancelFlag="true"><SequenceNumber>2</SequenceNumber></Transaction></POSLog>'
    )
    expected = (
        {"SequenceNumber": "1", "acs:Ring": "4"},
        {"@CancelFlag": "true", "SequenceNumber": "2"},
    )

    def opened(self, **options: Any) -> Format:
        """Open POSLog."""
        return format_named("poslog", options)


def test_every_format_runs_the_suite() -> None:
    """No format escapes the suite."""
    tested = {suite.opened(suite()).name for suite in FormatSuite.__subclasses__()}
    assert tested == set(format_names())


def test_the_suite_catches_a_format_that_loses_a_record() -> None:
    """The positive control: a format that drops its last record fails the suite."""

    class Forgetful(TestNdJsonFormat):
        document = TestNdJsonFormat.document.rpartition(b'{"seq": 2')[0]

    with pytest.raises(AssertionError):
        Forgetful().test_every_record_is_read()

"""Every format runs the one suite."""

from __future__ import annotations

from typing import Any

import pytest

from tillway.formats import Format, Record, format_named, format_names
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


def _camt_entry(amount: str, sign: str) -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        "<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-21</Dt></ValDt>"
        f"<AcctSvcrRef>R{amount}</AcctSvcrRef></Ntry>"
    )


def _camt_statement(number: str, opening: str, closing: str, *entries: str) -> str:
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'
        for code, amount in (("OPBD", opening), ("CLBD", closing))
    )
    account = "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
    return f"<Stmt><Id>{number}</Id>{account}{balances}{''.join(entries)}</Stmt>"


def _bank_line(**fields: Any) -> dict[str, Any]:
    told = {"kind": "statement_line", "document": "statement", "status": "booked", **fields}
    return {**told, "reversal": False, "currency": "EUR"}


class TestCamtFormat(FormatSuite):
    """Two statements of one account; the second has a line that goes out."""

    document = (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        "<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr>"
        + _camt_statement("S1", "100.00", "108.85", _camt_entry("8.85", "CRDT"))
        + _camt_statement("S2", "108.85", "101.85", _camt_entry("7.00", "DBIT"))
        + "</BkToCstmrStmt></Document>"
    ).encode()
    expected = tuple(
        _bank_line(
            own_account="DE89370400440532013000",
            account_number="DE89370400440532013000",
            statement_id=number,
            line_no=1,
            amount=amount,
            booking_date="2026-11-20",
            value_date="2026-11-21",
            bank_reference=reference,
            entry_key=key,
            statement={"lines": 1, "opening": opening, "closing": closing},
        )
        for number, amount, reference, key, opening, closing in (
            ("S1", "8.85", "R8.85", "9b08a57379530c09ad1a5ae9", "100", "108.85"),
            ("S2", "-7", "R7.00", "66b7499d45f05cf154a0234c", "108.85", "101.85"),
        )
    )

    def opened(self, **options: Any) -> Format:
        """Open camt."""
        return format_named("camt", options)


class TestMt940Format(FormatSuite):
    """Two statements; the first has two pages."""

    document = (
        b":20:REF\r\n:25:50050000/123456789\r\n:28C:7/1\r\n:60F:C261119EUR10,00\r\n"
        b":61:2611201120C5,00NTRFNONREF//B1\r\n:86:paid\r\n:62M:C261120EUR15,00\r\n-\r\n"
        b":20:REF\r\n:25:50050000/123456789\r\n:28C:7/2\r\n:60M:C261120EUR15,00\r\n"
        b":61:2611201120D2,50NTRFNONREF//B2\r\n:86:fee\r\n:62F:C261120EUR12,50\r\n-\r\n"
        b":20:REF\r\n:25:50050000/123456789\r\n:28C:8/1\r\n:60F:C261120EUR12,50\r\n"
        b":61:2611211121C1,00NTRFNONREF//B3\r\n:86:late\r\n:62F:C261121EUR13,50\r\n-\r\n"
    )
    expected = tuple(
        _bank_line(
            own_account="50050000/123456789",
            account_number="50050000/123456789",
            statement_id=f"{day}/{number}",
            line_no=line,
            amount=amount,
            booking_date=day,
            value_date=day,
            bank_reference=reference,
            transaction_code="NTRF",
            text=text,
            entry_key=key,
            statement={
                "lines": lines,
                "number": number,
                "page": "1",
                "to": day,
                "opening": opening,
                "closing": closing,
            },
        )
        for number, day, line, amount, reference, text, key, lines, opening, closing in (
            (
                "7",
                "2026-11-20",
                1,
                "5",
                "B1",
                "paid",
                "2cb34f9c90e90010731e4751",
                2,
                "10",
                "12.5",
            ),
            (
                "7",
                "2026-11-20",
                2,
                "-2.5",
                "B2",
                "fee",
                "6ae470da8e99f95a28b756a5",
                2,
                "10",
                "12.5",
            ),
            (
                "8",
                "2026-11-21",
                1,
                "1",
                "B3",
                "late",
                "39871cf2ea4aa070e30b9275",
                1,
                "12.5",
                "13.5",
            ),
        )
    )

    def opened(self, **options: Any) -> Format:
        """Open MT940."""
        return format_named("mt940", options)

    def test_a_cut_off_document_keeps_its_good_prefix(self) -> None:
        """Cut inside a statement, only whole statements before it are promised, and no half one."""
        for length in range(1, len(self.document)):
            found = [one.value for one in self._readable(self.document[:length])]
            whole = [one for one in found if one in self.expected]
            assert whole == list(self.expected[: len(whole)])
            assert all("not in the file" in one["notice"] for one in found[len(whole) :])

    def _readable(self, content: bytes) -> list[Record]:
        return [one for one in answers(self.opened(), content) if isinstance(one, Record)]


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

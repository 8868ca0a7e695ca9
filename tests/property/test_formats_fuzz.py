"""No bytes and no tree make a format or a dialect raise anything but its own answers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.dialects import dialect_named, dialect_names
from tillway.errors import ContractViolation, code_record
from tillway.formats import EXCERPT_BYTES, Record, format_named

DATA = Path(__file__).parents[1] / "data" / "poslog"
FORMATS: dict[str, dict[str, Any]] = {
    "json": {},
    "json-items": {"items": "a.b"},
    "ndjson": {},
    "csv": {"group_by": ["a"], "decimal": ",", "decimal_columns": ["b"]},
    "csv-kinds": {"header": {"H": ["a"], "L": ["b", "c"]}, "record_type": "k"},
    "csv-apart": {"group_by": ["a"], "gather": True},
    "xml": {"record": "r"},
    "poslog": {},
    "camt": {},
    "mt940": {},
}
SEEDS: dict[str, list[bytes]] = {
    "json": [b'{"a": {"b": [1, "x\\n", -1.5e3, null, true]}}', b'[{"a": 1}, {"b": "\xc3\xa7"}]'],
    "json-items": [b'{"a": {"b": [{"x": 1}, {"y": [2]}]}}'],
    "ndjson": [b'{"a": 1}\n{"b": [2, 3]}\n'],
    "csv": [b'a,b,c\n1,"1,5","x\ny"\n1,"2",z\n2,"3",w\n'],
    "csv-apart": [b"a,b,c\n1,2,3\n2,2,3\n1,4,5\n"],
    "csv-kinds": [b"H,1\nL,2,3\nH,4\n"],
    "xml": [b'<?xml version="1.0"?><a xmlns:v="u"><r k="1">x<v:b/>y</r><r>&lt;&#65;</r></a>'],
    "camt": [
        (
            b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
            b"<BkToCstmrStmt><Stmt><Id>S1</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
            b"<Bal><Tp><CdOrPrtry>"
            b'<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt>'
            b"<CdtDbtInd>CRDT</CdtDbtInd></Bal>"
            b'<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">3.50</Amt>'
            b'<CdtDbtInd>CRDT</CdtDbtInd></Bal><Ntry><Amt Ccy="EUR">2.50</Amt>'
            b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>"
            b"<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RmtInf><Ustrd>x</Ustrd>"
            b"</RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"
        ),
    ],
    "mt940": [
        (
            b":20:R\n:25:1/2\n:28C:1/1\n:60F:C261119EUR1,00\n:61:2611201120C2,50NTRFNONREF//B\nx\n"
            b":86:166?00A?20EREF+E1?21SVWZ+text?31DE89370400440532013000?32NAME\n"
            b":62F:C261120EUR3,50\n-\n"
        ),
        (
            b":20:R\n:25:1/2\n:28C:1/1\n:34F:EURD0,\n:13D:2611200900+0100\n:61:261120RC1,NTRF\n"
            b":NS:01a\n15b\n:90D:1EUR1,\n:90C:0EUR0,\n-\n"
        ),
    ],
    "poslog": [(DATA / "visma_6_0.xml").read_bytes()],
}
TOKENS = st.sampled_from(
    [
        *(letter.encode() for letter in "<>&\"'{}[],:\\\n\r\0"),
        *(b"<!DOCTYPE x>", b"<![CDATA[", b"<!--", b"&#x0;", b"<r>", b"</r>", b'encoding="utf-7"'),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"1e999", b"\\ud800", b'"a":'),
        *(b"9" * 40, b" " * 30),
    ]
)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """Return a seed with pieces cut out, doubled, overwritten and put in."""
    content = draw(st.sampled_from(SEEDS[name]))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 20))
        piece = draw(st.one_of(TOKENS, st.binary(max_size=4), st.just(content[place : place + 30])))
        content = content[:place] + piece + content[place + length :]
    return content


def check(name: str, content: bytes) -> None:
    """Read a document and require an answer for everything in it."""
    form = format_named(name.partition("-")[0], FORMATS[name])
    found = list(form.records(io.BytesIO(content)))
    for place, one in enumerate(found):
        assert one.line >= 1
        assert 0 <= one.offset <= len(content)
        if isinstance(one, Record):
            assert isinstance(form.encode(one.value), bytes)
            continue
        assert code_record(one.error.code) is not None
        assert len(one.raw) <= EXCERPT_BYTES
        assert not one.fatal or place == len(found) - 1


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutated_documents_are_answered(name: str, data: st.DataObject) -> None:
    """Near-valid input gives records and coded answers; a fatal answer is the last one."""
    check(name, data.draw(mutated(name)))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=512))
def test_any_bytes_are_answered(name: str, content: bytes) -> None:
    """Arbitrary bytes give coded answers and no exception."""
    check(name, content)


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("1.50"))
NAMES = st.sampled_from(
    [
        "LineItem",
        "Sale",
        "Return",
        "Tender",
        "Tax",
        "Discount",
        "LoyaltyReward",
        "Quantity",
        "Amount",
        "ExtendedAmount",
        "Rounding",
        "TenderChange",
        "TransactionLink",
        "Total",
        "@VoidFlag",
        "@CancelFlag",
        "@TenderType",
        "PaidIn",
        "@TransactionStatus",
        "#text",
        "acs:ItemCount",
        "TillSettle",
        "TenderSummary",
        "BusinessEOD",
        "CreditDebit",
        "RetailPriceModifier",
        "acs:LoyaltyMembership",
        "",
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=25,
)
LINES = st.dictionaries(NAMES, TREES, max_size=4)
BODY_TREES = st.one_of(
    TREES,
    st.builds(lambda lines, more: {**more, "LineItem": lines}, st.lists(LINES, max_size=4), LINES),
)
HEADER = {"RetailStoreID": "7", "WorkstationID": "1", "SequenceNumber": "4", "CurrencyCode": "EUR"}
BODIES = ["RetailTransaction", "ControlTransaction", "TenderControlTransaction"]


@pytest.mark.parametrize("name", dialect_names())
@settings(max_examples=100, deadline=None)
@given(body=BODY_TREES, kind=st.sampled_from(BODIES), whole=st.booleans())
def test_any_tree_is_read_or_refused(name: str, body: Any, kind: str, whole: bool) -> None:
    """A dialect gives a record or lists violations, whatever the tree."""
    tree = {**(HEADER if whole else {}), "BusinessDayDate": "2026-03-14", kind: body}
    breach: ContractViolation | None = None
    try:
        assert isinstance(dialect_named(name).normalise(tree), dict)
    except ContractViolation as raised:
        breach = raised
    assert breach is None or (breach.code == "TW-3201" and breach.violations)

"""Statements of a bank in camt: what makes one usable, and what each of its lines says."""

from __future__ import annotations

import io

import pytest

from tillway.formats import Record, format_named
from tillway.formats.iban import without_ibans
from tillway.testing.formats import answers, refusals, values
from unit.formats.camt_documents import ACCOUNT, balance, document, entry, statement

CAMT = format_named("camt")
OPEN, CLOSE = balance("OPBD", "10.00"), balance("CLBD", "15.00")
TWO = (
    "<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{first}</TxDtls>"
    "<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs>{second}</TxDtls></NtryDtls>"
)


def part(amount: str, currency: str = "EUR") -> str:
    """Return the amount of one transaction of a batch."""
    return f'<Amt Ccy="{currency}">{amount}</Amt>'


def codes(*statements: str) -> list[tuple[str, bool]]:
    """Return code and fatality of every refusal in a document."""
    return [(one.error.code, one.fatal) for one in refusals(CAMT, document(*statements))]


@pytest.mark.parametrize("version", ["052.001.01", "053.001.02", "053.001.14", "054.001.08"])
def test_names_are_matched_in_any_version(version: str) -> None:
    """The namespace of a version changes nothing."""
    content = document(statement(OPEN, CLOSE, entry("5.00")), version=version)
    assert [one["amount"] for one in values(CAMT, content)] == ["5"]


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ((OPEN, CLOSE, entry("5.01")), "TW-3050"),
        ((OPEN, CLOSE), "TW-3050"),
        ((OPEN, entry("5.00")), "TW-3051"),
        ((CLOSE, entry("5.00")), "TW-3051"),
        ((OPEN, CLOSE, entry("5.00", currency="USD")), "TW-3051"),
        ((OPEN, CLOSE, entry("five")), "TW-3052"),
        ((OPEN, CLOSE, entry("-5.00")), "TW-3052"),
        ((OPEN, CLOSE, entry("5.00", sign="UP")), "TW-3052"),
    ],
)
def test_a_statement_that_proves_nothing_is_refused_whole(
    inside: tuple[str, ...], code: str
) -> None:
    """It gives one refusal and no line, and the statement after it is read all the same."""
    good = statement(OPEN, CLOSE, entry("5.00"), number="S2")
    found = answers(CAMT, document(statement(*inside), good))
    assert [type(one) is Record for one in found] == [False, True]
    assert codes(statement(*inside), good) == [(code, False)]


def test_debits_reversals_and_pending_entries_have_their_sign() -> None:
    """The sign is that of the entry itself, also of a reversal; what is pending does not count."""
    reversal = "<RvslInd>true</RvslInd>"
    pending = entry("99.00").replace("BOOK", "PDNG")
    inside = (entry("7.00"), entry("2.00", "DBIT", inside=reversal), pending)
    found = values(CAMT, document(statement(OPEN, CLOSE, *inside)))
    told = [(one["amount"], one["reversal"], one["status"]) for one in found]
    assert told == [("7", False, "booked"), ("-2", True, "booked"), ("99", False, "pending")]


def test_a_batch_becomes_its_transactions_where_they_add_up() -> None:
    """Both lines have their own reference, the bank's reference and one key."""
    details = TWO.format(first=part("3.00"), second=part("2.00"))
    inside = f"<AcctSvcrRef>B7</AcctSvcrRef>{details}"
    found = values(CAMT, document(statement(OPEN, CLOSE, entry("5.00", inside=inside))))
    told = [(one["line_no"], one["amount"], one["end_to_end_id"]) for one in found]
    assert told == [(1, "3", "E1"), (2, "2", "E2")]
    assert {one["bank_reference"] for one in found} == {"B7"}
    assert len({one["entry_key"] for one in found}) == 1


@pytest.mark.parametrize("second", [part("2.50"), part("2.00", "CHF"), ""])
def test_a_batch_that_does_not_add_up_stays_one_line(second: str) -> None:
    """The money of the entry stands, and a notice says that its parts do not."""
    inside = TWO.format(first=part("3.00"), second=second)
    (found,) = values(CAMT, document(statement(OPEN, CLOSE, entry("5.00", inside=inside))))
    assert found["amount"] == "5"
    assert "2 transactions" in found["notice"]
    assert "end_to_end_id" not in found


def test_the_same_entry_has_the_same_key_in_a_notification_and_a_statement() -> None:
    """So reconciliation knows the second one, whether the bank gives a reference or only a text."""
    for inside in ("<AcctSvcrRef>B7</AcctSvcrRef>", "<AddtlNtryInf>Pay out 7</AddtlNtryInf>"):
        line = entry("5.00", inside=inside)
        notice = values(CAMT, document(statement(line, number="N1", name="Ntfctn")))
        final = values(CAMT, document(statement(OPEN, CLOSE, line)))
        assert [one["document"] for one in (*notice, *final)] == ["notification", "statement"]
        assert notice[0]["entry_key"] == final[0]["entry_key"]
        other = values(CAMT, document(statement(entry("5.01", inside=inside), name="Ntfctn")))
        assert other[0]["entry_key"] != final[0]["entry_key"]


def test_totals_beside_the_balances_are_compared_too() -> None:
    """A notification has no balances; the totals it states must be those of its entries."""
    totals = "<TxsSummry><TtlCdtNtries><Sum>{}</Sum></TtlCdtNtries></TxsSummry>"
    for stated, expected in (("5.00", []), ("5.10", [("TW-3050", False)])):
        told = statement(totals.format(stated), entry("5.00"), name="Ntfctn")
        assert codes(told) == expected


def test_every_currency_is_balanced_by_itself() -> None:
    """One account, two currencies: a cent wrong in one of them refuses the statement."""
    dollars = (balance("OPBD", "1.00", currency="USD"), balance("CLBD", "3.00", currency="USD"))
    lines = (entry("5.00"), entry("2.00", currency="USD"))
    assert codes(statement(OPEN, CLOSE, *dollars, *lines)) == []
    wrong = (entry("5.00"), entry("2.01", currency="USD"))
    assert codes(statement(OPEN, CLOSE, *dollars, *wrong)) == [("TW-3050", False)]


def test_a_page_may_open_or_close_with_a_balance_in_between() -> None:
    """Pages are statements of their own, and page two is not page one."""
    page = "<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    (found,) = values(
        CAMT, document(statement(page, balance("ITBD", "10.00"), CLOSE, entry("5.00")))
    )
    assert found["statement_id"] == "S1/2"


def test_account_numbers_inside_texts_are_cut_to_their_end() -> None:
    """Our own account and a customer's stay only where masking knows them by name."""
    told = f"<AddtlNtryInf>from {ACCOUNT} to GB33 BUKB 2020 1555 5555 55</AddtlNtryInf>"
    inside = (OPEN, CLOSE, entry("5.00", inside=told))
    (found,) = values(CAMT, document(statement(*inside, number=f"12EUR{ACCOUNT}")))
    assert found["text"] == "from ****3000 to ****5555"
    assert found["statement_id"] == "12EUR****3000"


def test_a_reference_is_not_taken_for_an_account() -> None:
    """Wrong length, wrong check digits or an unknown country: the text stays as it is."""
    for text in ("GB33BUKB2020155555555", "GB34BUKB20201555555555", "ZZ33BUKB20201555555555"):
        assert without_ibans(text) == text


def test_a_document_type_is_refused_and_an_unknown_document_too() -> None:
    """Nothing is expanded or fetched; a document without statements says so."""
    content = b'<!DOCTYPE x [<!ENTITY a "b">]><Document/>'
    assert [one.error.code for one in refusals(CAMT, content)] == ["TW-3031"]
    assert [one.error.code for one in refusals(CAMT, b"<Document><Other/></Document>")] == [
        "TW-3032"
    ]


def test_a_long_statement_is_refused_at_its_limit() -> None:
    """More lines than `children` allows refuse the statement, not the file."""
    short = format_named("camt", {"children": 12})
    many = statement(OPEN, balance("CLBD", "23.00"), *[entry("1.00")] * 13)
    content = document(many, statement(OPEN, CLOSE, entry("5.00"), number="S2"))
    found = list(short.records(io.BytesIO(content)))
    assert [type(one) is Record for one in found] == [False, True]
    assert refusals(short, content)[0].error.code == "TW-3012"


def test_a_namespace_that_is_no_uri_is_told_at_its_place() -> None:
    """The parser reads on and refuses at the end; the sender is told what it is."""
    content = document(statement(OPEN, CLOSE, entry("5.00"))).replace(b"urn:iso", b"urn:}iso")
    (refusal,) = refusals(CAMT, content)
    assert refusal.error.code == "TW-3030"
    assert "is not a valid URI" in refusal.error.detail
    assert [one["amount"] for one in values(CAMT, content)] == ["5"]

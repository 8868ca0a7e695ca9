"""MT940 and MT942 as banks write them: their traps, and what makes a statement usable."""

from __future__ import annotations

import logging

import pytest

from tillway.errors import ConfigurationError
from tillway.formats import format_named, mt940_pages
from tillway.testing.formats import refusals, values

MT940 = format_named("mt940")
HEAD = ":20:REF\n:25:50050000/123456789\n:28C:7/1\n:60F:C261119EUR10,00\n"
LINE = ":61:2611201120C5,00NTRFNONREF//B1\n"
TAIL = ":62F:C261120EUR15,00\n-\n"


def page(*lines: str, head: str = HEAD, tail: str = TAIL) -> bytes:
    """Return one page."""
    return (head + "".join(lines) + tail).encode()


def codes(content: bytes) -> list[str]:
    """Return the code of every refusal."""
    return [one.error.code for one in refusals(MT940, content)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((LINE,), []),
        ((), ["TW-3050"]),
        ((LINE, LINE), ["TW-3050"]),
        ((LINE.replace("5,00", "5,01"),), ["TW-3050"]),
        ((LINE.replace("2611201120", "2613201120"),), ["TW-3053"]),
        ((":61:nonsense\n",), ["TW-3053"]),
    ],
)
def test_a_statement_must_add_up(lines: tuple[str, ...], expected: list[str]) -> None:
    """Opening balance and lines make the closing balance, or nothing is taken."""
    assert codes(page(*lines)) == expected


def test_reversals_have_the_sign_of_the_money() -> None:
    """RC takes a credit back, RD gives a debit back; a D before a funds code is no reversal."""
    lines = (
        ":61:2611201120RC2,00NTRFNONREF\n",
        ":61:2611201120RD4,00NTRFNONREF\n",
        ":61:2611201120DR1,00NTRFNONREF\n",
        ":61:2611201120C4,NTRFNONREF\n",
    )
    found = values(MT940, page(*lines))
    told = [(one["amount"], one["reversal"]) for one in found]
    assert told == [("-2", True), ("4", True), ("-1", False), ("4", False)]


def test_a_line_without_a_type_is_not_joined_to_the_next() -> None:
    """Each `:61:` is a line of its own, whatever it leaves out."""
    found = values(MT940, page(":61:2611201120C2,00\n:86:one\n", ":61:261120C3,00\n:86:two\n"))
    assert [(one["amount"], one["text"]) for one in found] == [("2", "one"), ("3", "two")]


def test_30_february_is_read_as_the_last_day_with_a_notice() -> None:
    """Banks that count 30 days a month date interest so."""
    (found,) = values(MT940, page(":61:2602300301C5,00NTRFNONREF\n"))
    assert (found["value_date"], found["booking_date"]) == ("2026-02-28", "2026-03-01")
    assert found["notice"] == "30 February read as the last day of the month"


def test_a_balance_without_a_currency_takes_that_of_the_first() -> None:
    """`C020315105000,00` is 105000.00 and not 0.00 of a currency 105."""
    tail = ":62F:C261120105000,00\n-\n"
    (found,) = values(MT940, page(LINE.replace("5,00", "104990,00"), tail=tail))
    assert found["statement"]["closing"] == "105000"
    assert "no currency" in found["notice"]


def test_sub_fields_of_several_banks_become_the_same_words() -> None:
    """Structured `:86:`, slashes, `:NS:` and plain text: reference, name and text."""
    german = ":86:166?00GUTSCHRIFT?20EREF+E1?21SVWZ+Payout 42?31DE89370400440532013000?32ADYEN\n"
    dutch = ":86:/EREF/E1//NAME/ADYEN//IBAN/DE89370400440532013000//REMI/Payout 42/\n"
    for text in (german, dutch):
        (found,) = values(MT940, page(LINE, text))
        assert (found["end_to_end_id"], found["text"]) == ("E1", "Payout 42")
        assert found["counterparty"] == {
            "name": "ADYEN",
            "account_number": "DE89370400440532013000",
        }
    (found,) = values(MT940, page(LINE, ":NS:01Payout\n02forty-two\n15ADYEN\n"))
    assert (found["text"], found["counterparty"]["name"]) == ("Payout forty-two", "ADYEN")


def test_the_reference_of_the_line_is_the_payers_where_no_field_says_so() -> None:
    """`:61:` has it before `//`; a field of `:86:` says it better, and NONREF says nothing."""
    line = ":61:2611201120C5,00NTRFTX42//B1\n"
    (found,) = values(MT940, page(line, ":86:Payout\n"))
    assert (found["end_to_end_id"], found["entry_reference"]) == ("TX42", "TX42")
    (found,) = values(MT940, page(line, ":86:/EREF/E1//REMI/Payout/\n"))
    assert (found["end_to_end_id"], found["entry_reference"]) == ("E1", "TX42")
    (found,) = values(MT940, page(":61:2611201120C5,00NTRFNONREF//B1\n", ":86:Payout\n"))
    assert "end_to_end_id" not in found


def test_pages_are_one_statement_and_must_join() -> None:
    """Lines are numbered through; a page that opens with another balance refuses all of them."""
    first = page(LINE, tail=":62M:C261120EUR15,00\n-\n")
    head = HEAD.replace("7/1", "7/2").replace(":60F:C261119EUR10,00", ":60M:C261120EUR15,00")
    second = page(LINE, head=head, tail=":62F:C261120EUR20,00\n-\n")
    found = values(MT940, first + second)
    assert [(one["statement_id"], one["line_no"]) for one in found] == [
        ("2026-11-20/7", 1),
        ("2026-11-20/7", 2),
    ]
    broken = second.replace(b"EUR15,00", b"EUR16,00").replace(b"EUR20,00", b"EUR21,00")
    assert codes(first + broken) == ["TW-3055"]
    (alone,) = values(MT940, second)
    assert alone["statement_id"] == "2026-11-20/7/2"
    assert "before this one" in alone["notice"]


def test_a_report_within_the_day_is_held_to_its_own_totals() -> None:
    """MT942 has no balances; `:90C:` and `:90D:` must be the sums of its lines."""
    head = ":20:REF\n:25:1/2\n:28C:3/1\n:34F:EURD0,\n:13D:2611200900+0100\n"
    good = page(LINE, head=head, tail=":90C:1EUR5,00\n-\n")
    (found,) = values(MT940, good)
    assert (found["document"], found["statement_id"]) == ("intraday", "2026-11-20/3/1")
    assert codes(page(LINE, head=head, tail=":90C:1EUR5,01\n-\n")) == ["TW-3050"]


def test_encodings_are_tried_or_declared() -> None:
    """UTF-8 first, then Latin-1; a declared one is the only one."""
    text = page(LINE, ":86:M\xfcller\n")
    for content in (text, text.decode().encode("iso-8859-1")):
        assert [one["text"] for one in values(MT940, content)] == ["M\xfcller"]
    declared = format_named("mt940", {"encoding": "ascii"})
    assert [one.error.code for one in refusals(declared, text)] == ["TW-3022"]


def test_what_cannot_be_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The library would write the statement into the log of the hub."""
    with caplog.at_level(logging.DEBUG):
        assert codes(page(":61:nonsense of JANE DOE\n")) == ["TW-3053"]
    assert caplog.text == ""


def test_a_statement_without_its_end_is_cut_off() -> None:
    """The last page of a file must close."""
    assert codes(page(LINE, tail="")) == ["TW-3021"]


def test_wrappers_of_swift_and_of_banks_are_left_out() -> None:
    """What stands before `:20:` and after the end is no part of a statement."""
    swift = b"{1:F01BANKDEFF}{2:O940}{4:\n" + page(LINE, tail=":62F:C261120EUR15,00\n-}{5:}\n")
    lead = b"BANKNL2A\n940\nBANKNL2A\n"
    for content in (swift, lead + page(LINE) + lead + page(LINE.replace("B1", "B2"))):
        assert all(one["statement"]["closing"] == "15" for one in values(MT940, content))
        assert codes(content) == []


def test_without_the_library_the_format_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A project that uses it does not start, and is told the extra."""
    monkeypatch.setattr(mt940_pages.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as raised:
        format_named("mt940")
    assert raised.value.code == "TW-3054"
    monkeypatch.undo()
    with pytest.raises(ConfigurationError) as raised:
        format_named("mt940", {"encoding": "klingon"})
    assert raised.value.code == "TW-3002"

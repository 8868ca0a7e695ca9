"""`recon/store-day.toml`: what it may say, what it means, and what is wrong with it."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

from docs.fenced import DOCS, blocks
from tillway.mapping import CodeTable
from tillway.project.documents import parse_document
from tillway.project.problems import Problems
from tillway.project.reconciliation import STORE_DAY, read_reconciliation
from tillway.project.records import Reconciliation

CODES = {
    "tryton_tax_account": CodeTable("tryton_tax_account", {"19": "1776", "7": "1771"}),
    "revenue": CodeTable("revenue", {"19": "8400", "none": "8000"}),
    "any": CodeTable("any", {"*": "8000"}),
}


def read(text: str) -> tuple[Reconciliation, list[str]]:
    """Return the settings of a file and the sentences of what is wrong with it."""
    problems = Problems()
    document = parse_document(text, STORE_DAY)
    found = read_reconciliation(document, problems, CODES)
    assert found is not None
    return found, [one.sentence for one in problems.found]


def test_the_settings_of_the_page_are_read() -> None:
    """Every table of the documentation means what it says there."""
    [block] = [one for one in blocks(DOCS / "concepts" / "store-day.md") if one.language == "toml"]
    found, problems = read(block.text)
    assert problems == []
    assert found.cut_offs == {"0145": time(7)}
    assert found.workstations == {"0145": frozenset({"01", "02", "03"})}
    assert found.currencies == {"0145": frozenset({"USD"})}
    assert found.tax_included == {"DE": True}
    assert found.smallest_coin == {"CHF": Decimal("0.05")}
    assert found.tax_codes == {"19", "7"}
    assert (found.rules["NO_SALE_RATE"].severity, found.rules["NO_SALE_RATE"].tolerance) == (
        "warn",
        Decimal(10),
    )


def test_an_empty_file_is_all_defaults() -> None:
    """Nothing has to be said."""
    found, problems = read("")
    assert (found, problems) == (Reconciliation(), [])
    assert (found.over_short, found.gap_grace_seconds, found.tax_codes) == ("declared", 60.0, None)


def test_the_calendar_names_dates_and_weekdays() -> None:
    """`all` stands for every shop."""
    found, problems = read(
        '[closed.all]\ndates = ["2026-12-25"]\n[closed.0145]\nweekdays = ["sunday"]'
    )
    assert problems == []
    assert found.closed[""] == {date(2026, 12, 25)}
    assert found.weekdays_closed["0145"] == {6}


def test_a_rate_needs_a_row_in_every_table() -> None:
    """A table that takes anything asks for nothing."""
    assert read('tax_codes = ["tryton_tax_account", "revenue"]')[0].tax_codes == {"19"}
    assert read('tax_codes = ["any"]')[0].tax_codes is None


def test_what_is_wrong_is_named() -> None:
    """Each problem in one sentence, all of them in one pass."""
    _, problems = read(
        'over_short = "guessed"\ntax_codes = ["nowhere"]\n[currencies]\nall = ["XXQ"]\n'
        '[smallest_coin]\nCHF = "five"\n[cut_offs]\n0145 = "late"'
    )
    for word in ("guessed", "codes/nowhere.csv", "XXQ", "five", "late"):
        assert any(word in one for one in problems), word

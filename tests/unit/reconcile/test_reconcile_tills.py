"""Over and short by till, operator and shop; by what the till says and by what we compute."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tillway.project.records import RuleSetting
from tillway.reconcile.audit_tills import over_short
from tillway.reconcile.day_book import DayBook
from tillway.reconcile.posting_lines import store_day_lines
from unit.reconcile.days import around, book_of, closed, fact, found_in, moved, sale, settled

# 100.00 in the drawer, 11.90 and 23.80 sold, 50.00 picked up, 5.00 paid in: 90.70 should be there.
# The till expects 90.00 (it forgot 0.70), says it is 0.10 short, and 90.50 were counted.
COUNT = {
    "opening": "100.00",
    "expected": "90.00",
    "in_drawer": "90.50",
    "over_short": "-0.10",
    "sold": "35.70",
}


def day_of_one_till() -> DayBook:
    """Return the book of the drawer above."""
    movements = [moved(3, "pickup", "-50.00"), moved(4, "paid_in", "5.00")]
    return book_of([sale(1, "11.90"), sale(2, "23.80"), *movements, settled(**COUNT)])


@pytest.mark.parametrize(
    ("method", "amount"), [("declared", "-0.10"), ("expected", "0.50"), ("computed", "-0.20")]
)
def test_three_ways_to_say_over_and_short(method: str, amount: str) -> None:
    """As the till says; counted less what it expects; counted less receipts and movements."""
    book = day_of_one_till()
    assert over_short(book, "workstation", method) == {"EUR": {"cash": Decimal(amount)}}
    found = found_in(book, method=method)
    assert found["OVER_SHORT", "till 03"].difference == amount


def test_within_the_tolerance_it_is_no_finding() -> None:
    """A difference up to the tolerance is booked and not told."""
    rules = {"OVER_SHORT": RuleSetting(tolerance=Decimal("0.10"))}
    assert found_in(day_of_one_till(), rules) == {}


def two_tills(*, by_operator: bool = False) -> DayBook:
    """Return a shop with one till 1.00 over and another 1.00 short."""
    facts = [
        sale(1, "10.00", till="01", operator="op-01"),
        sale(1, "20.00", till="02", operator="op-02"),
        settled("01", sold="10.00", over_short="1.00"),
        settled("02", sold="20.00", over_short="-1.00"),
    ]
    return book_of(facts, by_operator=by_operator)


def test_by_workstation_by_operator_and_by_store() -> None:
    """Each drawer or person answers for itself; in the shop as one they make up for each other."""
    assert set(found_in(two_tills())) == {("OVER_SHORT", "till 01"), ("OVER_SHORT", "till 02")}
    found = found_in(two_tills(by_operator=True), level="operator")
    assert set(found) == {("OVER_SHORT", "operator op-01"), ("OVER_SHORT", "operator op-02")}
    assert found_in(two_tills(), level="store") == {}


def test_sessions_of_one_drawer_add_up() -> None:
    """Two counts of a drawer stand against its whole day, and their differences add up."""
    book = book_of(
        [
            sale(1, "10.00"),
            settled(session="1", sold="10.00", over_short="0.30"),
            sale(2, "5.00"),
            settled(session="2", sold="5.00", over_short="0.20"),
        ]
    )
    [finding] = found_in(book).values()
    assert (finding.rule, finding.difference) == ("OVER_SHORT", "0.50")


def test_declared_sales_that_were_not_received() -> None:
    """The till says what it sold; the largest figure apart stands in front."""
    book = book_of([sale(1, "10.00"), settled(sold="12.00", given_back="1.00")])
    found = found_in(book)["TOTALS_MISMATCH", "till 03"]
    assert (found.expected, found.found, found.difference) == ("12.00", "10.00", "-2.00")
    assert "given back cash: declared 1.00, received 0" in found.detail


def test_a_till_that_traded_is_to_be_counted() -> None:
    """Asked once the day is closed, and only where tills are counted at all."""
    book = book_of([sale(1), sale(1, till="04"), settled("04"), closed(2)])
    rule = "MISSING_DECLARATION"
    assert set(found_in(book, counts_tills=True)) == {(rule, "till 03")}
    assert found_in(book) == {}
    nobody = book_of([sale(1), closed(2)])
    assert set(found_in(nobody, counts_tills=True, level="store")) == {(rule, "store")}


def test_currencies_are_counted_apart() -> None:
    """Two currencies in one drawer are two counts; foreign money is named in the finding."""
    dollars = settled(over_short="-2.00")
    dollars.currency = "USD"
    dollars.natural_key += ":USD"
    book = book_of([sale(1), sale(2, currency="USD"), settled(over_short="-1.00"), dollars])
    found = found_in(book)
    assert {subject: one.difference for (_, subject), one in found.items()} == {
        "till 03": "-1.00",
        "till 03 USD": "-2.00",
    }
    assert found_in(book, currency="USD").keys() == {
        ("OVER_SHORT", "till 03 EUR"),
        ("OVER_SHORT", "till 03"),
    }


def test_a_settlement_that_is_replaced_is_gone() -> None:
    """Taking an older revision out leaves no count behind."""
    book = book_of([settled(over_short="-1.00")])
    book.add(settled(over_short="-1.00"), 2, sign=-1)
    assert book.counts == {}
    assert over_short(book, "workstation", "declared") == {}


def test_rates_of_operators_are_off_until_a_project_wants_them() -> None:
    """Six drawers opened beside ten sales are too many once the rule is on and not lenient."""
    facts = [sale(number) for number in range(1, 11)]
    facts += [fact("control", number, subtype="no_sale") for number in range(11, 17)]
    book = book_of(facts)
    assert found_in(book) == {}
    found = found_in(book, {"NO_SALE_RATE": RuleSetting("warn")})
    assert found["NO_SALE_RATE", "operator op-1"].found == "6 in 10"
    lenient = {"NO_SALE_RATE": RuleSetting("warn", Decimal(60))}
    assert found_in(book, lenient) == {}


def test_training_is_only_counted() -> None:
    """Its number counts, its money does not, and it holds nothing."""
    book = book_of([sale(1), fact("receipt", 2, training=True), sale(3)])
    [finding] = found_in(book).values()
    assert (finding.rule, finding.found, finding.blocks) == ("TRAINING_MODE", "1", False)
    assert book.sums["EUR"].count == 2
    assert around().level == "workstation"


def test_what_is_found_over_or_short_is_what_is_booked() -> None:
    """The posting carries the figure of the same method, and its lines add up to zero."""
    for method, amount in (("declared", "-0.10"), ("expected", "0.50"), ("computed", "-0.20")):
        lines = store_day_lines(day_of_one_till(), "EUR", by_group=False, method=method)
        [booked] = [one.amount for one in lines if one.posting_line_type == "over_short"]
        assert booked == -Decimal(amount)
        assert sum(one.amount for one in lines) == 0

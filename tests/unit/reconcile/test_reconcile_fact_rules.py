"""The rules that look at one message: dates, money, taxes and what intake found."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tillway.project.records import Reconciliation, RuleSetting
from tillway.reconcile.audit_fact import FactAudit
from tillway.reconcile.facts import Breach, Fact, TaxSum
from tillway.reconcile.findings import Finding
from tillway.reconcile.rules import Judge
from unit.reconcile.days import DAY, STORE, release, sale


def findings(
    fact: Fact, day: str = DAY, store: str = STORE, *, late: bool = False, **settings: Any
) -> dict[str, Finding]:
    """Return what is wrong with a message under these settings, by rule."""
    taken = Reconciliation(**settings)
    audit = FactAudit(release(taken), taken, Judge(taken.rules))
    audit.arrived(fact, day, late=late)
    return {one.rule: one for one in audit.judge(fact, store, day, 5)}


def at(moment: str) -> int:
    """Return a moment in microseconds UTC."""
    return round(datetime.fromisoformat(moment).timestamp() * 1_000_000)


def test_a_plain_sale_has_no_finding() -> None:
    """Nothing is found where nothing is wrong, and a finding names its message."""
    assert findings(sale(1)) == {}
    [found] = findings(sale(1), late=True).values()
    assert (found.rule, found.subject, found.position) == (
        "LATE_TRANSACTION",
        f"{STORE}:03:{DAY}:1",
        5,
    )


def test_the_date_is_judged_in_the_shop() -> None:
    """Half past midnight in Berlin is the next day there, though not yet in UTC."""
    before = sale(1, received_at=at("2026-11-20T23:30:00+01:00"))
    after = sale(1, received_at=at("2026-11-21T00:30:00+01:00"))
    assert "FUTURE_DATE" in findings(before, "2026-11-21")
    assert findings(after, "2026-11-21") == {}


def test_the_date_is_judged_in_the_night_the_clock_changes() -> None:
    """The hour that comes twice, and the day after it, belong to their own dates."""
    for moment, day in (
        ("2026-10-25T02:30:00+02:00", "2026-10-25"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25"),
        ("2026-10-25T23:59:59+01:00", "2026-10-25"),
        ("2026-10-26T00:00:00+01:00", "2026-10-26"),
        ("2026-03-29T03:00:00+02:00", "2026-03-29"),
    ):
        fact = sale(1, received_at=at(moment))
        assert findings(fact, day) == {}
        tomorrow = date.fromordinal(date.fromisoformat(day).toordinal() + 1).isoformat()
        assert list(findings(fact, tomorrow)) == ["FUTURE_DATE"]


def test_an_old_date_is_stale() -> None:
    """Older than the chain allows when it came; the oldest allowed day passes."""
    assert findings(sale(1), "2026-11-10", oldest_days=10) == {}
    assert list(findings(sale(1), "2026-11-09", oldest_days=10)) == ["BUSINESS_DATE_STALE"]


def test_a_closed_period_is_told_on_arrival_only() -> None:
    """What came before the period was closed is no breach when the day is audited again."""
    closed = {"period_closed_until": date(2026, 11, 20)}
    assert "CLOSED_PERIOD" in findings(sale(1), **closed)
    taken = Reconciliation(**closed)
    audit = FactAudit(release(taken), taken, Judge({}))
    assert audit.judge(sale(1), STORE, DAY, 5) == []


def test_a_currency_the_shop_does_not_take() -> None:
    """Its own and those listed for it or for all shops are known."""
    dollars = sale(1, currency="USD")
    assert findings(dollars)["CURRENCY_UNKNOWN"].expected == "EUR"
    assert findings(dollars, currencies={"": frozenset({"USD"})}) == {}
    assert findings(dollars, currencies={STORE: frozenset({"USD"})}) == {}


def test_cash_is_rounded_by_half_a_coin_at_most() -> None:
    """With five cents as the smallest coin, 0.02 is fine and 0.03 is not."""
    coins = {"EUR": Decimal("0.05")}
    assert findings(sale(1, rounding=Decimal("-0.02")), smallest_coin=coins) == {}
    found = findings(sale(1, rounding=Decimal("0.03")), smallest_coin=coins)
    assert list(found) == ["CASH_ROUNDING_LIMIT"]
    assert findings(sale(1, rounding=Decimal("0.03"))) == {}


def test_rates_of_the_country_are_known() -> None:
    """A rate that is not in force is named; a country without a list is not judged."""
    rates = {"DE": (Decimal(0), Decimal("7.00"))}
    assert findings(sale(1), tax_rates=rates)["TAX_RATE_UNKNOWN"].found == "19 %"
    assert findings(sale(1), tax_rates={"DE": (Decimal("19.0"),)}) == {}
    assert findings(sale(1), tax_rates={"NL": ()}) == {}


def test_a_rate_the_erp_has_no_code_for() -> None:
    """Every rate of taxes and sales needs a row; `none` stands for no rate."""
    assert findings(sale(1), tax_codes=frozenset({"19"})) == {}
    found = findings(sale(1), tax_codes=frozenset({"7", "none"}))
    assert found["TAX_MAPPING_INCOMPLETE"].found == "19"
    assert found["TAX_MAPPING_INCOMPLETE"].blocks


def test_tax_on_top_where_prices_contain_it() -> None:
    """Judged by country, and only where the project says how it is there."""
    assert findings(sale(1), tax_included={"DE": True}) == {}
    found = findings(sale(1), tax_included={"DE": False})
    assert found["TAX_INCLUDED_INCONSISTENT"].found == "contained in prices"


def taxed(tax: str, *, included: bool, count: int = 1, taxable: str = "100.00") -> Fact:
    """Return a sale with one tax of 19 %."""
    one = TaxSum("19", Decimal(taxable), Decimal(tax), included, count, judged=True)
    return sale(1, taxes=(one,), tax=Decimal(tax))


def test_tax_is_computed_again() -> None:
    """Added: 19.00 of 100.00; inside: 15.97 of 100.00, or 19.00 where 100.00 is without tax."""
    for tax, included in (("19.00", False), ("15.97", True), ("19.00", True)):
        assert findings(taxed(tax, included=included)) == {}
    found = findings(taxed("19.01", included=False))["TAX_RECALC_MISMATCH"]
    assert (found.found, found.difference, found.severity) == ("19.01", "0.01000", "warn")
    assert list(findings(taxed("15.99", included=True))) == ["TAX_RECALC_MISMATCH"]


def test_each_rounding_explains_half_a_cent() -> None:
    """Four lines may be two cents apart, and a project may set its own limit."""
    assert findings(taxed("19.02", included=False, count=4)) == {}
    assert list(findings(taxed("19.03", included=False, count=4))) == ["TAX_RECALC_MISMATCH"]
    lenient = {"TAX_RECALC_MISMATCH": RuleSetting(tolerance=Decimal(1))}
    assert findings(taxed("19.90", included=False), rules=lenient) == {}
    unknown = taxed("3.00", included=False)
    unknown.taxes[0].judged = False
    assert findings(unknown) == {}


def test_an_exemption_is_told_once() -> None:
    """Without a reason it is an exemption, and not a miscomputed tax beside."""
    fact = taxed("0.00", included=False)
    fact.untaxed = Decimal("100.00")
    assert list(findings(fact)) == ["TAX_EXEMPT_UNJUSTIFIED"]


def test_rules_that_are_off_speak_when_a_project_wants_them() -> None:
    """Reasons, returns without receipt and gift cards given back."""
    marks: Any = ("return_without_reason", "return_without_receipt", "gift_card_return")
    assert findings(sale(1, marks=marks)) == {}
    names = ("REASON_CODE_REQUIRED", "RETURN_WITHOUT_RECEIPT", "GIFT_CARD_RETURN")
    wanted = {name: RuleSetting("warn", owner="audit") for name in names}
    found = findings(sale(1, marks=marks), rules=wanted)
    assert set(found) == set(names)
    assert {one.owner for one in found.values()} == {"audit"}
    assert found["REASON_CODE_REQUIRED"].found == "return"


def test_what_intake_found_is_taken_over() -> None:
    """With its figures, and the severity the project gives it for the day."""
    breach = Breach("HEADER_NET", "totals.net", "10.00", "11.00", Decimal("1.00"))
    found = findings(sale(1, breaches=(breach,)))["HEADER_NET"]
    assert (found.expected, found.found, found.difference) == ("10.00", "11.00", "1.00")
    off = {"HEADER_NET": RuleSetting("off")}
    assert findings(sale(1, breaches=(breach,)), rules=off) == {}


def test_a_shop_nobody_knows_is_judged_by_the_clock_alone() -> None:
    """There is no country and no currency to compare with."""
    settings = {"tax_rates": {"DE": ()}, "tax_included": {"DE": False}}
    assert findings(sale(1, currency="USD"), store="9999", **settings) == {}

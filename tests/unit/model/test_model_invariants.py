"""Each invariant: silent on a message that agrees, named with its numbers on one that does not."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tillway.errors import all_codes
from tillway.model import RULES, findings, money, quantity
from tillway.model.cash import TenderCount
from tillway.model.payments import SettlementEntry
from tillway.model.retail import ForeignAmount, LineTax, PriceModifier, Tender, Totals
from tillway.testing.examples import (
    EXAMPLES,
    example_payout,
    example_return,
    example_sale,
    example_settlement_of_till,
    example_void,
)


def rules_of(message, tolerance=None):
    """Return the rules that a message breaks."""
    return [finding.rule for finding in findings(message, tolerance)]


def with_line(sale, index, **changes):
    """Return the sale with one line changed."""
    lines = list(sale.lines)
    lines[index] = replace(lines[index], **changes)
    return replace(sale, lines=tuple(lines))


@pytest.mark.parametrize("message", [*EXAMPLES.values(), example_return()])
def test_balanced_messages_have_no_findings(message):
    """Every example, and a return, is clean."""
    assert findings(message) == ()


def test_a_lost_line_is_out_of_balance():
    """Without one line the grand total and the header totals no longer follow from the lines."""
    sale = example_sale()
    broken = findings(replace(sale, lines=sale.lines[:1]))
    assert [finding.rule for finding in broken] == [
        "TRAN_OUT_OF_BALANCE",
        "HEADER_NET",
        "HEADER_GROSS",
        "LINE_TAX_SUM",
    ]
    assert broken[0].path == "totals.grand"
    assert (broken[0].expected, broken[0].found) == ("12.48", "17.48")
    assert broken[0].difference == Decimal("5.00")
    assert broken[0].severity == "error"


def test_a_cent_missing_in_the_tenders_is_found():
    """Tenders are compared to the cent, however many lines there are."""
    sale = example_sale()
    short = replace(sale.tenders[1], amount=money("7.47"))
    (finding,) = findings(replace(sale, tenders=(sale.tenders[0], short)))
    assert (finding.rule, finding.path) == ("TRAN_OUT_OF_BALANCE", "tenders")
    assert finding.difference == Decimal("-0.01")


def test_a_receipt_that_nobody_paid_is_out_of_balance():
    """Lines without tenders break the balance, unless nothing was due."""
    assert rules_of(example_sale(tenders=())) == ["TRAN_OUT_OF_BALANCE"]


def test_added_tax_counts_in_the_balance():
    """Tax on top is part of what is due; from the receipt's taxes before those of lines."""
    sale = example_sale(
        tax_included=False,
        taxes=(LineTax(tax_amount=money("1.00"), included=False),),
        totals=Totals(net=money("17.48"), tax=money("1.00"), grand=money("18.48")),
        tenders=(Tender(tender_type="cash", amount=money("18.48")),),
    )
    bare = replace(sale, lines=tuple(replace(line, tax=()) for line in sale.lines))
    assert findings(bare) == ()
    assert findings(replace(bare, taxes=())) == ()  # from the tax total alone
    assert "TRAN_OUT_OF_BALANCE" in rules_of(replace(bare, tax_included=True, taxes=()))


def test_an_absent_flag_follows_the_receipt():
    """A tax that does not say whether it is included is as the receipt says."""
    sale = example_sale()
    silent = replace(sale, taxes=tuple(replace(tax, included=None) for tax in sale.taxes))
    assert findings(silent) == ()
    assert "TRAN_OUT_OF_BALANCE" in rules_of(replace(silent, tax_included=False))


def test_tips_and_rounding_count_in_the_balance():
    """Tip and rounding are part of what is due, and agree with those of the tenders."""
    sale = example_sale()
    totals = replace(sale.totals, tip=money("1.00"), rounding=money("0.02"), grand=money("18.50"))
    cash = replace(
        sale.tenders[1],
        amount=money("8.50"),
        tendered_amount=money("11.02"),
        rounding_amount=money("0.02"),
        tip_amount=money("1.00"),
    )
    paid = replace(sale, totals=totals, tenders=(sale.tenders[0], cash))
    assert findings(paid) == ()
    wrong = replace(cash, rounding_amount=money("0.03"), tip_amount=money("0.50"))
    broken = findings(replace(paid, tenders=(sale.tenders[0], wrong)))
    assert [(finding.rule, finding.path) for finding in broken] == [
        ("CURRENCY_ROUNDING", "totals.rounding"),
        ("CURRENCY_ROUNDING", "totals.tip"),
    ]


def test_lines_finer_than_a_cent_may_round():
    """Half a cent is forgiven for each finer line, and none for lines on the cent."""
    sale = with_line(example_sale(), 0, gross_amount=money("12.984"), net_amount=money("12.484"))
    assert findings(sale) == ()
    assert "TRAN_OUT_OF_BALANCE" in rules_of(sale, Decimal(0))
    exact = with_line(example_sale(), 0, gross_amount=money("12.99"), net_amount=money("12.49"))
    assert "TRAN_OUT_OF_BALANCE" in rules_of(exact)
    assert "TRAN_OUT_OF_BALANCE" not in rules_of(exact, Decimal("0.01"))


def test_a_voided_line_counts_nowhere():
    """A voided line may hold anything and breaks nothing."""
    sale = example_sale()
    wild = replace(
        sale.lines[0], line_number=3, voided=True, net_amount=money("999"), quantity=quantity(0)
    )
    assert findings(replace(sale, lines=(*sale.lines, wild))) == ()
    live = replace(wild, voided=False)
    assert "TRAN_OUT_OF_BALANCE" in rules_of(replace(sale, lines=(*sale.lines, live)))


def test_net_is_gross_minus_discount():
    """A line whose net does not follow from gross and discount is named."""
    (finding, *_) = findings(with_line(example_sale(), 0, gross_amount=money("13.98")))
    assert (finding.rule, finding.path) == ("LINE_DISCOUNT_SUM", "lines[0].net_amount")
    assert (finding.expected, finding.found) == ("13.48", "12.48")


def test_a_discount_is_the_sum_of_its_modifiers():
    """Price modifiers that are listed make up the discount."""
    modifier = PriceModifier(amount=money("0.40"), method_code="promotion")
    sale = with_line(example_sale(), 0, price_modifiers=(modifier,))
    (finding,) = findings(sale)
    assert (finding.rule, finding.path) == ("LINE_DISCOUNT_SUM", "lines[0].discount_amount")
    assert findings(with_line(sale, 0, price_modifiers=())) == ()


def test_taxes_may_differ_by_rounding_only():
    """Line taxes differ from the tax total by half a cent each at most."""
    sale = example_sale()
    totals = replace(sale.totals, tax=money("2.33"))
    assert findings(replace(sale, totals=totals)) == ()
    broken = findings(replace(sale, totals=replace(sale.totals, tax=money("2.34"))))
    assert [(finding.rule, finding.path) for finding in broken] == [
        ("LINE_TAX_SUM", "lines"),
        ("LINE_TAX_SUM", "taxes"),
    ]


@pytest.mark.parametrize("number", ["-2.5", "0"])
def test_quantity_and_net_have_one_sign(number):
    """A sale with a negative or no quantity contradicts its amount."""
    broken = rules_of(with_line(example_sale(), 1, quantity=quantity(number)))
    assert "SIGN_CONTRADICTION" in broken
    assert ("ZERO_QUANTITY" in broken) == (number == "0")


def test_a_free_line_contradicts_nothing():
    """A net of zero goes with any quantity but zero."""
    sale = example_sale()
    free = replace(
        sale.lines[1],
        line_number=3,
        gross_amount=money("0"),
        net_amount=money("0"),
        tax=(),
        quantity=quantity("-1"),
    )
    assert findings(replace(sale, lines=(*sale.lines, free))) == ()


def test_header_totals_are_those_of_lines():
    """Gross, discount and net of the header are compared with the lines where they are stated."""
    sale = example_sale()
    one = money("1.00")
    totals = replace(sale.totals, gross=one, discount=one, net=one)
    assert rules_of(replace(sale, totals=totals)) == [
        "HEADER_NET",
        "HEADER_GROSS",
        "HEADER_DISCOUNT",
    ]
    bare = replace(sale.totals, gross=None, discount=None, net=None, tax=None)
    assert findings(replace(sale, totals=bare)) == ()


def test_prices_are_not_negative():
    """Both unit prices of a line are looked at."""
    sale = with_line(
        example_sale(), 1, regular_unit_price=money("-2"), actual_unit_price=money("-1")
    )
    assert rules_of(sale) == ["NEGATIVE_PRICE", "NEGATIVE_PRICE"]


def test_an_empty_receipt_is_a_warning():
    """No lines and no tenders is worth a warning when nothing was due."""
    (finding,) = findings(
        example_sale(lines=(), tenders=(), taxes=(), totals=Totals(grand=money("0")))
    )
    assert (finding.rule, finding.severity) == ("EMPTY_TRANSACTION", "warn")


def test_tenders_are_on_the_minor_unit():
    """A tender or grand total that nobody can pay is named."""
    yen = example_sale(
        currency="JPY",
        lines=(),
        taxes=(),
        tenders=(Tender(tender_type="cash", amount=money("10.50")),),
        totals=Totals(grand=money("10.50")),
    )
    assert rules_of(yen) == ["CURRENCY_ROUNDING", "CURRENCY_ROUNDING"]
    assert rules_of(replace(yen, currency="EUR")) == []


def test_an_unknown_currency_is_named():
    """A currency that ISO 4217 does not list is a finding, not a crash."""
    assert rules_of(example_sale(currency="XQQ")) == ["CURRENCY_UNKNOWN"]


def test_a_void_is_tested_where_it_lists_its_parts():
    """A post-void without lines is compared with its tenders, and with lines when it has them."""
    void = example_void()
    assert findings(replace(void, tenders=())) == ()
    assert rules_of(replace(void, tenders=void.tenders[:1])) == ["TRAN_OUT_OF_BALANCE"]
    assert "TRAN_OUT_OF_BALANCE" in rules_of(replace(void, lines=example_return().lines))


def test_over_and_short_follow_from_the_count():
    """Over/short is counted minus expected, and expected follows from the movements."""
    settled = example_settlement_of_till()
    (count,) = settled.tenders
    wrong = replace(count, over_short=money("0.30"))
    (finding,) = findings(replace(settled, tenders=(wrong,)))
    assert (finding.rule, finding.path) == ("OVER_SHORT", "tenders[0].over_short")
    assert (finding.expected, finding.found) == ("-0.30", "0.30")
    wrong = replace(count, paid_in=money("1"))
    assert rules_of(replace(settled, tenders=(wrong,))) == ["OVER_SHORT"]
    bare = TenderCount(
        tender_type="cash",
        expected=money("100"),
        counted=money("99.70"),
        over_short=money("-0.30"),
    )
    assert findings(replace(settled, tenders=(bare,))) == ()


def test_a_payout_adds_up():
    """Each entry is gross minus fee, and the entries make the payout."""
    payout = example_payout()
    (entry,) = payout.entries
    (finding,) = findings(replace(payout, entries=(replace(entry, gross=money("11")),)))
    assert (finding.rule, finding.path) == ("PAYOUT_DIFF", "entries[0].net")
    extra = SettlementEntry(entry_type="fee", gross=money("0"), fee=money("1"), net=money("-1"))
    (finding,) = findings(replace(payout, entries=(entry, extra)))
    assert (finding.path, finding.difference) == ("net", Decimal("1.00"))


def test_findings_of_one_message_are_bounded():
    """A receipt wrong in thousands of lines gives a readable number of findings."""
    sale = example_sale()
    bad = replace(sale.lines[1], quantity=quantity("-1"))
    assert len(findings(replace(sale, lines=(bad,) * 5_000))) == 100


def test_sums_beyond_the_limit_of_one_amount_are_found_too():
    """A sum of huge amounts may be longer than an amount; it is reported, not refused."""
    sale = example_sale()
    huge = replace(sale.lines[1], gross_amount=money("9" * 13), net_amount=money("9" * 13))
    (finding, *_) = findings(replace(sale, lines=(huge,) * 20))
    assert finding.expected == "199999999999980.00"


def test_every_rule_has_its_code():
    """Each audit rule has a code of its own, and the record of that code names the rule."""
    assert len({rule.code for rule in RULES.values()}) == len(RULES)
    for rule in RULES.values():
        assert rule.id in all_codes()[rule.code].title


def test_totals_without_lines_agree_with_one_another():
    """Net, added tax, tip and rounding make the grand total; with lines the lines say so."""
    sale = example_sale(lines=(), taxes=())
    assert rules_of(sale) == []
    wrong = replace(sale, totals=replace(sale.totals, net=money("17.00")))
    (finding,) = findings(wrong)
    assert (finding.rule, finding.path) == ("HEADER_NET_PLUS_TAX", "totals.grand")
    assert (finding.expected, finding.found) == ("17.00", "17.48")
    added = replace(sale.totals, net=money("15.16"), tax=money("2.32"))
    assert rules_of(replace(sale, tax_included=False, totals=added)) == []


def test_what_was_handed_over_less_the_change_was_paid():
    """A warning, and only where the tenders themselves add up; foreign money is not judged."""
    sale = example_sale()
    cash = replace(sale.tenders[1], change_amount=money("2.50"))
    (finding,) = findings(replace(sale, tenders=(sale.tenders[0], cash)))
    assert (finding.rule, finding.path, finding.severity) == (
        "UNDER_OVER_PAYMENT",
        "tenders[1].amount",
        "warn",
    )
    assert (finding.expected, finding.found) == ("7.50", "7.48")
    foreign = replace(cash, foreign=ForeignAmount(currency="USD", amount=money("11.00")))
    assert rules_of(replace(sale, tenders=(sale.tenders[0], foreign))) == []

"""The lines of a posting: figures by hand, and for any books they add up to zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tillway.model.postings import PostingLine
from tillway.reconcile.day_book import Count, DayBook
from tillway.reconcile.facts import Declared, Fact, Owed, Paid, Sold, TaxSum
from tillway.reconcile.posting_lines import (
    amount_of,
    currencies,
    receipt_lines,
    reversed_lines,
    store_day_lines,
)


def money(text: str) -> Decimal:
    """Return an amount."""
    return Decimal(text)


def counted(book: DayBook, till: str, currency: str = "EUR", **over_short: str) -> None:
    """Count a till: how much over or short it is in each tender."""
    declared = Declared(over_short={kind: money(one) for kind, one in over_short.items()})
    book.counts[till] = Count(till, till, "", currency, declared, till)


def book_of(*facts: Fact) -> DayBook:
    """Return the book of these receipts."""
    book = DayBook()
    for position, fact in enumerate(facts, 1):
        book.add(fact, position)
    return book


def shown(lines: tuple[PostingLine, ...]) -> dict[str, Decimal]:
    """Return what stands on each line, by its kind and what sets it apart."""
    found: dict[str, Decimal] = {}
    for one in lines:
        parts = (one.posting_line_type, one.tender_type, one.tax_rate, one.merchandise_hierarchy)
        name = " ".join(str(part) for part in parts if part is not None)
        assert name not in found, f"{name} stands there twice"
        found[name] = one.amount
    return found


def receipt(number: int, **more: Any) -> Fact:
    """Return a receipt; what it says of money is in more."""
    told: dict[str, Any] = {"currency": "EUR", "workstation": "1", "number": number, "till": "1"}
    return Fact("receipt", f"0001:1:2026-11-20:{number}", "till", **(told | more))


def day() -> DayBook:
    """Return the day of the page for finance people: 1,385.48, and the till one short."""
    goods = receipt(
        1,
        grand=money("1385.48"),
        net=money("1200.00"),
        tax=money("80.00"),
        tip=money("12.00"),
        rounding=money("-0.02"),
        taxes=(TaxSum("8", money("1000"), money("80.00"), included=False),),
        sales=(Sold("FOOD", "8", money("1000.00")), Sold("", "", money("200.00"))),
        owed=(
            Owed("gift_card", money("50.00")),
            Owed("deposit", money("3.50")),
            Owed("account_payment", money("40.00")),
        ),
        tenders=(
            Paid("cash", money("585.48")),
            Paid("credit", money("700.00")),
            Paid("debit", money("70.00")),
            Paid("gift_card", money("30.00")),
        ),
    )
    book = book_of(goods)
    counted(book, "1", cash="-1.00")
    return book


def test_the_day_of_the_page_for_finance_people() -> None:
    """Tenders as counted, over and short, sales by group, tax, and what is owed to somebody."""
    lines = store_day_lines(day(), "EUR", by_group=True)
    assert shown(lines) == {
        "tender cash": money("584.48"),
        "over_short cash": money("1.00"),
        "tender credit": money("700.00"),
        "tender debit": money("70.00"),
        "tender gift_card": money("30.00"),
        "sales 8 FOOD": money("-1000.00"),
        "sales": money("-200.00"),
        "tax 8": money("-80.00"),
        "tip": money("-12.00"),
        "gift_card": money("-50.00"),
        "deposit": money("-3.50"),
        "account_payment": money("-40.00"),
        "rounding": money("0.02"),
    }
    assert amount_of(lines) == money("1385.48")


def test_over_and_short_of_several_tills_are_added_up() -> None:
    """One till 1.00 short, the other 0.40 over: 0.60 short, and the amount is that of receipts."""
    book = day()
    counted(book, "2", cash="0.40", debit="-2.00")
    found = shown(store_day_lines(book, "EUR", by_group=True))
    assert found["over_short cash"] == money("0.60")
    assert found["tender cash"] == money("584.88")
    assert (found["over_short debit"], found["tender debit"]) == (money("2.00"), money("68.00"))
    assert amount_of(store_day_lines(book, "EUR", by_group=True)) == money("1385.48")


def test_each_currency_has_lines_of_its_own() -> None:
    """A sale in francs and a till that is short in dollars: three currencies, none mixed."""
    francs = receipt(
        2,
        currency="CHF",
        grand=money("10.05"),
        sales=(Sold("", "", money("10.07")),),
        rounding=money("-0.02"),
        tenders=(Paid("cash", money("10.05")),),
    )
    book = day()
    book.add(francs, 2)
    counted(book, "3", "USD", cash="-5.00")
    assert currencies(book) == ["CHF", "EUR", "USD"]
    assert shown(store_day_lines(book, "CHF", by_group=False)) == {
        "tender cash": money("10.05"),
        "sales": money("-10.07"),
        "rounding": money("0.02"),
    }
    assert shown(store_day_lines(book, "USD", by_group=False)) == {
        "tender cash": money("-5.00"),
        "over_short cash": money("5.00"),
    }


def test_receipts_booked_by_themselves_are_not_in_the_day() -> None:
    """A hybrid: day and single receipt together are the whole."""
    book = day()
    single = receipt(
        2,
        grand=money("119.00"),
        taxes=(TaxSum("19", money("119"), money("19.00"), included=True),),
        sales=(Sold("FOOD", "19", money("100.00")),),
        tenders=(Paid("house_account", money("119.00")),),
        single=True,
    )
    before = store_day_lines(book, "EUR", by_group=True)
    book.add(single, 2)
    assert store_day_lines(book, "EUR", by_group=True) == before
    assert shown(receipt_lines(single, by_group=True)) == {
        "tender house_account": money("119.00"),
        "sales 19 FOOD": money("-100.00"),
        "tax 19": money("-19.00"),
    }


def test_a_receipt_that_does_not_balance_says_so_on_a_line() -> None:
    """Somebody let it through: what it lacks is told, and the amount is what was paid."""
    wrong = receipt(
        1,
        grand=money("10.00"),
        sales=(Sold("", "", money("10.00")),),
        tenders=(Paid("cash", money("9.00")),),
    )
    lines = receipt_lines(wrong, by_group=False)
    assert shown(lines)["other"] == money("1.00")
    assert amount_of(lines) == money("9.00")


def test_parts_of_a_cent_go_to_the_largest_sale() -> None:
    """Tax to three places: each line is rounded, and the largest sale takes the rest."""
    fine = receipt(
        1,
        grand=money("100.01"),
        taxes=(
            TaxSum("7", money("0"), money("0.335"), included=True),
            TaxSum("19", money("0"), money("0.335"), included=True),
        ),
        sales=(Sold("A", "7", money("90.00")), Sold("B", "19", money("9.34"))),
        tenders=(Paid("cash", money("100.01")),),
    )
    found = shown(receipt_lines(fine, by_group=True))
    assert (found["tax 7"], found["tax 19"]) == (money("-0.34"), money("-0.34"))
    assert found["sales 7 A"] == money("-89.99")
    assert sum(found.values()) == 0


def test_a_reversal_takes_back_every_line() -> None:
    """The same lines on the other side: together nothing is left."""
    lines = store_day_lines(day(), "EUR", by_group=True)
    left = [one.amount + two.amount for one, two in zip(lines, reversed_lines(lines), strict=True)]
    assert not any(left)


AMOUNTS = st.decimals("-9999", "9999", places=3)
KINDS = st.sampled_from(["cash", "credit", "voucher"])
RATES = st.sampled_from(["", "7", "19"])
FACTS = st.builds(
    receipt,
    number=st.integers(1, 99),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    grand=AMOUNTS,
    tip=AMOUNTS,
    rounding=AMOUNTS,
    taxes=st.lists(st.builds(TaxSum, RATES, AMOUNTS, AMOUNTS, st.booleans()), max_size=3).map(
        tuple
    ),
    tenders=st.lists(st.builds(Paid, KINDS, AMOUNTS), max_size=3).map(tuple),
    sales=st.lists(st.builds(Sold, KINDS, RATES, AMOUNTS), max_size=3).map(tuple),
    owed=st.lists(
        st.builds(Owed, st.sampled_from(["deposit", "gift_card"]), AMOUNTS), max_size=2
    ).map(tuple),
    single=st.booleans(),
)


@given(
    facts=st.lists(FACTS, max_size=6),
    over=st.dictionaries(st.sampled_from(["1", "2"]), AMOUNTS),
    by_group=st.booleans(),
)
def test_every_posting_adds_up_to_zero(
    facts: list[Fact], over: dict[str, Decimal], by_group: bool
) -> None:
    """Whatever the books say, lines are whole minor units and sum to zero; so do reversals."""
    book = book_of(*facts)
    for till, amount in over.items():
        counted(book, till, cash=str(amount))
    postings = [store_day_lines(book, one, by_group=by_group) for one in currencies(book)]
    postings += [receipt_lines(fact, by_group=by_group) for fact in facts]
    for lines in postings:
        assert sum(one.amount for one in lines) == 0
        assert sum(one.amount for one in reversed_lines(lines)) == 0
        assert all(one.amount for one in lines)


def test_control_a_line_that_is_left_out_is_seen() -> None:
    """Positive control: without one of its lines a posting does not add up to zero."""
    assert sum(one.amount for one in store_day_lines(day(), "EUR", by_group=True)[1:]) != 0


def test_a_currency_nobody_knows_has_no_unit_to_round_to() -> None:
    """Its lines are as they were told and add up to zero; a known one is rounded."""
    told = {
        "sales": (Sold("", "", money("9.995")),),
        "tenders": (Paid("cash", money("9.995")),),
    }
    lines = receipt_lines(receipt(1, currency="ZZZ", **told), by_group=False)
    assert shown(lines) == {"tender cash": money("9.995"), "sales": money("-9.995")}
    lines = receipt_lines(receipt(1, **told), by_group=False)
    assert shown(lines) == {"tender cash": money("10.00"), "sales": money("-10.00")}

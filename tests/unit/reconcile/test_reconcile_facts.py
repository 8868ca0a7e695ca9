"""What a message says about its day: figures by hand, marks, and the book they make."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from tillway.model import money
from tillway.model.lines import PriceModifier
from tillway.reconcile.day_book import decode_book, encode_book
from tillway.reconcile.facts import Fact, Owed, Paid, TaxSum, fact_of, reversed_fact
from tillway.testing.examples import (
    example_cash,
    example_control,
    example_day_closed,
    example_payout,
    example_return,
    example_sale,
    example_settlement_of_till,
    example_void,
)
from unit.reconcile.days import book_of, liabilities, moved, sale


def fact(message: object) -> Fact:
    """Return the fact of a message; it must have one."""
    found = fact_of(message, "key", "quayside", 7)
    assert found is not None
    return found


def test_a_sale_is_cut_down_to_its_figures() -> None:
    """Totals, taxes by rate, tenders and sales before tax, all as on the receipt."""
    found = fact(example_sale())
    assert (str(found.gross), str(found.discount), str(found.net)) == ("17.98", "0.50", "17.48")
    assert (str(found.tax), str(found.grand)) == ("2.32", "17.48")
    assert [(one.rate, str(one.tax)) for one in found.taxes] == [("20", "2.08"), ("5", "0.24")]
    assert [one.tender_type for one in found.tenders] == ["debit", "cash"]
    assert sum(one.amount for one in found.sales) + found.tax == found.grand
    assert found.happened_at == int(example_sale().end_at.timestamp())  # type: ignore[union-attr]
    assert found.marks == ()


def test_a_return_is_negative() -> None:
    """It lowers every sum and is told as returns too."""
    found = fact(example_return())
    assert (str(found.net), str(found.returns)) == ("-5.00", "-5.00")
    assert "return_without_receipt" in found.marks
    assert "return_without_reason" not in found.marks


def test_what_asks_for_a_reason_is_marked() -> None:
    """Returns and voids without a reason, and a price changed by hand without one."""
    returned = example_return()
    bare = replace(returned.lines[0], reason_code=None)
    assert "return_without_reason" in fact(replace(returned, lines=(bare,))).marks
    assert "void_without_reason" in fact(example_void(reason_code=None)).marks
    assert fact(example_void()).marks == ()
    sold = example_sale()
    cheaper = PriceModifier(amount=money("0.50"), method_code="price_override")
    line = replace(sold.lines[0], price_modifiers=(cheaper,), reason_code=None)
    found = fact(replace(sold, lines=(line, sold.lines[1])))
    assert (found.overrides, found.marks) == (1, ("override_without_reason",))


def test_an_exemption_without_a_reason_is_summed() -> None:
    """Goods at a rate above zero with no tax on them; a reason makes it right."""
    sold = example_sale()
    tax = replace(sold.lines[0].tax[0], tax_amount=money("0"))
    free = replace(sold.lines[0], tax=(tax,))
    assert fact(replace(sold, lines=(free, sold.lines[1]))).untaxed == free.net_amount
    reason = replace(free, tax=(replace(tax, exempt_reason="embassy"),))
    assert fact(replace(sold, lines=(reason, sold.lines[1]))).untaxed == 0


def test_training_has_a_number_and_no_money() -> None:
    """Nothing of it is added up."""
    found = fact(example_sale(training=True))
    assert (found.number, found.grand, found.tenders) == (1043, Decimal(0), ())


def test_the_other_messages_of_a_day() -> None:
    """Control records, movements, counts and closes carry what rules compare."""
    assert fact(example_control()).subtype == "no_sale"
    pickup = fact(example_cash())
    assert (pickup.subtype, str(pickup.amount), pickup.reference) == ("pickup", "-200.00", "E-55")
    count = fact(example_settlement_of_till()).declared
    assert count is not None
    assert (str(count.over_short["cash"]), str(count.in_drawer["cash"])) == ("-0.30", "44.70")
    assert (str(count.opening["cash"]), str(count.expected["cash"])) == ("250.00", "45.00")
    close = fact(example_day_closed()).declared
    assert close is not None
    assert close.registers == {"03": (1043, 1047, 5)}
    assert fact_of(example_payout(), "key", "paywell", 7) is None


def test_a_void_without_lines_takes_back_what_its_receipt_had() -> None:
    """Together they leave nothing of taxes, tenders and sales."""
    original = fact(example_sale())
    book = book_of([original, reversed_fact(original, fact(example_void()))])
    sums = book.sums["EUR"]
    assert (sums.grand, sums.tax, sums.net) == (0, 0, 0)
    assert all(not total.amount for total in sums.tenders.values())
    assert all(not tax.tax for tax in sums.taxes.values())


def test_liabilities_are_no_sales() -> None:
    """10.00 of 61.00 is a sale: the rest is a gift card, a deposit, an account and a tip."""
    sums = book_of([liabilities(1), liabilities(2)]).sums["EUR"]
    assert {kind: str(amount) for kind, amount in sums.owed.items()} == {
        "gift_card": "50.00",
        "deposit": "8.00",
        "account_payment": "40.00",
    }
    assert (str(sums.sales["food"]["0"]), str(sums.tip), str(sums.grand)) == (
        "20.00",
        "4.00",
        "122.00",
    )


def test_liabilities_are_read_from_lines() -> None:
    """A gift card sold is owed, and no sale before tax."""
    sold = example_sale()
    card = replace(sold.lines[1], line_type="gift_card_sale", tax=())
    found = fact(replace(sold, lines=(sold.lines[0], card)))
    assert found.owed == (Owed("gift_card", card.net_amount),)


def test_several_currencies_stay_apart() -> None:
    """Each has sums of its own, rounding too; nothing is added across."""
    dollars = sale(2, "20.00", currency="USD", rounding=Decimal("-0.02"))
    book = book_of([sale(1), dollars, moved(3, "paid_in", "7.00", currency="USD")])
    assert {name: str(one.grand) for name, one in book.sums.items()} == {
        "EUR": "11.90",
        "USD": "20.00",
    }
    assert str(book.sums["USD"].rounding) == "-0.02"
    assert book.moved["03"] == {"USD": {"cash": Decimal("7.00")}}


def test_a_day_closed_twice_stands_by_the_later_close() -> None:
    """Whichever arrives first, the record that was made later counts."""
    early = fact(example_day_closed())
    late = msgspec_later(early)
    for order in ((early, late), (late, early)):
        assert book_of(order).closed_by == (late.happened_at, late.natural_key)


def msgspec_later(close: Fact) -> Fact:
    """Return the same close, made an hour later under another key."""
    return replace(close, natural_key="later", happened_at=close.happened_at + 3600)


def test_a_book_is_kept_as_it_is() -> None:
    """Written and read again it says the same."""
    book = book_of([sale(1), sale(4, till="07"), liabilities(2), moved(3, "pickup", "-1.00")])
    again = decode_book(encode_book(book))
    assert encode_book(again) == encode_book(book)
    assert again.sums["EUR"].tenders == book.sums["EUR"].tenders
    assert isinstance(again.sums["EUR"].grand, Decimal)
    assert Paid("cash", Decimal(1)) == Paid("cash", Decimal(1), "")
    assert TaxSum("7", Decimal(1), Decimal(1), included=True).count == 1

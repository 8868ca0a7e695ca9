"""What must hold for any number, any receipt and any register, not only for the examples."""

import contextlib
import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tillway.model import findings, from_minor, message_type, money, quantity, to_minor
from tillway.model.currencies import MINOR_DIGITS
from tillway.model.gs1 import check_digit, has_valid_check_digit, item_id_type
from tillway.model.retail import Line, Tender, Totals
from tillway.model.sequence import ResetPolicy, missing_numbers, next_number
from tillway.testing.examples import example_sale

CURRENCIES = st.sampled_from(sorted(MINOR_DIGITS))
NUMBERS = st.decimals(
    min_value=-(10**13) + 1, max_value=10**13 - 1, allow_nan=False, allow_infinity=False, places=5
)
CENTS = st.integers(min_value=-(10**9), max_value=10**9)
KIND = message_type("retail_transaction.completed")


@given(NUMBERS)
def test_every_spelling_of_a_number_has_one_form(number):
    """Text, padded text and Decimal of one value give one text, of the same value."""
    plain = format(number, "f")
    forms = {str(money(form)) for form in (plain, plain + "00", number, number.normalize())}
    assert len(forms) == 1
    assert Decimal(forms.pop()) == number
    assert quantity(plain) == number
    assert "E" not in str(quantity(number.normalize()))


@given(NUMBERS)
def test_the_normal_form_is_a_fixed_point(number):
    """Reading a number in normal form changes nothing."""
    assert str(money(str(money(number)))) == str(money(number))
    assert str(quantity(str(quantity(number)))) == str(quantity(number))


@given(st.text(max_size=30))
def test_text_is_a_number_or_a_value_error(text):
    """Whatever the text, reading it gives a finite Decimal or a ValueError."""
    with contextlib.suppress(ValueError):
        assert money(text).is_finite()


@given(CENTS, CURRENCIES)
def test_minor_units_round_trip(minor, currency):
    """Minor units to an amount and back are the same."""
    assert to_minor(from_minor(minor, currency), currency) == minor


@given(st.text(alphabet="0123456789", min_size=1, max_size=17))
def test_one_wrong_digit_breaks_the_check(digits):
    """A changed last data digit makes the check digit wrong, and item ids are always told."""
    number = f"{digits}{check_digit(digits)}"
    assert has_valid_check_digit(number)
    changed = f"{digits[:-1]}{(int(digits[-1]) + 1) % 10}{number[-1]}"
    assert not has_valid_check_digit(changed)
    kind, item_id, gtin = item_id_type(number, appended_check_digit=True)
    assert item_id
    assert (kind == "gtin") == (gtin is not None)


@st.composite
def receipts(draw):
    """Build a balanced receipt of whole cents with tax included and some voided lines."""
    lines = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        gross = draw(st.integers(1, 100_000))
        discount = draw(st.integers(0, gross))
        sign = draw(st.sampled_from([1, -1]))
        lines.append(
            Line(
                line_number=number,
                line_type="sale" if sign > 0 else "return",
                quantity=quantity(sign * draw(st.integers(1, 9))),
                gross_amount=from_minor(sign * gross, "EUR"),
                discount_amount=from_minor(sign * discount, "EUR"),
                net_amount=from_minor(sign * (gross - discount), "EUR"),
                voided=draw(st.booleans()),
            )
        )
    grand = sum((line.net_amount for line in lines if not line.voided), money(0))
    cash = draw(CENTS)
    tenders = (
        Tender(tender_type="cash", amount=from_minor(cash, "EUR")),
        Tender(tender_type="credit", amount=money(grand - from_minor(cash, "EUR"))),
    )
    totals = Totals(net=money(grand), grand=money(grand))
    return example_sale(lines=tuple(lines), tenders=tenders, taxes=(), totals=totals)


@settings(max_examples=60)
@given(receipts())
def test_balanced_receipts_are_clean_and_keep_their_bytes(receipt):
    """A balanced receipt has no findings, and its bytes survive any way back into a message."""
    assert findings(receipt) == ()
    data = KIND.encode(receipt)
    assert KIND.encode(KIND.decode(data)) == data
    assert KIND.encode(KIND.convert(json.loads(data))) == data


@settings(max_examples=60)
@given(receipts(), st.data(), CENTS.filter(bool))
def test_any_changed_amount_is_found(receipt, data, cents):
    """One tender off by any number of cents is out of balance by exactly that number."""
    index = data.draw(st.integers(0, 1))
    tenders = list(receipt.tenders)
    moved = money(tenders[index].amount + from_minor(cents, "EUR"))
    tenders[index] = replace(tenders[index], amount=moved)
    (finding,) = findings(replace(receipt, tenders=tuple(tenders)))
    assert finding.rule == "TRAN_OUT_OF_BALANCE"
    assert finding.difference == from_minor(cents, "EUR")


@given(
    st.integers(1, 60),
    st.integers(0, 120),
    st.integers(20, 60),
    st.sets(st.integers(0, 119)),
    st.booleans(),
)
def test_missing_numbers_are_those_the_register_gave_and_nobody_saw(
    start, length, wrap_at, lost, wraps
):
    """Walking the register number by number gives the same missing numbers as the arithmetic."""
    policy = ResetPolicy("wrap", wrap_at) if wraps else ResetPolicy()
    number = min(start, wrap_at) if wraps else start
    walked = [number]
    for _ in range(min(length, wrap_at - 1) if wraps else length):
        walked.append(next_number(walked[-1], policy))
    missing = [number for place, number in enumerate(walked) if place in lost]
    seen = [number for number in walked if number not in missing]
    assert list(missing_numbers(walked[0], walked[-1], seen, policy)) == missing

"""Exact numbers: what is taken, what is refused, and the form they leave in."""

from decimal import Decimal

import pytest

from tillway.model import (
    decimal,
    from_minor,
    minor_digits,
    money,
    percent,
    quantity,
    round_money,
    to_minor,
)
from tillway.model.currencies import MINOR_DIGITS


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("12.5", "12.50"),
        ("12.50", "12.50"),
        ("0.125", "0.125"),
        ("5", "5.00"),
        (5, "5.00"),
        ("-0.00", "0.00"),
        ("007.10", "7.10"),
        ("1.1000000", "1.10"),
        (Decimal("1E+1"), "10.00"),
        (Decimal("0E-8"), "0.00"),
        ("-9999999999999.99999", "-9999999999999.99999"),
    ],
)
def test_money_has_two_decimals_and_no_zeros_beyond(given, text):
    """Money prints with at least two decimals, without trailing zeros beyond, never as -0."""
    assert str(money(given)) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [("1.000", "1"), ("0.650", "0.65"), ("23.00", "23"), ("-0", "0"), (3, "3"), ("100", "100")],
)
@pytest.mark.parametrize("reader", [quantity, percent, decimal])
def test_other_numbers_have_no_trailing_zeros(reader, given, text):
    """Quantities, percentages and other numbers print without trailing zeros or exponents."""
    assert str(reader(given)) == text


@pytest.mark.parametrize(
    "bad",
    [
        12.5,
        float("nan"),
        True,
        None,
        "",
        " 1",
        "1 ",
        "+1",
        "1e3",
        "1E-2",
        "NaN",
        "Infinity",
        "1_000",
        "1,50",
        ".5",
        "5.",
        "٣",
        "12345678901234",
        "0.123456",
        "9" * 100,
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1E+14"),
        b"1",
    ],
)
@pytest.mark.parametrize("reader", [money, quantity])
def test_what_is_not_exact_is_refused_with_a_sentence(reader, bad):
    """Floats, truth values, exponents, foreign digits and over-long numbers are refused."""
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        reader(bad)


def test_a_float_is_told_to_come_as_text():
    """The refusal of a float says what to do instead."""
    with pytest.raises(ValueError, match="send it as text"):
        money(0.1)


def test_a_refused_number_does_not_show_a_card_number():
    """A card number in an amount field is masked in the sentence."""
    with pytest.raises(ValueError, match=r"\*\*\*\*1111") as refused:
        money("x4111111111111111")
    assert "411111" not in str(refused.value)


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("USD", 2)])
def test_minor_digits_are_those_of_iso_4217(currency, digits):
    """Each currency has its own number of minor digits."""
    assert minor_digits(currency) == digits


def test_the_list_holds_each_currency_once():
    """The list of currencies has only three-letter codes with 0, 2 or 3 digits."""
    assert all(len(code) == 3 and code.isupper() for code in MINOR_DIGITS)
    assert set(MINOR_DIGITS.values()) == {0, 2, 3}
    assert len(MINOR_DIGITS) > 150


@pytest.mark.parametrize("currency", ["", "eur", "XYZ", "EURO"])
def test_an_unknown_currency_is_refused(currency):
    """A currency outside ISO 4217 has no minor unit."""
    with pytest.raises(ValueError, match="ISO 4217"):
        minor_digits(currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12.50", "EUR", 1250), ("12", "JPY", 12), ("0.125", "KWD", 125), ("-0.01", "USD", -1)],
)
def test_minor_units_go_both_ways(amount, currency, minor):
    """Amount to minor units and back is the same amount."""
    assert to_minor(amount, currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


def test_minor_units_are_never_rounded():
    """An amount finer than the minor unit has no minor units."""
    with pytest.raises(ValueError, match="finer"):
        to_minor("0.125", "EUR")
    with pytest.raises(ValueError, match="finer"):
        to_minor("0.5", "JPY")


@pytest.mark.parametrize("bad", [True, 1.0, "1250"])
def test_minor_units_are_whole_numbers(bad):
    """Only an int is a number of minor units."""
    with pytest.raises(ValueError, match="whole number"):
        from_minor(bad, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "EUR", "0.13"),
        ("-0.125", "EUR", "-0.13"),
        ("0.5", "JPY", "1.00"),
        ("1.2344", "KWD", "1.234"),
        ("-0.001", "EUR", "0.00"),
    ],
)
def test_rounding_is_half_away_from_zero(amount, currency, rounded):
    """Money is rounded to the minor unit of its currency, halves away from zero."""
    assert str(round_money(amount, currency)) == rounded

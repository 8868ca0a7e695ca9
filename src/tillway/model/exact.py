"""Exact numbers: the only door by which text becomes an amount, a quantity or a percentage.

Every number leaves here in one normal form, so that equal amounts are equal text wherever a message
is hashed or compared: money has at least two decimals ("12.50", "0.125"), the others have no
trailing zeros ("1", "0.65").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from tillway.errors import shown
from tillway.model.currencies import MINOR_DIGITS

MAX_INTEGER_DIGITS = 13
MAX_DECIMALS = 5
_REMEMBERED_TEXTS = 32_768
_NUMBER = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?", re.ASCII)


def money(value: object) -> Decimal:
    """Return an amount of money with at least two decimals: "12.5" gives 12.50, "0.125" stays.

    Takes text, int or Decimal. Raises ValueError, with a sentence, for a float, a truth value, NaN,
    infinity, an exponent, more than 13 digits before the point or 5 (not counting zeros) behind it.
    """
    return _money_of(value if type(value) is str else _text_of(value))


def decimal(value: object) -> Decimal:
    """Return an exact number without trailing zeros: "1.50" gives 1.5; refuses what money does."""
    return _plain_of(value if type(value) is str else _text_of(value))


def quantity(value: object) -> Decimal:
    """Return a quantity in its unit of measure, without trailing zeros; refuses what money does."""
    return decimal(value)


def percent(value: object) -> Decimal:
    """Return a percentage (23 means 23 %), without trailing zeros; refuses what money does."""
    return decimal(value)


def minor_digits(currency: str) -> int:
    """Return the number of digits of the minor unit (EUR 2, JPY 0, KWD 3), by ISO 4217.

    Raises ValueError for a currency that is not in the list.
    """
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise ValueError(f"{shown(currency)} is not a currency of ISO 4217") from None


def to_minor(amount: object, currency: str) -> int:
    """Return an amount in minor units: 12.50 EUR gives 1250, 12 JPY gives 12.

    Raises ValueError when the amount is finer than the minor unit; nothing is rounded here.
    """
    digits = minor_digits(currency)
    scaled = money(amount).scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} is finer than the minor unit of {currency} ({digits} decimals)")
    return int(scaled)


def from_minor(minor_units: int, currency: str) -> Decimal:
    """Return the amount that a number of minor units stands for: 1250 EUR gives 12.50."""
    digits = minor_digits(currency)
    if type(minor_units) is not int:
        raise ValueError(f"{shown(minor_units)} is not a whole number of minor units")
    return money(Decimal(minor_units).scaleb(-digits))


def round_money(amount: object, currency: str) -> Decimal:
    """Return the amount rounded to the minor unit of its currency, half away from zero."""
    step = Decimal(1).scaleb(-minor_digits(currency))
    return money(money(amount).quantize(step, rounding=ROUND_HALF_UP))


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def is_normal_money(text: str) -> bool:
    """Tell whether text is money in normal form; "None" is, so that absent amounts pass."""
    return _is_normal(text, _money_of)


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def is_normal_decimal(text: str) -> bool:
    """Tell whether text is an exact number in normal form; "None" is, as for money."""
    return _is_normal(text, _plain_of)


def _is_normal(text: str, normal: Callable[[str], Decimal]) -> bool:
    if text == "None":
        return True
    try:
        return str(normal(text)) == text
    except ValueError:
        return False


# Prices, rates and quantities repeat all day long, so the text itself is the key of the memory.
@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _money_of(text: str) -> Decimal:
    sign, whole, fraction = _digits_of(text)
    return Decimal(f"{sign}{whole}.{fraction.ljust(2, '0')}")


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def _plain_of(text: str) -> Decimal:
    sign, whole, fraction = _digits_of(text)
    return Decimal(f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}")


def _digits_of(text: str) -> tuple[str, str, str]:
    """Split text into sign, digits before the point and significant digits behind it."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{shown(text)} is not an exact number: write digits, with a point before the decimals"
        )
    sign, whole, fraction = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if len(whole) > MAX_INTEGER_DIGITS:
        raise ValueError(
            f"{shown(text)} has more than {MAX_INTEGER_DIGITS} digits before the point"
        )
    if len(fraction) > MAX_DECIMALS:
        raise ValueError(f"{shown(text)} has more than {MAX_DECIMALS} decimals")
    return (sign if whole or fraction else ""), whole or "0", fraction


def _text_of(value: object) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, Decimal):
        # A Decimal may print with an exponent though its value is plain: 0E-8, 5E+1.
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        raise ValueError(f"{value!r} is a float, and floats are not exact: send it as text")  # noqa: TRY004 - the callers report every bad number alike
    raise ValueError(f"{shown(value)} is not a number")

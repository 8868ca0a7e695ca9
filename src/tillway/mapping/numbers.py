"""Numbers in the mapping language: exact, never binary, and in the model's normal forms.

Arithmetic runs in a context of its own, so that no setting of the process can change a sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache, reduce
from typing import Any, TypeVar

from tillway.mapping.faults import RowFault
from tillway.mapping.limits import (
    ARITHMETIC_DIGITS,
    MAX_INTEGER_DIGITS,
    MAX_TEXT_CHARACTERS,
    REMEMBERED_TEXTS,
)
from tillway.model import exact

_CONTEXT = Context(
    prec=ARITHMETIC_DIGITS,
    Emin=-ARITHMETIC_DIGITS,
    Emax=2 * ARITHMETIC_DIGITS,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_Made = TypeVar("_Made")
_MAX_INTEGER = 10**MAX_INTEGER_DIGITS
_DIGITS = re.compile(rf"[0-9]{{1,{MAX_INTEGER_DIGITS}}}")
_ZERO = Decimal(0)
_FLOAT = "float money: send it as text"


def money(value: Any) -> Decimal | None:
    """Return an amount in the money form; text, int or Decimal in, RowFault for the rest."""
    if value is None:
        return None
    try:
        return exact.money(value if value.__class__ is str else _plain(value))
    except ValueError as problem:
        raise RowFault("decimal", str(problem)) from None


def quantity(value: Any) -> Decimal | None:
    """Return a quantity without trailing zeros."""
    if value is None:
        return None
    try:
        return exact.quantity(value if value.__class__ is str else _plain(value))
    except ValueError as problem:
        raise RowFault("decimal", str(problem)) from None


def percent(value: Any) -> Decimal | None:
    """Return a rate in percent without trailing zeros."""
    if value is None:
        return None
    try:
        return exact.percent(value if value.__class__ is str else _plain(value))
    except ValueError as problem:
        raise RowFault("decimal", str(problem)) from None


def decimal(value: Any) -> Decimal | None:
    """Return any other exact number without trailing zeros."""
    if value is None:
        return None
    try:
        return exact.decimal(value if value.__class__ is str else _plain(value))
    except ValueError as problem:
        raise RowFault("decimal", str(problem)) from None


# What is added up was mostly read a moment ago.
money_text = lru_cache(REMEMBERED_TEXTS)(money)
decimal_text = lru_cache(REMEMBERED_TEXTS)(decimal)
# What the functions make, as `exact` of the model's number fields names it.
NORMAL_FORMS = {
    "money": "money",
    "round_money": "money",
    "from_minor": "money",
    "total_of": "money",
    "quantity": "decimal",
    "percent": "decimal",
    "decimal": "decimal",
}


def integer(value: Any) -> int | None:
    """Return a whole number from an int, a text of digits or a Decimal without a fraction."""
    if value is None:
        return None
    if value.__class__ is int:
        return _bounded(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    number = decimal(value)
    if number is None or number != int(number):
        raise RowFault("integer", "a whole number")
    return int(number)


def negate(value: Any) -> int | Decimal | None:
    """Return the number with the other sign; a text is read as a number first."""
    number = _read(value)
    return None if number is None else subtract(0, number)


def absolute(value: Any) -> int | Decimal | None:
    """Return the number without its sign; a text is read as a number first."""
    number = _read(value)
    return negate(number) if number is not None and number < 0 else number


def from_minor(amount: Any, currency: Any) -> Decimal | None:
    """Return the amount of a whole number of minor units: 1250 of EUR is 12.50."""
    if amount is None or currency is None:
        return None
    units = integer(amount)
    assert units is not None
    return _in_currency(exact.from_minor, units, currency)


def to_minor(amount: Any, currency: Any) -> int | None:
    """Return the minor units of an amount; an amount between two units is a RowFault."""
    whole = money(amount)
    if whole is None or currency is None:
        return None
    return _in_currency(exact.to_minor, whole, currency)


def round_money(amount: Any, currency: Any) -> Decimal | None:
    """Return the amount rounded half up to the minor unit of the currency.

    It takes the result of a division too, with more decimals than an amount may have.
    """
    number = _read(amount)
    if number is None or currency is None:
        return None
    return _in_currency(_rounded, Decimal(number), currency)


def add(left: Any, right: Any) -> int | Decimal | str | None:
    """Return the sum of two numbers, or two texts joined."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT_CHARACTERS:
            raise RowFault("length", f"a text of at most {MAX_TEXT_CHARACTERS} characters")
        return left + right
    return _calculate(_CONTEXT.add, left, right)


def subtract(left: Any, right: Any) -> int | Decimal | None:
    """Return the difference of two numbers."""
    return _calculate(_CONTEXT.subtract, left, right)


def multiply(left: Any, right: Any) -> int | Decimal | None:
    """Return the product of two numbers."""
    return _calculate(_CONTEXT.multiply, left, right)


def divide(left: Any, right: Any) -> int | Decimal | None:
    """Return the quotient of two numbers, to 50 digits; division by zero is a RowFault."""
    if left is None or right is None:
        return None
    return _calculate(_CONTEXT.divide, Decimal(_operand(left)), right)


def total(values: Iterable[Any]) -> Decimal | None:
    """Return the exact sum, as money, of the values that are there: texts, ints or Decimals."""
    there = [
        decimal_text(value) if value.__class__ is str else decimal(value)
        for value in values
        if value is not None
    ]
    return money_text(f"{reduce(_CONTEXT.add, there, _ZERO):f}")  # type: ignore[arg-type]


def _calculate(
    operation: Callable[[Any, Any], Decimal], left: Any, right: Any
) -> int | Decimal | None:
    if left is None or right is None:
        return None
    one, other = _operand(left), _operand(right)
    try:
        result = operation(one, other)
    except ArithmeticError:
        raise RowFault("arithmetic", "a calculation with a result in range") from None
    if one.__class__ is int and other.__class__ is int:
        return _bounded(int(result))
    return result


def _operand(value: Any) -> int | Decimal:
    if value.__class__ is Decimal and value.is_finite():
        if -ARITHMETIC_DIGITS < value.adjusted() < ARITHMETIC_DIGITS:
            return value
        raise RowFault("decimal", f"a number of at most {ARITHMETIC_DIGITS} digits")
    if value.__class__ is int:
        return _bounded(value)
    if value.__class__ is float:
        raise RowFault("float_money", _FLOAT)
    raise RowFault("type", "numbers; read a text with money(x), quantity(x) or decimal(x)")


def _plain(value: Any) -> Any:
    """Return what the model may look at; its refusal of a float or a huge Decimal comes here."""
    return value if isinstance(value, str) else _operand(value)


def _read(value: Any) -> int | Decimal | None:
    if value is None:
        return None
    return decimal(value) if isinstance(value, str) else _operand(value)


def _bounded(value: int) -> int:
    if -_MAX_INTEGER < value < _MAX_INTEGER:
        return value
    raise RowFault("integer", f"a whole number of at most {MAX_INTEGER_DIGITS} digits")


def _rounded(amount: Decimal, currency: str) -> Decimal:
    step = Decimal(1).scaleb(-exact.minor_digits(currency))
    return exact.money(amount.quantize(step, rounding=ROUND_HALF_UP, context=_CONTEXT))


def _in_currency(convert: Callable[[Any, str], _Made], amount: Any, currency: Any) -> _Made:
    if not isinstance(currency, str):
        raise RowFault("currency", "a currency code such as EUR")
    try:
        return convert(amount, currency)
    except ValueError as problem:
        raise RowFault("decimal", str(problem)) from None
    except ArithmeticError:
        raise RowFault("decimal", "an amount in range") from None

"""Texts in the mapping language. A number is taken by its digits; a binary float is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tillway.mapping.faults import RowFault
from tillway.mapping.limits import MAX_INTEGER_DIGITS, MAX_PAD_WIDTH, MAX_TEXT_CHARACTERS

_TRUE = frozenset({"true", "yes", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "0"})
_MAX_INTEGER = 10**MAX_INTEGER_DIGITS


def text(value: Any) -> str | None:
    """Return a text, a whole number, an exact decimal or a yes/no as text."""
    if value is None or value.__class__ is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and -_MAX_INTEGER < value < _MAX_INTEGER:
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= 28:
        return f"{value:f}"
    if value.__class__ is float:
        raise RowFault("float_money", "a float has no exact text: send it as text")
    raise RowFault("type", "a text or an exact number")


def boolean(value: Any) -> bool | None:
    """Return True for true/yes/y/t/1 and False for false/no/n/f/0, in any case of letters."""
    if value is None or isinstance(value, bool):
        return value
    word = (text(value) or "").strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise RowFault("boolean", "true, yes, y, 1 or false, no, n, 0")


def upper(value: Any) -> str | None:
    """Return the text in capitals."""
    found = text(value)
    return None if found is None else found.upper()


def lower(value: Any) -> str | None:
    """Return the text in small letters."""
    found = text(value)
    return None if found is None else found.lower()


def strip(value: Any) -> str | None:
    """Return the text without white space at both ends."""
    found = text(value)
    return None if found is None else found.strip()


def strip_zeros(value: Any) -> str | None:
    """Return the text without leading zeros; a text of zeros only is "0"."""
    found = text(value)
    return None if found is None else found.lstrip("0") or found[-1:]


def pad(value: Any, width: Any) -> str | None:
    """Return the text filled with leading zeros up to a width of at most 255."""
    wanted = _size(width, MAX_PAD_WIDTH)
    if value is None:
        return None
    found = value if value.__class__ is str else text(value)
    return None if found is None or wanted is None else found.rjust(wanted, "0")


def left(value: Any, size: Any) -> str | None:
    """Return the first characters."""
    found, wanted = text(value), _size(size, MAX_TEXT_CHARACTERS)
    return None if found is None or wanted is None else found[:wanted]


def right(value: Any, size: Any) -> str | None:
    """Return the last characters."""
    found, wanted = text(value), _size(size, MAX_TEXT_CHARACTERS)
    return None if found is None or wanted is None else found[max(0, len(found) - wanted) :]


def last4(value: Any) -> str | None:
    """Return the last four characters, all that may be kept of a card number."""
    found = text(value)
    return None if found is None else found[-4:]


def replace(value: Any, old: Any, new: Any) -> str | None:
    """Return the text with every old part replaced by the new one."""
    found, before, after = text(value), text(old), text(new)
    if found is None or before is None or after is None:
        return None
    if not before:
        raise RowFault("type", "a text to replace that is not empty")
    _check_length(len(found) + found.count(before) * max(0, len(after) - len(before)))
    return found.replace(before, after)


def concat(separator: Any, *parts: Any) -> str | None:
    """Return the texts joined with the separator; None when one of them is missing."""
    between = text(separator)
    found = [text(part) for part in parts]
    there = [part for part in found if part is not None]
    if between is None or len(there) < len(found):
        return None
    _check_length(sum(map(len, there)) + len(between) * len(there))
    return between.join(there)


def _size(value: Any, most: int) -> int | None:
    if value is None:
        return None
    if value.__class__ is not int or not 0 <= value <= most:
        raise RowFault("integer", f"a whole number from 0 to {most}")
    return value


def _check_length(characters: int) -> None:
    if characters > MAX_TEXT_CHARACTERS:
        raise RowFault("length", f"a text of at most {MAX_TEXT_CHARACTERS} characters")

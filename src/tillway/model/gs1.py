"""GS1 identifiers: the check digit, the 14-digit form, and what kind of number an item id is.

A valid check digit does not make a number a GTIN: tills append one to short in-store codes and fill
them with zeros, so length is judged by the significant digits first.
"""

from __future__ import annotations

from tillway.errors import shown
from tillway.model.enumerations import IdType

GTIN_LENGTHS = frozenset({8, 12, 13, 14})
MAX_PLU_DIGITS = 6
_STORE_INTERNAL = ("02", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29")


def check_digit(digits: str) -> int:
    """Return the check digit that completes the digits of a GTIN, GLN or SSCC (GS1, 7.9).

    From the right-most digit the weights are 3, 1, 3, 1 and so on. ValueError for other text.
    """
    if not _is_digits(digits):
        raise ValueError(f"{shown(digits)} is not a row of digits")
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return (10 - total % 10) % 10


def has_valid_check_digit(number: str) -> bool:
    """Tell whether the last digit of a number is the check digit of those before it."""
    return len(number) > 1 and _is_digits(number) and int(number[-1]) == check_digit(number[:-1])


def gtin14(text: str) -> str:
    """Return a GTIN-8, -12, -13 or -14 in 14 digits, zero-filled on the left.

    ValueError for another length, other signs than digits, or a wrong check digit.
    """
    if len(text) not in GTIN_LENGTHS or not has_valid_check_digit(text):
        raise ValueError(f"{shown(text)} is not a GTIN: 8, 12, 13 or 14 digits with a check digit")
    return text.zfill(14)


def item_id_type(raw: str, *, appended_check_digit: bool) -> tuple[IdType, str, str | None]:
    """Return (id_type, item_id, gtin or None) of the number a till read.

    In this order: at most six significant digits is a PLU (without its last digit where the profile
    says that the till appends a check digit); a store-internal prefix is restricted; a GTIN length
    with a valid check digit is a GTIN; the rest is a SKU. Item master look-up has the last word.
    """
    if not _is_digits(raw):
        return "sku", raw, None
    significant = raw.lstrip("0")
    if len(significant) <= MAX_PLU_DIGITS:
        if appended_check_digit and len(significant) > 1 and has_valid_check_digit(raw):
            significant = significant[:-1]
        return "plu", significant or "0", None
    if len(raw) not in GTIN_LENGTHS:
        return "sku", raw, None
    filled = raw.zfill(14)
    # A GTIN-8 keeps its prefix behind six zeros, the longer ones behind the indicator digit.
    prefix = filled[6:8] if filled.startswith("000000") else filled[1:3]
    if prefix in _STORE_INTERNAL:
        return "restricted", filled, None
    if has_valid_check_digit(raw):
        return "gtin", filled, filled
    return "sku", raw, None


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()

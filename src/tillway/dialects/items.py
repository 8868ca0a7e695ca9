"""Decides what kind of number an item carries, by the GS1 rule and the habits of the product.

Surprising: a valid check digit does not make a GTIN. Products pad their short in-store numbers with
zeros and append a check digit; what has at most six significant digits is a PLU.
"""

from __future__ import annotations

from typing import Any

from tillway.dialects.profiles import Profile
from tillway.dialects.tree import Node, text, without_blanks

SHORT_NUMBER_DIGITS = 6
GTIN_LENGTHS = (8, 12, 13, 14)
GTIN_DIGITS = 14


def item_of(sale: Node, profile: Profile) -> dict[str, Any]:
    """Return {item_id, id_type, gtin?, pos_item_id} of a sale line; empty when it names no item."""
    scanned = text(sale, "POSIdentity.POSItemID") or text(sale, "ItemID")
    if scanned is None:
        return {}
    item_id, id_type = identified(scanned, profile)
    own = text(sale, "ItemID")
    gtin = scanned.zfill(GTIN_DIGITS) if id_type == "gtin" else None
    if own is not None and own != scanned:
        item_id, id_type = own, "sku"
    return without_blanks(
        {"item_id": item_id, "id_type": id_type, "gtin": gtin, "pos_item_id": scanned}
    )


def identified(number: str, profile: Profile) -> tuple[str, str]:
    """Return the item id and its type {gtin, plu, restricted, sku} for a scanned number."""
    if not (number.isascii() and number.isdigit()):
        return number, "sku"
    significant = number.lstrip("0")
    if len(significant) <= SHORT_NUMBER_DIGITS:
        short = significant[:-1] if profile.plu_check_digit else significant
        return short or number, "plu"
    if is_store_internal(number):
        return number, "restricted"
    if len(number) in GTIN_LENGTHS and has_check_digit(number):
        return number.zfill(GTIN_DIGITS), "gtin"
    return number, "sku"


def is_store_internal(number: str) -> bool:
    """Tell whether a number has a GS1 prefix for use inside a shop (02, 20 to 29)."""
    if len(number) not in (GTIN_DIGITS - 2, GTIN_DIGITS - 1, GTIN_DIGITS):
        return False
    as_ean = number.zfill(GTIN_DIGITS)
    return as_ean.startswith(("002", "02"))


def has_check_digit(number: str) -> bool:
    """Tell whether the last digit is the GS1 check digit (weights 3, 1, 3, ... from the right)."""
    total = sum(
        int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(number))
    )
    return total % 10 == 0

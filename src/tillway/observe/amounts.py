"""Money of totals and lists: per currency, never added across currencies.

The journal keeps integer minor units; people read decimals in the digits of the currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tillway.model.catalogue import MESSAGE_TYPES
from tillway.model.exact import minor_digits

Money = dict[str, Decimal]
"""Currency code -> amount; a currency that does not occur is not in it."""

USUAL_DIGITS = 2


def amount_of(minor_units: int, currency: str) -> Decimal:
    """Return minor units as an amount: 1250 EUR gives 12.50, 12 JPY gives 12.

    A currency that is not in ISO 4217 is read with two digits, so that a page about a broken
    message never breaks itself.
    """
    try:
        digits = minor_digits(currency)
    except ValueError:
        digits = USUAL_DIGITS
    return Decimal(minor_units).scaleb(-digits)


def money_of(pairs: Iterable[tuple[str, int | None]]) -> Money:
    """Add (currency, minor units) pairs per currency; no currency or no amount adds nothing."""
    sums: dict[str, int] = {}
    for currency, minor_units in pairs:
        if currency and minor_units is not None:
            sums[currency] = sums.get(currency, 0) + minor_units
    return {currency: amount_of(sums[currency], currency) for currency in sorted(sums)}


def states_money(message_type: str) -> bool:
    """Say whether messages of a type stand for money; one that could not be read may."""
    known = MESSAGE_TYPES.get(message_type)
    return known is None or bool(known.money_field)


def is_internal(message_type: str) -> bool:
    """Say whether messages of a type are the hub's own notes, which need no route."""
    known = MESSAGE_TYPES.get(message_type)
    return known is not None and known.internal


def added(first: Money, second: Money) -> Money:
    """Return two sets of amounts added per currency."""
    names = sorted({*first, *second})
    return {name: first.get(name, Decimal(0)) + second.get(name, Decimal(0)) for name in names}


def amount_text(amount: Decimal, currency: str) -> str:
    """Return one amount as people read it: `1,204.50 EUR`."""
    return f"{amount:,f} {currency}"


def money_text(money: Money) -> str:
    """Return amounts as people read them, `-` when there is none."""
    return ", ".join(amount_text(amount, name) for name, amount in sorted(money.items())) or "-"

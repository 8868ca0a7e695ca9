"""The fixed function list of the mapping language; everything a table can call is registered here.

A function of None is None, so that a missing source field leaves the row out. A function never
raises anything but RowFault, and never accepts a binary float as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tillway.mapping import dates, lists, numbers, texts
from tillway.mapping.dates import is_time_zone
from tillway.mapping.limits import REMEMBERED_CHARACTERS, REMEMBERED_TEXTS

__all__ = [
    "FUNCTIONS",
    "REMEMBERED",
    "SPECIAL_FORMS",
    "Function",
    "Remembered",
    "is_time_zone",
]


class Remembered(dict[Any, Any]):
    """What a function made of each text; a look-up costs less than a call."""

    def __init__(self, run: Callable[[Any], Any] | None) -> None:
        super().__init__()
        assert run is not None, "only a plain function can be remembered"
        self._run = run
        self[None] = None

    def __missing__(self, value: Any) -> Any:
        """Make it, and remember it if it was made of a short text."""
        made = self._run(value)
        if value.__class__ is str and len(value) <= REMEMBERED_CHARACTERS:
            if len(self) >= REMEMBERED_TEXTS:
                self.clear()
                self[None] = None
            self[value] = made
        return made


class Function(msgspec.Struct, frozen=True):
    """One function: how it is written, how many arguments it takes, what it makes.

    most is None where any number is taken. makes is `number`, `integer`, `text`, `boolean`,
    `list` or `any`; run is None for the forms that the code generator writes out itself.
    """

    usage: str
    least: int
    most: int | None
    makes: str
    run: Callable[..., Any] | None
    meaning: str


def _one(usage: str, makes: str, run: Callable[..., Any], meaning: str) -> Function:
    return Function(usage, 1, 1, makes, run, meaning)


def _two(usage: str, makes: str, run: Callable[..., Any], meaning: str) -> Function:
    return Function(usage, 2, 2, makes, run, meaning)


FUNCTIONS: Mapping[str, Function] = {
    "money": _one("money(x)", "number", numbers.money, "an amount, at least two decimals"),
    "quantity": _one("quantity(x)", "number", numbers.quantity, "a quantity, at most 5 decimals"),
    "percent": _one("percent(x)", "number", numbers.percent, "a rate in percent"),
    "decimal": _one("decimal(x)", "number", numbers.decimal, "any other exact number"),
    "integer": _one("integer(x)", "integer", numbers.integer, "a whole number"),
    "negate": _one("negate(x)", "number", numbers.negate, "the number with the other sign"),
    "absolute": _one("absolute(x)", "number", numbers.absolute, "the number without its sign"),
    "from_minor": _two(
        "from_minor(amount, currency)", "number", numbers.from_minor, "cents to an amount"
    ),
    "to_minor": _two(
        "to_minor(amount, currency)", "integer", numbers.to_minor, "an amount to cents, exactly"
    ),
    "round_money": _two(
        "round_money(amount, currency)", "number", numbers.round_money, "rounded half up to cents"
    ),
    "text": _one("text(x)", "text", texts.text, "a number or a yes/no as text"),
    "boolean": _one("boolean(x)", "boolean", texts.boolean, "true/yes/y/1 or false/no/n/0"),
    "upper": _one("upper(x)", "text", texts.upper, "in capitals"),
    "lower": _one("lower(x)", "text", texts.lower, "in small letters"),
    "strip": _one("strip(x)", "text", texts.strip, "without white space at both ends"),
    "strip_zeros": _one("strip_zeros(x)", "text", texts.strip_zeros, "without leading zeros"),
    "pad": _two("pad(x, width)", "text", texts.pad, "filled with leading zeros"),
    "left": _two("left(x, n)", "text", texts.left, "the first n characters"),
    "right": _two("right(x, n)", "text", texts.right, "the last n characters"),
    "last4": _one("last4(x)", "text", texts.last4, "the last four characters"),
    "replace": Function(
        "replace(x, old, new)", 3, 3, "text", texts.replace, "every old text by the new one"
    ),
    "concat": Function(
        "concat(separator, a, b, ...)", 2, None, "text", texts.concat, "the texts joined"
    ),
    "length": _one("length(x)", "integer", lists.length, "characters of a text, items of a list"),
    "date": _one("date(x)", "text", dates.date, "an ISO 8601 date"),
    "timestamp": Function(
        "timestamp(x[, zone])", 1, 2, "text", dates.timestamp, "an RFC 3339 time with offset"
    ),
    "total_of": _two(
        'total_of(rows, "field")', "number", lists.total_of, "the sum of a field, as money"
    ),
    "count": Function(
        'count(rows[, "field", value])', 1, 3, "integer", lists.count, "how many rows (match)"
    ),
    "first": _one("first(rows)", "any", lists.first, "the first item"),
    "last": _one("last(rows)", "any", lists.last, "the last item"),
    "list_of": Function(
        "list_of(a, ...)", 1, None, "list", lists.list_of, "a list of the values that are there"
    ),
}

SPECIAL_FORMS: Mapping[str, Function] = {
    "choose": Function(
        "choose(condition, a, b)", 3, 3, "any", None, "a where the condition holds, else b"
    ),
    "coalesce": Function("coalesce(a, b, ...)", 1, None, "any", None, "the first that has a value"),
    "code": Function('code("table", x)', 2, 2, "text", None, "the canonical code of a code table"),
}

# Prices, rates, dates and barcodes repeat all day long; each text is read once.
REMEMBERED: Mapping[str, Remembered] = {
    name: Remembered(FUNCTIONS[name].run)
    for name in ("money", "quantity", "percent", "decimal", "date", "lower", "upper")
}
"""What stands in for a function of one argument: `REMEMBERED["money"][x]` is `money(x)`.

It raises TypeError for a list or an object, which no such function takes.
"""

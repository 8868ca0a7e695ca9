"""Lists in the mapping language.

A single record counts as a list of one: XML knows no other way to say "one line".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tillway.mapping.faults import RowFault
from tillway.mapping.numbers import total


def items(value: Any) -> list[Any] | tuple[Any, ...] | None:
    """Return what an each or a group runs over; None for None, RowFault `type` for no list."""
    if value is None or value.__class__ is list:
        return value
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list | tuple):
        return value
    raise RowFault("type", "a list of records")


def total_of(rows: Any, field: Any) -> Decimal | None:
    """Return the exact sum of one field over records, as money; records without it add nothing.

    >>> str(total_of([{"tax": "0.10"}, {"tax": "0.20"}, {}], "tax"))
    '0.30'
    """
    found = items(rows)
    if found is None or field is None:
        return None
    key = field if isinstance(field, str) else None
    return total([row.get(key) if row.__class__ is dict else step(row, key) for row in found])


def count(rows: Any, *match: Any) -> int | None:
    """Return how many items there are, or how many have a field, or a field with a value."""
    found = items(rows)
    if found is None or None in match:
        return None
    if not match:
        return len(found)
    values = [step(row, match[0]) for row in found]
    if len(match) == 1:
        return sum(there is not None for there in values)
    return values.count(match[1])


def first(rows: Any) -> Any:
    """Return the first item, None of an empty list."""
    found = items(rows)
    return found[0] if found else None


def last(rows: Any) -> Any:
    """Return the last item, None of an empty list."""
    found = items(rows)
    return found[-1] if found else None


def list_of(*values: Any) -> list[Any] | None:
    """Return a list of the values that are there; None when none is."""
    return [value for value in values if value is not None] or None


def length(value: Any) -> int | None:
    """Return the characters of a text or the items of a list."""
    if isinstance(value, str):
        return len(value)
    found = items(value)
    return None if found is None else len(found)


def step(value: Any, key: Any) -> Any:
    """Return the value one step down a path; None where there is none."""
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    if isinstance(value, list | tuple) and key.__class__ is int:
        return value[key] if 0 <= key < len(value) else None
    return None

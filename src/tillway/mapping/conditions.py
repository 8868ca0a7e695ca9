"""What a comparison does with values of any type, and what counts as a condition.

Only a yes/no or a missing value is a condition: the text "false" is refused, not taken for true.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from tillway.mapping.faults import RowFault


def holds(value: Any) -> bool:
    """Return a condition's value; a missing one does not hold."""
    if value is True:
        return True
    if value is False or value is None:
        return False
    raise RowFault("condition", "a condition: compare it, or read it with boolean(x)")


def equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal; a value that cannot be compared equals nothing."""
    try:
        return bool(left == right)
    except ArithmeticError:
        return False


def among(value: Any, choices: Any) -> bool:
    """Tell whether a value is in a list; a missing list holds nothing."""
    if choices is None:
        return False
    if not isinstance(choices, list | tuple):
        raise RowFault("type", "a list after in")
    return any(equal(value, choice) for choice in choices)


def less(left: Any, right: Any) -> bool:
    """Tell whether left < right; nothing is less than a missing value."""
    return _ordered(operator.lt, left, right)


def less_or_equal(left: Any, right: Any) -> bool:
    """Tell whether left <= right; false when one of them is missing."""
    return _ordered(operator.le, left, right)


def greater(left: Any, right: Any) -> bool:
    """Tell whether left > right; false when one of them is missing."""
    return _ordered(operator.gt, left, right)


def greater_or_equal(left: Any, right: Any) -> bool:
    """Tell whether left >= right; false when one of them is missing."""
    return _ordered(operator.ge, left, right)


def _ordered(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    if left.__class__ is float or right.__class__ is float:
        raise RowFault("float_money", "float money: send it as text")
    try:
        return bool(compare(left, right))
    except (TypeError, ArithmeticError):
        raise RowFault("type", "two numbers or two texts to compare") from None

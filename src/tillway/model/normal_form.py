"""Brings the numbers of a new message into normal form; a float is refused on the way.

msgspec would turn a float, or text with an exponent, into a Decimal without a word; by then 12.10
may have become 12.100000000000001 and nobody can tell what the till meant. Extensions are never
interpreted, so anything may stand there.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import inspect

from tillway.model.exact import decimal, is_normal_decimal, is_normal_money, money
from tillway.model.part import Part


def is_in_normal_form(message: Part) -> bool:
    """Tell whether every number of a message is in the normal form of `exact.py`."""
    amounts: list[Any] = []
    others: list[Any] = []
    _gather(message, _plan_of(type(message)), amounts, others)
    return all(map(is_normal_money, map(str, amounts))) and all(
        map(is_normal_decimal, map(str, others))
    )


def with_exact_numbers(value: Any, struct: type[msgspec.Struct], at: str = "") -> Any:
    """Return a canonical dict with each number of the model read by `exact.py`, as a copy.

    Raises ValueError with a sentence and the path of the first that is no exact number. What else
    may be wrong with the dict is left as it is, for msgspec to name.
    """
    if not isinstance(value, dict):
        return value
    plan = _plan_of(struct)
    copy = dict(value)
    for names, normal in ((plan.money, money), (plan.decimals, decimal)):
        for name in names:
            if copy.get(name) is not None:
                copy[name] = _named(normal, copy[name], f"{at}{name}")
    for name, below in plan.parts:
        inside = copy.get(name)
        if isinstance(inside, list | tuple):
            copy[name] = [
                with_exact_numbers(member, below.struct, f"{at}{name}[{index}].")
                for index, member in enumerate(inside)
            ]
        elif inside is not None:
            copy[name] = with_exact_numbers(inside, below.struct, f"{at}{name}.")
    return copy


def exact_kinds(info: inspect.Type) -> frozenset[str]:
    """Return which exact numbers a value of this type is or holds: `money`, `decimal`, both.

    What no struct describes (extensions) holds none: it is never interpreted.
    """
    kind, below = _content(info)
    if below is None:
        return frozenset((kind,)) if kind else frozenset()
    return _kinds_within(_plan_of(below))


def _kinds_within(plan: _Plan) -> frozenset[str]:
    own = {name for name, fields in (("money", plan.money), ("decimal", plan.decimals)) if fields}
    return frozenset(own).union(*(_kinds_within(below) for _, below in plan.parts))


class _Plan(msgspec.Struct, frozen=True):
    """Where the numbers of one struct are: its own, and those of the parts below."""

    struct: type[msgspec.Struct]
    money: tuple[str, ...]
    decimals: tuple[str, ...]
    parts: tuple[tuple[str, _Plan], ...]
    read_money: Callable[[Any], tuple[Any, ...]]
    read_decimals: Callable[[Any], tuple[Any, ...]]


def _named(normal: Callable[[object], Decimal], value: object, path: str) -> Decimal:
    try:
        return normal(value)
    except ValueError as error:
        raise ValueError(f"{error} - at `$.{path}`") from None


def _gather(part: Any, plan: _Plan, amounts: list[Any], others: list[Any]) -> None:
    """Collect all numbers of a part and of those below it."""
    amounts += plan.read_money(part)
    others += plan.read_decimals(part)
    for name, below in plan.parts:
        inside = getattr(part, name)
        if inside.__class__ is tuple:
            for member in inside:
                _gather(member, below, amounts, others)
        elif inside is not None:
            _gather(inside, below, amounts, others)


@cache
def _plan_of(struct: type[msgspec.Struct]) -> _Plan:
    amounts: list[str] = []
    others: list[str] = []
    parts: list[tuple[str, _Plan]] = []
    for field in msgspec.structs.fields(struct):
        kind, below = _content(inspect.type_info(field.type))
        if below is not None:
            plan = _plan_of(below)
            if plan.money or plan.decimals or plan.parts:
                parts.append((field.name, plan))
        elif kind == "money":
            amounts.append(field.name)
        elif kind == "decimal":
            others.append(field.name)
    return _Plan(
        struct, tuple(amounts), tuple(others), tuple(parts), _reader(amounts), _reader(others)
    )


def _reader(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return _nothing
    # attrgetter gives a bare value for one name; asked for it twice, it gives a tuple.
    return attrgetter(*(names if len(names) > 1 else names * 2))


def _nothing(_part: Any) -> tuple[Any, ...]:
    return ()


def _content(info: inspect.Type) -> tuple[str, type[msgspec.Struct] | None]:
    """Return (kind of exact number or "", struct of the part or parts) that a field holds."""
    if isinstance(info, inspect.Metadata):
        kind = (info.extra or {}).get("exact", "")
        return (kind, None) if kind else _content(info.type)
    if isinstance(info, inspect.VarTupleType):
        return _content(info.item_type)
    if isinstance(info, inspect.StructType):
        return "", info.cls
    if isinstance(info, inspect.UnionType):
        options = [_content(option) for option in info.types]
        return next((found for found in options if any(found)), ("", None))
    return "", None

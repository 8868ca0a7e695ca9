"""The parts an expression of the mapping language is made of, after reading and checking.

Nothing but these parts reaches the code generator: what has no record here cannot be run.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

import msgspec

Step: TypeAlias = str | int
"""One step of a path: the name of a field, or the 0-based index of a list item."""


class Literal(msgspec.Struct, frozen=True):
    """A constant of the table: text, an integer, an exact decimal, True, False or None."""

    value: str | int | Decimal | bool | None


class Read(msgspec.Struct, frozen=True):
    """A value of the source; origin is `this`, `root`, `key`, `rows` or `position`."""

    origin: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return path_text(self.steps, "" if self.origin == "this" else self.origin) or self.origin


class Walk(msgspec.Struct, frozen=True):
    """A path that starts at a computed value: `first(rows).unit`."""

    start: Node
    steps: tuple[Step, ...]


class Call(msgspec.Struct, frozen=True):
    """A call of one function of the fixed list."""

    function: str
    arguments: tuple[Node, ...]


class CodeLookup(msgspec.Struct, frozen=True):
    """A look-up in a code table."""

    table: str
    value: Node


class Coalesce(msgspec.Struct, frozen=True):
    """The first of the parts that has a value; the parts after it are not evaluated."""

    parts: tuple[Node, ...]


class Choice(msgspec.Struct, frozen=True):
    """`then if condition else otherwise`; only the chosen part is evaluated."""

    condition: Node
    then: Node
    otherwise: Node


class Comparison(msgspec.Struct, frozen=True):
    """`left operator right`; operator is one of == != < <= > >=."""

    operator: str
    left: Node
    right: Node


class Membership(msgspec.Struct, frozen=True):
    """`value in choices`, or not in; choices is a tuple of parts or one part that is a list."""

    value: Node
    choices: tuple[Node, ...] | Node
    negated: bool


class Logic(msgspec.Struct, frozen=True):
    """`and` or `or` over conditions."""

    operator: str
    parts: tuple[Node, ...]


class Negation(msgspec.Struct, frozen=True):
    """`not condition`."""

    part: Node


class Arithmetic(msgspec.Struct, frozen=True):
    """`left operator right` on numbers; + also joins two texts; operator is + - * or /."""

    operator: str
    left: Node
    right: Node


Node: TypeAlias = (
    Literal
    | Read
    | Walk
    | Call
    | CodeLookup
    | Coalesce
    | Choice
    | Comparison
    | Membership
    | Logic
    | Negation
    | Arithmetic
)


def path_text(steps: tuple[Step, ...], start: str = "") -> str:
    """Return a path as people write it: `totals.grand`, `items[0].net`."""
    text = start
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def parts_of(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    for child in _children(node):
        yield from parts_of(child)


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Walk(start=start):
            return (start,)
        case Call(arguments=parts) | Coalesce(parts=parts) | Logic(parts=parts):
            return parts
        case CodeLookup(value=part) | Negation(part=part):
            return (part,)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Membership(value=value, choices=choices):
            return (value, *choices) if isinstance(choices, tuple) else (value, choices)
        case _:
            return ()

"""What a value must be to stand in a field of the model as it is, written as Python.

The constructor of a struct checks nothing, so whoever calls it asks first what msgspec would ask.
What msgspec changes on its way in (dates, times, whatever an extension holds) is left to msgspec.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import inspect

from tillway.mapping.functions import FUNCTIONS
from tillway.mapping.kinds import may_be_none
from tillway.mapping.program import Program
from tillway.mapping.syntax import Call, Comparison, Literal, Logic, Membership, Negation, Node
from tillway.mapping.targets import options_of, takes_none
from tillway.model.normal_form import exact_kinds

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class Fit(msgspec.Struct, frozen=True):
    """How a value goes into a field: as this text, where every test holds."""

    text: str
    tests: tuple[str, ...] = ()


def fit(field: inspect.Field, node: Node, name: str, program: Program) -> Fit | None:
    """Return how the value called name goes into a field; None when that is left to msgspec.

    node is the part that makes the value; its numbers must be in the model's normal form.
    """
    options = [one for one in options_of(field.type) if not isinstance(one, inspect.NoneType)]
    if len(options) != 1:
        return None
    test = _test(options[0], node, name, program)
    if test is None or (
        isinstance(options[0], inspect.DecimalType) and not exact_kinds(field.type)
    ):
        return None
    if not may_be_none(node):
        return Fit(name, (test,) if test else ())
    if takes_none(field.type):
        return Fit(name, (f"({name} is None or {test})",) if test else ())
    if field.required:
        return Fit(name, (test or f"{name} is not None",))
    return Fit(
        f"({field.default!r} if {name} is None else {name})",
        (f"({name} is None or {test})",) if test else (),
    )


def _is_truth(node: Node) -> bool:
    if isinstance(node, Literal):
        return isinstance(node.value, bool)
    return isinstance(node, Comparison | Membership | Logic | Negation)


def _test(option: inspect.Type, node: Node, name: str, program: Program) -> str | None:
    """Return the test of a value that is not None, "" where it always holds."""
    match option:
        case inspect.DecimalType():
            return ""
        case inspect.BoolType():
            return "" if _is_truth(node) else f"({name} is True or {name} is False)"
        case inspect.LiteralType(values=values):
            if isinstance(node, Literal):
                return "" if node.value in values else None
            return f"{name} in {program.constant(('choices', values), frozenset(values), 'c')}"
        case inspect.StrType(min_length=least, max_length=most, pattern=pattern):
            test = f"{name}.__class__ is str"
            if least:
                test += f" and {name}" if least == 1 else f" and {least} <= len({name})"
            if most is not None:
                test += f" and len({name}) <= {most}"
            if pattern is not None:
                search = program.constant(("pattern", pattern), re.compile(pattern).search, "p")
                test += f" and {search}({name})"
            return f"({test})"
        case inspect.IntType(gt=None, lt=None, multiple_of=None, ge=least, le=most):
            least, most = _SMALLEST if least is None else least, _LARGEST if most is None else most
            test = f"{least} <= {name} <= {most}"
            made = isinstance(node, Call) and FUNCTIONS[node.function].makes == "integer"
            return f"({test})" if made else f"({name}.__class__ is int and {test})"
        case _:
            return None

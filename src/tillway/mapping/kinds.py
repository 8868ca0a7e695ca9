"""What a checked part can turn out to be, so that the compiled table leaves needless tests out."""

from __future__ import annotations

from tillway.mapping.functions import FUNCTIONS
from tillway.mapping.syntax import (
    Call,
    Choice,
    Coalesce,
    Comparison,
    Literal,
    Logic,
    Membership,
    Negation,
    Node,
    Read,
    Walk,
)


def may_be_none(node: Node) -> bool:
    """Tell whether a part may come out as None, so that its row is left out."""
    match node:
        case Literal(value=value):
            return value is None
        case Read(origin=origin):
            return origin != "position"
        case Choice(then=then, otherwise=otherwise):
            return may_be_none(then) or may_be_none(otherwise)
        case Coalesce(parts=parts):
            return all(may_be_none(part) for part in parts)
        case Comparison() | Membership() | Logic() | Negation():
            return False
        case _:
            return True


def may_be_float(node: Node) -> bool:
    """Tell whether a part could pass a binary float of the source on unchanged."""
    match node:
        case Read(origin=origin):
            return origin != "position"
        case Walk():
            return True
        case Choice(then=then, otherwise=otherwise):
            return may_be_float(then) or may_be_float(otherwise)
        case Coalesce(parts=parts):
            return any(may_be_float(part) for part in parts)
        case Call(function=function):
            return FUNCTIONS[function].makes == "any"
        case _:
            return False

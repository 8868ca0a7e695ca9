"""Reads values out of a POSLog tree and notes what is wrong, instead of stopping at the first.

Surprising: enumeration values are compared without their prefix (`acs:Auto` is `Auto`), because
which prefix a product writes is up to its document.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tillway.errors import Violation, shown

Node = dict[str, Any]
ZERO = Decimal(0)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)


class Problems:
    """The violations found in one tree."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def add(self, path: str, rule: str, value: object = "", expected: str = "") -> None:
        """Note one violation; the value is masked."""
        self.found.append(Violation(path, rule, shown(value) if value != "" else "", expected))

    def decimal(self, node: Node, name: str, path: str) -> Decimal | None:
        """Return a decimal, None when it is absent; one that is none is a violation."""
        written = text(node, name)
        if written is None:
            return None
        if not _DECIMAL.fullmatch(written):
            self.add(f"{path}.{name}", "decimal", written, "a decimal number, point as its sign")
            return None
        return Decimal(written)

    def required(self, node: Node, name: str, path: str) -> Decimal:
        """Return a decimal that must be there; zero stands in for one that is not."""
        value = self.decimal(node, name, path)
        if value is None:
            if text(node, name) is None:
                self.add(f"{path}.{name}", "required", "", "a decimal number")
            return ZERO
        return value


def nodes(node: Node, name: str) -> list[Any]:
    """Return every child of a name, in the order of the document."""
    value = node.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def child(node: Node, name: str) -> Node:
    """Return the first child of a name as a node; empty when there is none."""
    found = nodes(node, name)
    return as_node(found[0]) if found else {}


def as_node(value: Any) -> Node:
    """Return a child as a node, text alone as `#text`."""
    return value if isinstance(value, dict) else {"#text": value}


def text(node: Node, path: str) -> str | None:
    """Return the text at a dotted path, without spaces around it; None when empty or absent."""
    *steps, last = path.split(".")
    for step in steps:
        node = child(node, step)
    found = nodes(node, last)
    value = as_node(found[0]).get("#text") if found else None
    return (value.strip() or None) if isinstance(value, str) else None


def flag(node: Node, name: str) -> bool:
    """Tell whether an attribute says true."""
    return str(node.get("@" + name, "")).strip().lower() in {"true", "1"}


def word(node: Node, name: str) -> str | None:
    """Return an enumeration value from an attribute, without its prefix."""
    value = node.get("@" + name)
    if not isinstance(value, str):
        return None
    return value.rpartition(":")[2].strip() or None


def exact(value: Decimal) -> str:
    """Return the text of a decimal, without exponent."""
    return format(value, "f")


def without_blanks(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that hold something; decimals become text."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Decimal):
            kept[name] = exact(value)
        elif value is not None and value not in ("", [], {}):
            kept[name] = value
    return kept


def foreign(node: Node) -> dict[str, dict[str, Any]]:
    """Return what a vendor added to a node, by prefix."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in node.items():
        prefix, colon, local = name.lstrip("@").partition(":")
        if colon and prefix != "xml":
            found.setdefault(prefix, {})[local] = value
    return found

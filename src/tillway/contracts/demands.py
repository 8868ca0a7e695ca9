"""What a contract demands of the fields of a message, beyond the model: presence and fewer values.

A demand on a part that is itself absent is no breach: `lines[].item.gtin` asks only lines that name
an item.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tillway.errors import Violation, shown


class Demand(msgspec.Struct, frozen=True):
    """What is asked of one field; inner is asked of its value, or of each of its items.

    allowed is the list of values in the order the contract names them, None where any will do.
    """

    name: str
    required: bool = False
    allowed: tuple[str, ...] | None = None
    many: bool = False
    inner: tuple[Demand, ...] = ()

    def is_empty(self) -> bool:
        """Tell whether nothing is asked here."""
        return not self.required and self.allowed is None and not self.inner


def are_met(demands: tuple[Demand, ...], message: msgspec.Struct) -> bool:
    """Tell whether a message meets every demand; the quick answer for nearly every message."""
    for demand in demands:
        value = getattr(message, demand.name, None)
        if value is None or (not value and _is_absent(value)):
            if demand.required:
                return False
        elif demand.allowed is not None and not _is_allowed(value, demand):
            return False
        elif demand.inner:
            for item in value if demand.many else (value,):
                if not are_met(demand.inner, item):
                    return False
    return True


def breaches(demands: tuple[Demand, ...], owner: Any, prefix: str = "") -> Iterator[Violation]:
    """Yield every breach with its path, such as `lines[2].item.gtin`."""
    for demand in demands:
        value, path = _field(owner, demand.name), prefix + demand.name
        if _is_absent(value):
            if demand.required:
                yield Violation(path, "required", "", "a value: the contract requires it")
            continue
        if demand.allowed is not None and not _is_allowed(value, demand):
            yield Violation(path, "enum", shown(value), ", ".join(demand.allowed))
        for index, item in enumerate(value if demand.many else (value,)):
            at = f"{path}[{index}]." if demand.many else f"{path}."
            yield from breaches(demand.inner, item, at)


def required_paths(demands: tuple[Demand, ...], prefix: str = "") -> Iterator[str]:
    """Yield the paths of the required fields, lists marked with []."""
    for demand, path in _walk(demands, prefix):
        if demand.required:
            yield path


def allowed_values(
    demands: tuple[Demand, ...], prefix: str = ""
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the path and the allowed values of every field with fewer values than the model's."""
    for demand, path in _walk(demands, prefix):
        if demand.allowed is not None:
            yield path, demand.allowed


def overlay(demands: tuple[Demand, ...]) -> dict[str, Any]:
    """Return the demands as a JSON Schema that stands beside the model's own."""
    schema: dict[str, Any] = {"properties": {demand.name: _schema(demand) for demand in demands}}
    required = [demand.name for demand in demands if demand.required]
    if required:
        schema["required"] = required
    return schema


def _schema(demand: Demand) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if demand.allowed is not None:
        absent = [] if demand.required else [None]
        schema["enum"] = [*demand.allowed, *absent]
    if demand.required:
        schema["not"] = {"type": "null"}
        schema |= {"minItems": 1} if demand.many else {"minLength": 1}
    if demand.inner:
        inner = overlay(demand.inner)
        schema |= {"items": inner} if demand.many else inner
    return schema


def _walk(demands: tuple[Demand, ...], prefix: str) -> Iterator[tuple[Demand, str]]:
    for demand in demands:
        path = prefix + demand.name
        yield demand, path
        yield from _walk(demand.inner, f"{path}[]." if demand.many else f"{path}.")


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str | tuple | list) and not value)


def _is_allowed(value: Any, demand: Demand) -> bool:
    assert demand.allowed is not None
    if demand.many:
        return all(item in demand.allowed for item in value)
    return value in demand.allowed


def _field(owner: Any, name: str) -> Any:
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)

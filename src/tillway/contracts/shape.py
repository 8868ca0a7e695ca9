"""Lists every breach of the model's shape in a canonical dict that the model refused.

The model itself stops at the first breach; here the whole dict is held against the JSON Schema. It
is the slow path: a message that fits never comes here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec

from tillway.errors import Violation, shown
from tillway.model.catalogue import message_type
from tillway.model.header import EITHER_IDENTITY, PosFact
from tillway.spelling import nearest

MAX_VIOLATIONS = 100
_TYPE_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a record",
}
_FORMATS = {
    "date": ("date", "an ISO 8601 date such as 2026-11-20"),
    "date-time": ("timestamp", "a time with offset such as 2026-11-20T10:12:00+01:00"),
}
_LIMITS = {
    "minLength": ("length", "at least"),
    "minItems": ("length", "at least"),
    "maxLength": ("length", "at most"),
    "maxItems": ("length", "at most"),
    "minimum": ("range", "at least"),
    "maximum": ("range", "at most"),
}
_EXACT = "an exact number as text, such as 12.50"


def shape_violations(name: str, value: Mapping[str, Any]) -> list[Violation]:
    """Return every breach, at most 100, roughly in the order of the fields; [] for one that fits.

    name is the message type. Rules: required, unknown_field, enum, type, decimal, float_money,
    date, timestamp, pattern, length, range, and `model` for what only the model itself can see.
    """
    checked = _validator(name)
    found = list(_identity_breaches(name, value))
    for problem in checked.validator.iter_errors(_as_json(value)):
        for breach in _breaches(problem, checked.schema):
            if breach not in found:
                found.append(breach)
            if len(found) >= MAX_VIOLATIONS:
                return found
    return found or _last_word(name, value)


def _identity_breaches(name: str, value: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what is missing of a register's number where no object_id stands in for it."""
    if issubclass(message_type(name).struct, PosFact) and value.get("object_id") is None:
        for field in ("workstation_id", "sequence_number"):
            if value.get(field) is None:
                yield Violation(field, "required", "", f"a value: {EITHER_IDENTITY}")


class _Checked:
    def __init__(self, name: str) -> None:
        self.schema = message_type(name).json_schema()
        self.validator = jsonschema_rs.validator_for(self.schema, validate_formats=True)


@cache
def _validator(name: str) -> _Checked:
    return _Checked(name)


def _last_word(name: str, value: Mapping[str, Any]) -> list[Violation]:
    """Ask the model itself, for the breaches that no schema can state."""
    try:
        message_type(name).convert(dict(value))
    except msgspec.ValidationError as problem:
        said, _, at = str(problem).partition(" - at `$")
        return [Violation(at.rstrip("`").lstrip("."), "model", "", said)]
    return []


def _as_json(value: Any) -> Any:
    """Return the value as JSON has it: exact numbers and dates as text, floats as they are."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(inner) for inner in value]
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) < 40 else str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value


def _breaches(problem: jsonschema_rs.ValidationError, schema: Any) -> Iterator[Violation]:
    kind: Any = problem.kind
    path = _path(problem.instance_path)
    if kind.name == "anyOf" and not path:
        return  # told by _identity_breaches, which also sees an empty value
    if kind.name == "anyOf":
        yield from _of_choice(problem, schema)
    elif kind.name == "required":
        yield Violation(_joined(path, kind.property), "required", "", "a value")
    elif kind.name == "additionalProperties":
        known = tuple(_beside(problem.schema_path, schema).get("properties", ()))
        for name in kind.unexpected:
            near = nearest(name, known) or f"one of {', '.join(known)}"
            yield Violation(_joined(path, name), "unknown_field", "", near.strip())
    elif kind.name in {"type", "pattern", "format"} and _is_exact(problem.schema_path, schema):
        yield from _of_exact(path, problem.instance)
    else:
        rule, expected = _of_value(kind)
        yield Violation(path, rule, _seen(problem.instance), expected or problem.message[:200])


def _of_value(kind: Any) -> tuple[str, str]:
    """Return the rule a plain value breaks and what would be right."""
    match kind.name:
        case "enum":
            return "enum", ", ".join(str(one) for one in kind.options if one is not None)
        case "type":
            return "type", _words(kind.types)
        case "format":
            return _FORMATS.get(kind.format, (kind.format, kind.format))
        case "pattern":
            return "pattern", f"a text like {kind.pattern}"
        case name if name in _LIMITS:
            rule, words = _LIMITS[name]
            return rule, f"{words} {kind.limit}"
        case _:
            return kind.name, ""


def _of_choice(problem: jsonschema_rs.ValidationError, schema: Any) -> Iterator[Violation]:
    """Yield the breaches of the one branch that is meant; of several, only the types."""
    kind: Any = problem.kind
    branches = [
        branch
        for branch in kind.context
        if not any(part.kind.name == "type" and part.kind.types == ["null"] for part in branch)
    ]
    if len(branches) == 1:
        for part in branches[0]:
            yield from _breaches(part, schema)
        return
    types = [
        word
        for branch in branches
        for part in branch
        if part.kind.name == "type"
        for word in part.kind.types
    ]
    path = _path(problem.instance_path)
    yield Violation(path, "type", _seen(problem.instance), _words(types) or "one of several types")


def _of_exact(path: str, value: Any) -> Iterator[Violation]:
    if isinstance(value, float):
        yield Violation(path, "float_money", _seen(value), "float money: send it as text")
    elif isinstance(value, bool) or not isinstance(value, int):  # the model takes whole numbers
        yield Violation(path, "decimal", _seen(value), _EXACT)


def _is_exact(schema_path: list[str | int], schema: Any) -> bool:
    return _beside(schema_path, schema).get("format") == "decimal"


def _beside(schema_path: list[str | int], schema: Any) -> dict[str, Any]:
    """Return the schema that the failed keyword stands in."""
    found = schema
    for step in schema_path[:-1]:
        found = found[step]
    return found if isinstance(found, dict) else {}


def _words(types: list[str]) -> str:
    return " or ".join(_TYPE_WORDS.get(word, word) for word in types if word != "null")


def _path(steps: list[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _joined(path, step)
    return path


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _seen(value: Any) -> str:
    if isinstance(value, dict):
        return f"a record of {len(value)} fields"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    return shown("" if value is None else value)

"""From a request to its operation: the address, the fields of the address, and the permission."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import parse_qsl

import msgspec

from tillway.api.asgi import Call
from tillway.api.described import PREFIX, Operation, Parameter
from tillway.api.fields import number_of
from tillway.errors import ConfigurationError, Refused
from tillway.spelling import nearest


class Match(msgspec.Struct, frozen=True):
    """An operation, and what stands in the braces of its address, "" without any."""

    operation: Operation
    part: str = ""


class WrongMethod(Refused):
    """The address is known, the method is not; allowed names the one that is."""

    def __init__(self, path: str, allowed: str) -> None:
        super().__init__("TW-7010", f"{path} takes {allowed}", status=405)
        self.allowed = allowed


class Routes:
    """Finds operations by method and address."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._plain: dict[str, dict[str, Operation]] = {}
        self._parted: dict[str, dict[str, Operation]] = {}
        for one in operations:
            folder, brace, _ = one.name.partition("{")
            table = self._parted if brace else self._plain
            table.setdefault(folder, {})[one.method] = one

    def match(self, method: str, path: str) -> Match:
        """Return the operation. Raises Refused TW-7010: 404 for an address, 405 for a method."""
        name = path.removeprefix(PREFIX).strip("/")
        known, part = self._plain.get(name), ""
        if known is None:
            folder, slash, part = name.rpartition("/")
            known = self._parted.get(f"{folder}{slash}")
        if known is None or (not part and known is not self._plain.get(name)):
            raise self._unknown(path, name)
        if method not in known:
            raise WrongMethod(path, " or ".join(sorted(known)))
        return Match(known[method], part)

    def _unknown(self, path: str, name: str) -> Refused:
        names = sorted({*self._plain, *(f"{folder}..." for folder in self._parted)})
        known = ", ".join(f"{PREFIX}{one}" for one in names)
        advice = f"{nearest(name, names)}Known: {known}."
        return Refused("TW-7010", f"nothing answers at {path}", status=404, advice=advice)


def read_fields(call: Call, operation: Operation) -> dict[str, str]:
    """Return the fields of an address, each known, given once and in its form.

    Raises ConfigurationError TW-7010 with the field.
    """
    known = {one.name: one for one in operation.query}
    given: dict[str, str] = {}
    for name, text in _fields(call.raw_query):
        if name not in known:
            fields = ", ".join(known) or "none"
            raise _wrong(name, f"there is no field {name} here", nearest(name, known), fields)
        if name in given:
            raise _wrong(name, f"{name} is given twice", "", ", ".join(known))
        _check(known[name], text)
        given[name] = text
    for one in operation.query:
        if one.required and one.name not in given:
            raise ConfigurationError("TW-7010", f"{one.name} is missing", path=one.name)
    return given


def _fields(raw_query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw_query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError("TW-7010", "the fields of the address are no UTF-8") from None


def _check(field: Parameter, text: str) -> None:
    if field.choices and text not in field.choices:
        raise ConfigurationError(
            "TW-7010",
            f"{text or 'nothing'} is no {field.name}",
            path=field.name,
            value=text,
            advice=f"{nearest(text, field.choices)}It is one of {', '.join(field.choices)}.",
        )
    if field.kind == "integer" and not field.least <= number_of(text, field.name) <= field.most:
        raise ConfigurationError(
            "TW-7010",
            f"{field.name} is {field.least:,} to {field.most:,}",
            path=field.name,
            value=text,
        )
    if field.kind == "date":
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ConfigurationError(
                "TW-6904", f'"{text}" is no business date', path=field.name, value=text
            ) from None
    if len(text) > field.longest:
        raise ConfigurationError(
            "TW-7010", f"{field.name} has at most {field.longest} characters", path=field.name
        )


def _wrong(name: str, sentence: str, near: str, fields: str) -> ConfigurationError:
    return ConfigurationError("TW-7010", sentence, path=name, advice=f"{near}Fields: {fields}.")

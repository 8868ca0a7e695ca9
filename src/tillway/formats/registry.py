"""Finds a format by the name a project gives it, and checks the options set for it.

Surprising: an option that does not exist is refused here, at start, with the nearest known name; a
misspelt option never falls back to a default in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.formats.base import Format
from tillway.formats.camt_format import Camt, CamtOptions
from tillway.formats.csv_format import Csv, CsvOptions
from tillway.formats.json_format import Json, JsonOptions, NdJson
from tillway.formats.limits import Limits
from tillway.formats.mt940_format import Mt940, Mt940Options
from tillway.formats.plain_names import PlainNames
from tillway.formats.xml_format import PosLog, Xml, XmlOptions
from tillway.spelling import nearest

_FORMATS: dict[str, tuple[type[Limits], Callable[..., Format]]] = {
    "camt": (CamtOptions, Camt),
    "csv": (CsvOptions, Csv),
    "json": (JsonOptions, Json),
    "mt940": (Mt940Options, Mt940),
    "ndjson": (JsonOptions, NdJson),
    "poslog": (XmlOptions, PosLog),
    "xml": (XmlOptions, Xml),
}


def format_names() -> list[str]:
    """Return the names of all formats, in order."""
    return sorted(_FORMATS)


def format_named(
    name: str,
    options: Mapping[str, Any] | None = None,
    may_stay: Callable[[str], bool] | None = None,
) -> Format:
    """Return a format with its options; raise ConfigurationError for a name or option unknown.

    may_stay says whether a name needs no masking: JSON then tells which records are `plain`.
    """
    if name not in _FORMATS:
        advice = f"{nearest(name, _FORMATS)}Known formats: {', '.join(format_names())}."
        detail = f'There is no format "{name}".'
        raise ConfigurationError("TW-3001", detail, value=name, advice=advice)
    struct, build = _FORMATS[name]
    checked = _checked(name, struct, dict(options or {}))
    if may_stay is not None and struct is JsonOptions:
        return build(checked, PlainNames(may_stay))
    return build(checked)


def _checked(name: str, struct: type[Limits], options: dict[str, Any]) -> Limits:
    known = [field.name for field in msgspec.structs.fields(struct)]
    for option in options:
        if option not in known:
            advice = f"{nearest(option, known)}Known options: {', '.join(known)}."
            detail = f'The format "{name}" has no option "{option}".'
            raise ConfigurationError("TW-3002", detail, value=option, advice=advice)
    try:
        return msgspec.convert(options, type=struct)
    except msgspec.ValidationError as fault:
        detail = f'An option of the format "{name}" is wrong: {fault}.'
        raise ConfigurationError("TW-3002", detail) from fault

"""Finds the line on which each setting of a TOML text is written, so that errors can name it.

The standard parser gives values without places; this reads only headers and keys of a text that
the parser has already accepted.
"""

from __future__ import annotations

import re

SettingPath = tuple[str | int, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=(.*)$")
_PARTS = re.compile(_PART)


def setting_lines(text: str) -> dict[SettingPath, int]:
    r"""Return path -> line (from 1); the items of an array of tables are numbered from 0.

    >>> setting_lines('name = "x"\n[[records]]\nwhen = "a"')
    {('name',): 1, ('records', 0): 2, ('records', 0, 'when'): 3}
    """
    lines: dict[SettingPath, int] = {}
    arrays: dict[SettingPath, int] = {}
    table: SettingPath = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = _HEADER.match(line)
        if header:
            table = _table_path(header[2], header[1] == "[[", arrays)
            lines.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key:
            lines.setdefault(table + _parts(key[1]), number)
            closing = _open_string(key[2])
    return lines


def _table_path(dotted: str, array: bool, arrays: dict[SettingPath, int]) -> SettingPath:
    path: SettingPath = ()
    parts = _parts(dotted)
    for depth, part in enumerate(parts, 1):
        path += (part,)
        if depth == len(parts) and array:
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path += (arrays[path],)
    return path


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PARTS.findall(dotted))


def _open_string(value: str) -> str:
    """Return the quotes that close a string left open at the end of the line, or ""."""
    for quotes in ('"""', "'''"):
        if value.count(quotes) % 2:
            return quotes
    return ""

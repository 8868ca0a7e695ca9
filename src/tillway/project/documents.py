"""One TOML file of the folder, with the place of every setting and the overrides laid over it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.project.toml_lines import SettingPath, setting_lines

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


class Origin(msgspec.Struct, frozen=True):
    """Where an overridden value came from, as people read it, and the text that was given."""

    source: str
    line: int
    text: str


class Document(msgspec.Struct):
    """A TOML file: file is relative to the folder; overridden holds the settings laid over it."""

    file: str
    values: dict[str, Any]
    lines: Mapping[SettingPath, int]
    overridden: dict[SettingPath, Origin] = msgspec.field(default_factory=dict)

    def at(self, path: SettingPath) -> tuple[str, int]:
        """Return file and line of a setting, or of the nearest table around it."""
        while path:
            if path in self.overridden:
                return self.overridden[path].source, self.overridden[path].line
            if path in self.lines:
                return self.file, self.lines[path]
            path = path[:-1]
        return self.file, 0

    def override(self, path: tuple[str, ...], value: Any, origin: Origin) -> None:
        """Lay one value over the file; names match without regard to case, `-` and `_`."""
        table = self.values
        real: tuple[str, ...] = ()
        for part in path[:-1]:
            name = matching(part, table)
            inner = table.get(name)
            if not isinstance(inner, dict):
                inner = {}
                table[name] = inner
            table, real = inner, (*real, name)
        name = matching(path[-1], table)
        table[name] = value
        self.overridden[(*real, name)] = origin


def matching(name: str, known: Mapping[str, Any]) -> str:
    """Return the known spelling of a name given in capitals or with underscores, else itself."""
    if name in known:
        return name
    plain = name.lower().replace("-", "_")
    return next((key for key in known if key.lower().replace("-", "_") == plain), name)


def parse_document(text: str, file: str) -> Document:
    """Read TOML text. Raises ConfigurationError TW-1106 with line and column."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, file) from None
    return Document(file, values, setting_lines(text))


def read_text(folder: Path, file: str) -> str:
    """Return the text of a file of the folder. Raises ConfigurationError TW-1108."""
    try:
        return (folder / file).read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            "TW-1108", f"{file} is not UTF-8 text (byte {error.start})", file=file
        ) from None
    except OSError as error:
        raise ConfigurationError(
            "TW-1108", f"{file} cannot be read: {error.strerror}", file=file
        ) from None


def _not_toml(error: tomllib.TOMLDecodeError, file: str) -> ConfigurationError:
    text = str(error)
    place = _PLACE.search(text)
    line = int(place[1]) if place else 0
    column = f", column {place[2]}" if place else ""
    return ConfigurationError(
        "TW-1106", f"not valid TOML: {_PLACE.sub('', text)}{column}", at=f"{file}:{line}"
    )

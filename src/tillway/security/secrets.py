"""Resolves `${secret:name}`: from the environment, then from a `secrets.toml` outside git.

A resolved value is a `Secret`: a text that works as any other and is never shown by `repr`, `str`
or a format string. Only code that joins or encodes it sees what it holds.
"""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tillway.errors import ConfigurationError
from tillway.spelling import nearest

ENVIRONMENT_PREFIX = "TILLWAY_SECRET_"
HIDDEN = "(secret)"
_REFERENCE = re.compile(r"\$\{secret:([^}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Secret(str):
    """A text that does not show itself."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return a text that hides itself; str() of a secret would only give the mask."""
        return text if isinstance(text, cls) else super().__new__(cls, text)

    def __repr__(self) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def reveal(self) -> str:
        """Return the plain text, for the one place that sends or checks it."""
        return "".join(self)


class SecretResolver:
    """Finds secrets by name. file may be absent; it is refused when others may read it.

    Raises ConfigurationError TW-8102 (not found), TW-8103 (readable by others), TW-8104
    (unreadable), TW-8105 (not a name). No error ever holds a value.
    """

    def __init__(self, environ: Mapping[str, str], file: Path | None = None) -> None:
        self._environ = environ
        self._file = file

    def resolve(self, name: str) -> Secret:
        """Return one secret."""
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                "TW-8105", f'"{name}" is not a name a secret can have', value=name
            )
        if (given := self._environ.get(variable_of(name))) is not None:
            return Secret(given)
        if name in self._from_file:
            return Secret(self._from_file[name])
        raise ConfigurationError(
            "TW-8102",
            f'secret "{name}" is not set',
            value=name,
            advice=f"{nearest(name, self._from_file)}Set the environment variable "
            f'{variable_of(name)}, or add {name} = "..." to {self._file_name}.',
        )

    def fill(self, value: Any) -> Any:
        """Return settings with each reference replaced; a text that held one becomes Secret."""
        if isinstance(value, str):
            return self._fill_text(value)
        if isinstance(value, Mapping):
            return {name: self.fill(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill(part) for part in value]
        return value

    def _fill_text(self, text: str) -> str:
        if "${secret:" not in text:
            return text
        return Secret(_REFERENCE.sub(lambda found: self.resolve(found[1]).reveal(), text))

    @property
    def _file_name(self) -> str:
        return self._file.name if self._file else "secrets.toml"

    @cached_property
    def _from_file(self) -> dict[str, str]:
        if self._file is None or not self._file.exists():
            return {}
        mode = stat.S_IMODE(self._file.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(
                "TW-8103",
                f"{self._file_name} may be read by others (mode {mode:04o})",
                advice=f"Run: chmod 600 {self._file_name}",
                file=self._file_name,
            )
        return self._read(self._file)

    def _read(self, file: Path) -> dict[str, str]:
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            # The parser's message may quote the line, and the line may hold the secret.
            raise ConfigurationError(
                "TW-8104", f"{file.name} cannot be read as TOML", file=file.name
            ) from None
        for name, value in table.items():
            if not isinstance(value, str):
                raise ConfigurationError(
                    "TW-8104", f'secret "{name}" in {file.name} is not a text', file=file.name
                )
        return table


def variable_of(name: str) -> str:
    """Return the environment variable that may hold a secret."""
    return ENVIRONMENT_PREFIX + name.upper().replace("-", "_")


def secret_names(value: Any) -> list[str]:
    """Return the names a tree of settings refers to, in order, without resolving any."""
    if isinstance(value, str):
        return _REFERENCE.findall(value)
    parts = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list | tuple):
        return [name for part in parts for name in secret_names(part)]
    return []

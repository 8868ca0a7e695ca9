"""Settings laid over the files: `env/<name>.toml`, then `TILLWAY__SECTION__FIELD`, then `--set`.

A path that starts with systems, routes or policies goes to that file; any other to tillway.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.project.documents import Document, Origin, matching
from tillway.project.problems import Problems
from tillway.spelling import nearest

PREFIX = "TILLWAY__"
KINDS = ("systems", "routes", "policies")


class Override(msgspec.Struct, frozen=True):
    """One value to lay over a file, and where it came from."""

    path: tuple[str, ...]
    value: Any
    origin: Origin


def from_document(document: Document) -> Iterator[Override]:
    """Yield every setting of an `env/<name>.toml`; an array replaces the array below it."""
    for path, value in _leaves(document.values, ()):
        file, line = document.at(path)
        yield Override(path, value, Origin(file, line, str(value)))


def from_environment(environ: Mapping[str, str]) -> Iterator[Override]:
    """Yield every TILLWAY__SECTION__FIELD variable, in the order of their names."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and len(name) > len(PREFIX):
            path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
            yield Override(path, _value(environ[name]), Origin(name, 0, environ[name]))


def from_arguments(arguments: Sequence[str]) -> Iterator[Override]:
    """Yield every `--set a.b=c`. Raises ConfigurationError TW-1105 when one has no `=`."""
    for argument in arguments:
        name, equals, text = argument.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or not all(path):
            raise ConfigurationError(
                "TW-1105",
                f'"{argument}" is no override',
                advice="Write --set section.field=value, such as --set listen.port=9000.",
                at="--set",
            )
        yield Override(path, _value(text), Origin(f"--set {name.strip()}", 0, text))


def lay_over(
    documents: Mapping[str, Document], overrides: Iterator[Override], problems: Problems
) -> None:
    """Apply overrides in order; one that names a file the folder does not have is a problem."""
    for override in overrides:
        file, inner = _target(documents, override.path)
        document = documents.get(file)
        if document is None or not inner:
            error = ConfigurationError(
                "TW-1105",
                f"there is no {file} to override",
                advice=f"{nearest(file, documents)}Files: {', '.join(sorted(documents))}.",
            )
            problems.add_error(error, override.origin.source, override.origin.line)
        else:
            document.override(inner, override.value, override.origin)


def _target(
    documents: Mapping[str, Document], path: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    if path[0] not in KINDS:
        return "tillway.toml", path
    if len(path) == 1:
        return f"{path[0]}/", ()
    return matching(f"{path[0]}/{path[1]}.toml", documents), path[2:]


def _leaves(
    values: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _value(text: str) -> Any:
    """Read a value as TOML would, and as plain text when it is none (or a date)."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
    return text if isinstance(value, date | datetime | time) else value

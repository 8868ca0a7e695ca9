"""Checks what a system says about its connector, format and dialect against what is installed.

A connector that cannot be imported here is a warning: the machine that runs the hub may have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillway.connect import Registration, connector
from tillway.connect.settings import setting_problems
from tillway.dialects import dialect_named
from tillway.errors import ConfigurationError
from tillway.formats import format_named
from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.records import SourceRecord, TargetRecord
from tillway.project.toml_lines import SettingPath


def check_source(source: SourceRecord, document: Document, problems: Problems) -> None:
    """Note what the connector, format or dialect of a source does not accept."""
    if source.format:
        with problems.collect(document, ("source", "format")):
            format_named(source.format, source.format_options)
    with problems.collect(document, ("source", "dialect")):
        dialect_named(source.dialect)
    found = _connector(source.connector, document, ("source", "connector"), problems)
    if found is None:
        return
    if found.source_settings is None:
        _cannot(found, "send", document, ("source", "connector"), problems)
        return
    _settings(found.source_settings, source.settings, document, ("source", "settings"), problems)


def check_target(target: TargetRecord, document: Document, problems: Problems) -> None:
    """Note what the connector of a target does not accept."""
    found = _connector(target.connector, document, ("target", "connector"), problems)
    if found is None:
        return
    if found.target_settings is None:
        _cannot(found, "take", document, ("target", "connector"), problems)
        return
    _settings(found.target_settings, target.settings, document, ("target", "settings"), problems)


def _connector(
    name: str, document: Document, path: SettingPath, problems: Problems
) -> Registration | None:
    if not name:
        return None
    found: Registration | None = None
    try:
        with problems.collect(document, path):
            found = connector(name)
    except (ImportError, AttributeError) as error:
        missing = f'connector "{name}" cannot be imported here: {error}'
        problems.add(document, path, "TW-1114", missing, severity="warning")
    return found


def _cannot(
    found: Registration, verb: str, document: Document, path: SettingPath, problems: Problems
) -> None:
    problems.add(document, path, "TW-1111", f'connector "{found.name}" cannot {verb} messages')


def _settings(
    struct: type[Any],
    values: Mapping[str, Any],
    document: Document,
    path: SettingPath,
    problems: Problems,
) -> None:
    where = document.file
    for problem in setting_problems(struct, values, where):
        inner = tuple(part for part in problem.path.split(".") if part)
        file, line = document.at((*path, *inner))
        told = ConfigurationError(
            problem.code, problem.detail.removeprefix(f"{where}: "), advice=problem.advice
        )
        problems.add_error(told, file, line)

"""Reads `routes/<name>.toml`: which messages go to which target, and in which lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from tillway.errors import ConfigurationError
from tillway.mapping import CodeTable, compile_condition, compile_expression
from tillway.project.documents import Document
from tillway.project.policies import STANDARD
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.routing import Route
from tillway.routing.route import Expression


def read_route(
    name: str, document: Document, problems: Problems, codes: Mapping[str, CodeTable]
) -> Route:
    """Return a route; what is wrong is noted."""
    reader = TableReader(document, problems)
    lane = reader.table("lane")
    requires: Any = reader.choice("requires", ("any", "clean"), "any")
    dead_head: Any = reader.choice("dead_head", ("open", "hold"), "open")
    route = Route(
        name=name,
        messages=frozenset(reader.texts("messages")),
        target=reader.required_text("target"),
        mapping=reader.text("mapping"),
        filter=compiled_condition(reader, "filter", codes),
        lane_key=_compiled(lane, "key", compile_expression, codes) if lane else None,
        start=_start(reader),
        requires=requires,
        retry=reader.text("retry", STANDARD),
        dead_head=dead_head,
    )
    if not route.messages:
        reader.note("messages", "TW-1104", "`messages` lists no message type")
    if lane:
        lane.done()
    reader.done()
    return route


def compiled_condition(
    reader: TableReader, key: str, codes: Mapping[str, CodeTable]
) -> Expression | None:
    """Return the condition under a key, None when there is none or it is wrong (which is noted)."""
    found: Expression | None = _compiled(reader, key, compile_condition, codes)
    return found


def _compiled(
    reader: TableReader, key: str, compiler: Callable[..., Any], codes: Mapping[str, CodeTable]
) -> Any:
    text = reader.text(key)
    if not text:
        return None
    path = (*reader.path, key)
    file, line = reader.document.at(path)
    try:
        return compiler(text, codes=codes, where=f"{file}:{line}")
    except ConfigurationError as error:
        reader.problems.add_error(error, file, line)
        return None


def _start(reader: TableReader) -> str:
    start = reader.text("start", "beginning")
    if start not in ("beginning", "now"):
        try:
            date.fromisoformat(start)
        except ValueError:
            wrong = f'`start` is beginning, now or a date such as 2026-11-20, not "{start}"'
            reader.note("start", "TW-1103", wrong)
    return start

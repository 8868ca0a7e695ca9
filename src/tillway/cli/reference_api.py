"""Reference page about the API: every operation with its permission, fields and body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from tillway.access.callers import PERMISSIONS, ROLE_NAMES, ROLES, roles_with
from tillway.api.catalogue import operations
from tillway.api.described import PREFIX, Operation
from tillway.api.openapi import document
from tillway.cli.markdown import code, page, section, table

YES = "yes"


def api_page() -> str:
    """Return the page of the operations and of who may call them."""
    about = (
        f"Everything that the console and the command line can do, under `{PREFIX}`. A hub serves"
        f" this list as OpenAPI 3.1 at `{PREFIX}openapi.json`; `tillway export openapi` prints it."
        " A machine sends its key as `Authorization: Bearer KEY` (`tillway access keys add`)."
        " Errors are problem documents (RFC 9457) with a [code](errors.md). A field that is not"
        " listed is refused, with the nearest one that is. *Every shop*: only for callers who see"
        " all shops; every other answer holds the shops of the caller and no other."
    )
    ordered = sorted(operations().values(), key=lambda one: (_group(one), one.name, one.method))
    groups = [section(name, *map(_part, found)) for name, found in groupby(ordered, key=_group)]
    return page("API", about, section("Who may do what", _roles()), *groups)


def _roles() -> str:
    rows = [
        (code(one), *(YES if one in ROLES[role] else "" for role in ROLE_NAMES))
        for one in PERMISSIONS
    ]
    return table(("Permission", *ROLE_NAMES), rows)


def _group(one: Operation) -> str:
    return one.name.partition("/")[0].partition(".")[0]


def _part(one: Operation) -> str:
    shops = " Every shop." if one.every_store else ""
    roles = ", ".join(roles_with(one.permission))
    head = f"### {one.method} {one.path}\n\n{one.summary} `{one.permission}`: {roles}.{shops}"
    fields = table(("Field", "Means", "Takes"), _query(one))
    body = table(("Body", "Takes", "Usually"), _body(one))
    return "\n\n".join(filter(None, [head, fields, body]))


def _query(one: Operation) -> Iterable[tuple[str, str, str]]:
    for field in one.query:
        takes = ", ".join(map(code, field.choices)) or field.kind
        if field.kind == "integer":
            takes = f"{field.least:,} to {field.most:,}"
        needed = " (needed)" if field.required else ""
        yield code(field.name), field.summary + needed, takes


def _body(one: Operation) -> Iterable[tuple[str, str, str]]:
    if one.takes:
        yield "the file", one.takes, ""
    if one.body is None:
        return
    schema: Mapping[str, Any] = document()["components"]["schemas"][one.body.__name__]
    for name, described in schema["properties"].items():
        needed = name in schema.get("required", ())
        usually = "needed" if needed else code(_text(described.get("default", "")))
        yield code(name), _kind(described), usually


def _kind(described: Mapping[str, Any]) -> str:
    if "anyOf" in described:
        return " or ".join(_kind(one) for one in described["anyOf"])
    if described.get("type") == "array":
        items = described.get("items") or {}
        return f"list of {_kind(items)}" if items else "list"
    return str(described.get("type", "any"))


def _text(default: object) -> str:
    return "" if default in ("", None, [], {}) else str(default).lower()

"""The OpenAPI 3.1 document, made from the catalogue; served, exported, and checked in a test."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from tillway import __version__
from tillway.access.callers import roles_with
from tillway.api.asgi import Call, Reply
from tillway.api.catalogue import operations
from tillway.api.described import JSON, Operation, Parameter

PROBLEM = "application/problem+json"
_REFERENCE = "#/components/schemas/{name}"


class Problem(msgspec.Struct):
    """An error as RFC 9457 has it, with our code and what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    advice: str
    path: str = ""
    value: str = ""
    where: dict[str, str] = {}
    errors: list[dict[str, str]] = []


async def document_reply(_call: Call) -> Reply:
    """Answer the document."""
    return Reply(200, msgspec.json.encode(document()))


@cache
def document() -> dict[str, Any]:
    """Return the document as plain values; nobody may change it."""
    described = list(operations().values())
    schemas, components = msgspec.json.schema_components(
        [Problem, *_types(described)], ref_template=_REFERENCE
    )
    by_type = dict(zip([Problem, *_types(described)], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in described:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillway",
            "version": __version__,
            "summary": "Everything that the console and the command line can do.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-tillway"},
            },
        },
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return plain


def _types(described: Iterable[Operation]) -> list[Any]:
    found: dict[Any, None] = {}
    for one in described:
        for kind in (*_answers(one), one.body):
            if kind is not None and not isinstance(kind, str):
                found[kind] = None
    return list(found)


def _answers(one: Operation) -> tuple[Any, ...]:
    return one.answer if isinstance(one.answer, tuple) else (one.answer,)


def _operation(one: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.key.lower().translate(str.maketrans(" /{}.", "___  ")).replace(" ", ""),
        "summary": one.summary,
        "tags": [one.name.partition("/")[0]],
        "x-permission": one.permission,
        "x-roles": roles_with(one.permission),
        "x-every-store": one.every_store,
        "parameters": [
            *([_part(one)] if one.in_path else []),
            *(_parameter(field) for field in one.query),
        ],
        "responses": {
            "200": {"description": "Done.", "content": _content(one, by_type)},
            "default": {
                "description": "Refused, or not done.",
                "content": {PROBLEM: {"schema": by_type[Problem]}},
            },
        },
    }
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": by_type[one.body]}}}
    elif one.takes:
        made["requestBody"] = {"required": True, "content": {one.takes: {"schema": {}}}}
    return made


def _content(one: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    files = [kind for kind in _answers(one) if isinstance(kind, str)]
    schemas = [by_type[kind] for kind in _answers(one) if not isinstance(kind, str)]
    content: dict[str, Any] = {kind: {"schema": _file_schema(kind)} for kind in files}
    if schemas:
        content[JSON] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    return content


def _file_schema(kind: str) -> dict[str, Any]:
    """Return the schema of an answer that is no JSON; nothing is said of a stream or a workbook."""
    return {"type": "string"} if kind == "text/csv" else {}


def _part(one: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 256}
    if one.step == "integer":
        schema = {"type": "integer", "minimum": 0, "maximum": 2**53}
    return {"name": one.in_path, "in": "path", "required": True, "schema": schema}


def _parameter(field: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "maxLength": field.longest}
    if field.kind == "integer":
        schema = {"type": "integer", "minimum": field.least, "maximum": field.most}
    elif field.kind == "date":
        schema = {"type": "string", "format": "date"}
    if field.choices:
        schema = {"type": "string", "enum": list(field.choices)}
    return {
        "name": field.name,
        "in": "query",
        "required": field.required,
        "description": field.summary,
        "schema": schema,
    }

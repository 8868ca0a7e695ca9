"""The OpenAPI 3.1 document, made from the catalogue; served, exported, and checked in a test."""

from __future__ import annotations

import re
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
REFUSALS = {
    "400": "A field or the body is wrong; `path` names it.",
    "401": "Nobody is logged in, and no valid key was given.",
    "403": "Not with these roles, not for these shops, or not from there.",
    "default": "Refused, or not done: `code` says why and `advice` what to do.",
}
"""status -> what it means, everywhere; the body is always a problem document."""
PARTS = {
    "group": "The name of a problem, as `problems` lists it.",
    "position": "The position of a message, as `find` answers it.",
    "store": "The number of a shop.",
    "contract": "A message type, as `contracts` lists it.",
    "mapping": "The name of a mapping, as `mappings` lists it.",
}
"""What may stand in the braces of an address."""


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
        "operationId": operation_id(one),
        "summary": one.summary,
        "description": _told(one),
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
            **{
                status: {"description": told, "content": {PROBLEM: {"schema": by_type[Problem]}}}
                for status, told in REFUSALS.items()
            },
        },
    }
    if one.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": by_type[one.body]}}}
    elif one.takes:
        made["requestBody"] = {"required": True, "content": {one.takes: {"schema": {}}}}
    return made


def operation_id(one: Operation) -> str:
    """Return the name by which clients call an operation: `get_problems_group`; it stays."""
    return "_".join(re.findall("[a-z0-9]+", one.key.lower()))


def _told(one: Operation) -> str:
    shops = "Holds what is of the shops of the caller, and of no other."
    if one.every_store:
        shops = "Only for callers who see every shop."
    return f"Needs `{one.permission}`: {', '.join(roles_with(one.permission))}. {shops}"


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
    return {
        "name": one.in_path,
        "in": "path",
        "required": True,
        "description": PARTS[one.in_path],
        "schema": schema,
    }


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

"""How one operation of the API is described: address, permission, fields, body and answer.

From these rows come the routing, the permission check, the check of the fields, the OpenAPI
document and the matrix test, so that none of them can tell another story.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tillway.access.callers import Permission

PREFIX = "/api/v1/"
Method = Literal["GET", "POST"]
JSON = "application/json"


class Parameter(msgspec.Struct, frozen=True):
    """A field of an address. most: largest whole number, when kind is integer."""

    name: str
    summary: str
    kind: Literal["string", "integer", "date"] = "string"
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 2**31 - 1
    required: bool = False
    longest: int = 256


class Operation(msgspec.Struct, frozen=True):
    """One operation. name: its address after the prefix; `{name}` in it stands for one part.

    answer: type of the JSON document, the media type of another answer, or several of them. body:
    Struct of the JSON it takes; takes: media type of a file it takes instead. every_store: only for
    callers who see every shop, because the answer cannot be divided. step: the type of the part in
    braces.
    """

    name: str
    method: Method
    permission: Permission
    summary: str
    answer: Any
    query: tuple[Parameter, ...] = ()
    body: Any = None
    takes: str = ""
    every_store: bool = False
    step: Literal["string", "integer"] = "string"

    @property
    def key(self) -> str:
        """Return the name under which its handler is found: `GET problems/{name}`."""
        return f"{self.method} {self.name}"

    @property
    def path(self) -> str:
        """Return its whole address."""
        return f"{PREFIX}{self.name}"

    @property
    def in_path(self) -> str:
        """Return the name of the part in braces, "" without one."""
        return self.name.partition("{")[2].partition("}")[0]

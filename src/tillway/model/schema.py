"""The JSON Schema of a message, as contracts export it and the shape check reads it."""

from __future__ import annotations

from typing import Any

import msgspec

from tillway.model.header import IDENTITIES, PosFact
from tillway.model.part import Part

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(struct: type[Part], *, title: str, description: str) -> dict[str, Any]:
    """Return a self-contained schema; unknown fields are refused at every level.

    The parts are under `$defs`; a decimal is text with the pattern of an exact number.
    """
    schema = msgspec.json.schema(struct)
    if issubclass(struct, PosFact):
        schema["anyOf"] = [{"required": list(names)} for names in IDENTITIES]
    return {"$schema": DIALECT, "title": title, "description": description, **schema}

"""Reads the fields of a request, and names the one that is wrong."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tillway.api.asgi import Call
from tillway.errors import ConfigurationError

Body = TypeVar("Body", bound=msgspec.Struct)
MOST_DIGITS = 18


async def body_as(call: Call, kind: type[Body]) -> Body:
    """Return the JSON body of a request. Raises ConfigurationError TW-7010 with the field."""
    try:
        return msgspec.json.decode(await call.body(), type=kind)
    except msgspec.DecodeError as error:
        raise ConfigurationError("TW-7010", str(error).rstrip(".")) from None


def number_of(text: str, what: str) -> int:
    """Return a whole number of a request. Raises ConfigurationError TW-7010."""
    if not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        raise ConfigurationError("TW-7010", f"{what} must be a whole number", value=text)
    return int(text)

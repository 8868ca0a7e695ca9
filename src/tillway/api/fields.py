"""Reads the fields of a request, and names the one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from tillway.api.asgi import Call
from tillway.errors import ConfigurationError
from tillway.spelling import nearest

Body = TypeVar("Body", bound=msgspec.Struct)
MOST_DIGITS = 18


async def body_as(call: Call, kind: type[Body]) -> Body:
    """Return the JSON body of a request. Raises ConfigurationError TW-7010 with the field."""
    try:
        return msgspec.json.decode(await call.body(), type=kind)
    except msgspec.DecodeError as error:
        raise ConfigurationError("TW-7010", str(error).rstrip(".")) from None


def known_fields(query: Mapping[str, str], known: Sequence[str]) -> None:
    """Raise ConfigurationError TW-7010 for a field of an address that does not exist."""
    for name in query:
        if name not in known:
            raise ConfigurationError(
                "TW-7010",
                f"there is no field {name} here",
                path=name,
                advice=f"{nearest(name, known)}Fields: {', '.join(known)}.",
            )


def number_of(text: str, what: str) -> int:
    """Return a whole number of a request. Raises ConfigurationError TW-7010."""
    if not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        raise ConfigurationError("TW-7010", f"{what} must be a whole number", value=text)
    return int(text)

"""Reads the fields of a request, and names the one that is wrong."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from tillway.api.asgi import Call
from tillway.errors import ConfigurationError, Refused
from tillway.spelling import nearest

Body = TypeVar("Body", bound=msgspec.Struct)
MOST_DIGITS = 18
Text = Annotated[str, Meta(max_length=256)]
Reason = Annotated[str, Meta(max_length=2000, description="Why; goes to the audit log.")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")


async def body_as(call: Call, kind: type[Body]) -> Body:
    """Return the JSON body of a request. Raises ConfigurationError TW-7010 with the field."""
    body = await call.body()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise _not_read(str(error).rstrip("."), kind) from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigurationError("TW-7010", "the body is no JSON in UTF-8") from None


def _not_read(told: str, kind: type[msgspec.Struct]) -> ConfigurationError:
    unknown = _UNKNOWN.search(told)
    if unknown is None:
        return ConfigurationError("TW-7010", told)
    known = kind.__struct_encode_fields__
    return ConfigurationError(
        "TW-7010",
        f"there is no field {unknown[1]} here",
        path=unknown[1],
        advice=f"{nearest(unknown[1], known)}Fields: {', '.join(known)}.",
    )


def number_of(text: str, what: str) -> int:
    """Return a whole number of a request. Raises ConfigurationError TW-7010."""
    if not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        raise ConfigurationError("TW-7010", f"{what} must be a whole number", value=text)
    return int(text)


def who_acts(call: Call, given: str) -> str:
    """Return who stands in the audit log.

    The command line, which holds the hub's own token, says which person runs it; everybody else is
    who they are. Raises Refused TW-8005 (403) for the name of somebody else.
    """
    if call.caller.via == "hub":
        return given.strip() or call.caller.name
    if given and given != call.caller.name:
        raise Refused(
            "TW-8005", f"{call.caller.name} cannot act in the name of another", status=403
        )
    return call.caller.name

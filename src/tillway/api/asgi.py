"""The little of ASGI that the operating pages need: a call, a reply, and a problem document.

Bodies are read into memory up to a limit, never to disk, because they may hold what must be masked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tillway.access.callers import NOBODY, Caller
from tillway.errors import ConfigurationError, Refused, TillwayError, Transient, code_record

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 1024 * 1024
FORWARDING = frozenset({"forwarded", "via", "x-real-ip"})
"""Headers, beside every `x-forwarded-...`, that a proxy adds to what it passes on."""
RETRY_SECONDS = 2


class Call(msgspec.Struct):
    """One request, its body not read yet. client is the caller's address, "" when unknown.

    caller is who was let in; until then nobody, who may do nothing. raw_query: as it was sent.
    part: what stands in the braces of the operation's address. form_token: what the forms of the
    caller's session carry, "" without a session.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    client: str
    receive: Receive
    raw_query: str = ""
    secure: bool = False
    caller: Caller = NOBODY
    part: str = ""
    form_token: str = ""

    async def body(self, limit: int = MOST_BODY_BYTES) -> bytes:
        """Read the body; raises Refused TW-7014 beyond the limit, without keeping it."""
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        parts, size = [], 0
        while True:
            message = await self.receive()
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                return b"".join(parts)

    @property
    def from_this_machine(self) -> bool:
        """Say whether somebody at this machine calls: not from elsewhere, nor through a proxy."""
        return is_loopback(self.client) and not self._is_passed_on

    @property
    def encrypted(self) -> bool:
        """Say whether the way to the caller is; a proxy on this machine is believed."""
        passed_on = is_loopback(self.client) and self.headers.get("x-forwarded-proto") == "https"
        return self.secure or passed_on

    @property
    def own_origin(self) -> bool:
        """Say whether no other web site sent this: no Origin, or that of the page itself."""
        origin = self.headers.get("origin")
        if origin is None:
            return True
        scheme, _, host = origin.partition("://")
        return host == self.headers.get("host", "") and (scheme == "https" or not self.encrypted)

    @property
    def _is_passed_on(self) -> bool:
        return any(name in FORWARDING or name.startswith("x-forwarded-") for name in self.headers)


class Reply(msgspec.Struct):
    """One answer. pump: sends a body that comes bit by bit, instead of the one here."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    pump: Callable[[Send, Receive], Awaitable[None]] | None = None


def call_of(scope: Scope, receive: Receive) -> Call:
    """Return the request of an ASGI scope."""
    client = scope.get("client")
    raw_query = scope.get("query_string", b"").decode("latin-1")
    return Call(
        method=scope["method"],
        # Decoded once already, as ASGI has it: twice, a proxy's rules would be about other pages.
        path=scope["path"],
        query=dict(parse_qsl(raw_query)),
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        client=client[0] if client else "",
        receive=receive,
        raw_query=raw_query,
        secure=scope.get("scheme") == "https",
    )


def is_loopback(address: str) -> bool:
    """Say whether an address is one of this machine itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


async def send_reply(send: Send, reply: Reply, receive: Receive | None = None) -> None:
    """Send an answer; receive tells one that comes bit by bit when the caller has gone."""
    length = {} if reply.pump else {"content-length": str(len(reply.body))}
    fields = {
        "content-type": reply.content_type,
        **length,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **reply.headers,
    }
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.pump is not None and receive is not None:
        await reply.pump(send, receive)
    else:
        await send({"type": "http.response.body", "body": reply.body})


def json_reply(verb: str, data: Mapping[str, Any], status: int = 200) -> Reply:
    """Return plain values as JSON, with the schema field the command line also prints."""
    document = {"schema": f"tillway.{verb}/1", **data}
    return Reply(status, msgspec.json.encode(document))


def problem_reply(error: TillwayError) -> Reply:
    """Return an error as a problem document (RFC 9457)."""
    status = status_of(error)
    document = {**problem_document(error), "status": status}
    headers = {}
    if isinstance(error, Transient | Refused) and status in (429, 503, 507):
        headers["retry-after"] = str(int(error.retry_after_seconds or RETRY_SECONDS))
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    body = msgspec.json.encode(document)
    return Reply(status, body, "application/problem+json", headers)


def problem_document(error: TillwayError) -> dict[str, Any]:
    """Return an error in the fields of RFC 9457 and our own."""
    record = code_record(error.code)
    return {
        "type": f"urn:tillway:problem:{error.code}",
        "title": record.title if record else error.code,
        "advice": record.advice if record else "",
        **error.as_json(),
    }


def status_of(error: TillwayError) -> int:
    """Return the HTTP status of an error: its own, its code's, or that of its kind."""
    if isinstance(error, Refused):
        return error.status
    record = code_record(error.code)
    if record and record.http_status:
        return record.http_status
    if isinstance(error, Transient):
        return 503
    return 400 if isinstance(error, ConfigurationError) else 500


def _too_large(limit: int) -> Refused:
    return Refused("TW-7014", f"the body is larger than {limit:,} bytes", status=413)

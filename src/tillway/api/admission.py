"""Who a request comes from: the seam, and the way in of the hub's own token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from tillway.access.callers import HUB, Caller
from tillway.api.asgi import Call
from tillway.errors import Refused

Admission = Callable[[Call], Awaitable[Caller]]
"""Returns who calls. Raises Refused: 401 who is it, 403 not from there, 429 too often."""


def bearer_of(call: Call) -> str:
    """Return the bearer token of a request, "" without one."""
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def is_token(given: str, token: str) -> bool:
    """Compare two tokens in a time that tells nothing."""
    return bool(given) and hmac.compare_digest(given.encode(), token.encode())


def refuse_other_sites(call: Call) -> None:
    """Raise Refused TW-7011 (403) for what the page of another web site sent."""
    if not call.own_origin:
        raise Refused("TW-7011", "another web site sent this", status=403)


def token_admission(token: str) -> Admission:
    """Let in who holds the hub's token, and nobody else."""

    async def admit(call: Call) -> Caller:
        refuse_other_sites(call)
        if is_token(bearer_of(call), token):
            return HUB
        raise unknown_caller()

    return admit


def unknown_caller() -> Refused:
    """Return the answer to a request that does not say who it comes from."""
    return Refused("TW-8001", "nobody is logged in, and no valid key was given", status=401)

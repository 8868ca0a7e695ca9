"""Lets people and machines in: the hub's token, keys of machines, sessions of people.

Until the first account is made, the pages serve whoever sits at this machine. From then on
everybody logs in, and other machines may, where a proxy on this machine speaks TLS with them.
"""

from __future__ import annotations

import hmac

import msgspec

from tillway.access.callers import HUB, LOCAL, Caller
from tillway.access.people import People
from tillway.access.sessions import form_token
from tillway.api.admission import bearer_of, is_token, refuse_other_sites, unknown_caller
from tillway.api.asgi import Call
from tillway.errors import Refused

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
COOKIE = "__Host-tillway"
LOCAL_COOKIE = "tillway-session"
FORM_HEADER = "x-form-token"
SAFE = ("GET", "HEAD")


class Doorkeeper(msgspec.Struct):
    """Says who a request comes from. token: that of the hub's own file."""

    people: People
    token: str

    async def api(self, call: Call) -> Caller:
        """Return who calls the API: by the hub's token, by a key, or from a page of the console.

        Raises Refused TW-8001 (401), TW-7011 for another site and for another machine in clear,
        TW-7012 for a change that a page asks without the token of its forms.
        """
        refuse_other_sites(call)
        if not (call.from_this_machine or call.encrypted):
            raise Refused("TW-7011", "the API answers other machines by HTTPS only", status=403)
        if given := bearer_of(call):
            if is_token(given, self.token):
                return HUB
            known = self.people.caller_of_key(given)
            if known is None:
                raise unknown_caller()
            return known
        caller = await self.person(call)
        if caller is None:
            raise unknown_caller()
        if call.method not in SAFE:
            check_form(call, call.headers.get(FORM_HEADER, ""))
        elif call.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused("TW-7011", "another web site sent this", status=403)
        if caller is LOCAL and call.headers.get("sec-fetch-site") != "same-origin":
            # What no page of ours asks shows the token, as it always had to.
            raise unknown_caller()
        return caller

    async def console(self, call: Call) -> Caller:
        """Return who looks at the pages. Raises Refused TW-8001 (401) for who must log in."""
        check_place(call, accounts=self.people.has_accounts)
        caller = await self.person(call)
        if caller is None:
            raise unknown_caller()
        return caller

    async def person(self, call: Call) -> Caller | None:
        """Return who is logged in, or sits at a machine without accounts; None for nobody.

        The token of the forms of a session is put into the call.
        """
        secret = secret_of(call)
        # A live stream or a refresh by itself keeps no session open.
        in_use = call.headers.get("x-tillway-live") is None and not call.path.endswith("/stream")
        session = await self.people.sessions.find(secret, in_use=in_use) if secret else None
        if session is not None:
            call.form_token = form_token(secret)
            if not session.name:
                return Caller(LOCAL.name, LOCAL.roles, None, "session")
            return self.people.caller_of_session(session.name)
        local = call.from_this_machine and host_of(call) in LOCAL_NAMES
        return LOCAL if local and not self.people.has_accounts else None


def check_place(call: Call, *, accounts: bool) -> None:
    """Raise Refused TW-7011 (403) for a caller the pages do not answer.

    This machine under a local name always; another name or machine only where people log in and
    the way is encrypted, by this server or by a proxy on this machine.
    """
    if call.from_this_machine and host_of(call) in LOCAL_NAMES:
        return
    if not accounts:
        raise Refused("TW-7011", "the console answers this machine only", status=403)
    if not call.encrypted:
        raise Refused("TW-7011", "the console answers other machines by HTTPS only", status=403)


def check_form(call: Call, given: str) -> None:
    """Raise Refused TW-7012 (403) for a form that is not of a page of this session."""
    genuine = hmac.compare_digest(given.encode(), call.form_token.encode())
    if not (genuine and call.form_token and call.own_origin):
        raise Refused("TW-7012", "the form is not from a page of this hub", status=403)


def host_of(call: Call) -> str:
    """Return the name that the caller used for this server, without its port."""
    host = call.headers.get("host", "")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def cookie_name(call: Call) -> str:
    """Return the name of the session's cookie.

    `__Host-` with Secure wherever TLS is. On plain loopback Chromium and Firefox would take a
    Secure cookie and Safari would not, so there it is a plain one that never leaves the machine;
    its name holds the port, because cookies do not tell two hubs on one machine apart.
    """
    if call.encrypted:
        return COOKIE
    port = call.headers.get("host", "").rpartition(":")[2]
    return f"{LOCAL_COOKIE}-{port}" if port.isdigit() else LOCAL_COOKIE


def set_cookie(call: Call, secret: str) -> str:
    """Return the header that keeps a session in the browser until it is closed; "" ends it."""
    secure = "; Secure" if call.encrypted else ""
    ended = "" if secret else "; Max-Age=0"
    return f"{cookie_name(call)}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}{ended}"


def secret_of(call: Call) -> str:
    """Return what the session's cookie holds, "" without one."""
    wanted = cookie_name(call)
    for part in call.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value
    return ""

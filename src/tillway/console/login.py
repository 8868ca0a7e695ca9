"""Logging in and out, and the link that logs in once. No page of a hub is shown before that.

Surprising: the link changes something on GET. It is followed from a terminal, where nothing can
send a form, it works once, and what a browser loads ahead of time does not use it up.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import msgspec

from tillway.access.links import Links
from tillway.access.people import People
from tillway.api.asgi import Call, Reply, status_of
from tillway.api.doorkeeper import Doorkeeper, check_place, secret_of, set_cookie
from tillway.api.people import LOGIN_PATH
from tillway.console.assets import answer_asset
from tillway.console.forms import fields_of, own_page
from tillway.console.view import View
from tillway.errors import Refused, TillwayError
from tillway.journal.projection import Change

LOGIN = "/login"
LOGOUT = "/logout"
STATIC = "/static/"
SAFE = ("GET", "HEAD")
NOT_LOGGED_IN = "TW-8001"


class Login(msgspec.Struct, frozen=True):
    """Answers what is asked before anybody is known."""

    people: People
    links: Links
    doorkeeper: Doorkeeper

    async def answer(self, view: View) -> Reply | None:
        """Answer a page, a form or a file that nobody must be logged in for; None for all else."""
        call = view.call
        if not call.path.startswith((LOGIN, LOGOUT, STATIC)):
            return None
        check_place(call, accounts=self.people.has_accounts)
        if call.path.startswith(STATIC) and call.method in SAFE:
            return answer_asset(call)
        if call.path == LOGIN_PATH and call.method == "GET":
            return await self._follow(call)
        if call.path == LOGIN:
            return self._page(view) if call.method in SAFE else await self._log_in(view)
        if call.path == LOGOUT and call.method == "POST":
            return await self._log_out(view)
        raise Refused("TW-7010", f"there is no page at {call.path}", status=404)

    def instead(self, view: View, error: TillwayError) -> Reply | None:
        """Send who is not logged in from a page to the login, and back afterwards."""
        call = view.call
        if error.code != NOT_LOGGED_IN or call.method not in SAFE:
            return None
        return _to(f"{LOGIN}?{urlencode({'next': view.address})}")

    def _page(self, view: View, error: TillwayError | None = None) -> Reply:
        status = 200 if error is None else status_of(error)
        values = {
            "error": error,
            "next": own_page(view.query("next")),
            "has_accounts": self.people.has_accounts,
        }
        return view.html("login.html", values, status=status)

    async def _log_in(self, view: View) -> Reply:
        call = view.call
        if not call.own_origin:
            raise Refused("TW-7012", "the form is not from a page of this hub", status=403)
        fields = dict(parse_qsl((await call.body()).decode("utf-8", "replace")))
        try:
            secret = await self.people.log_in(
                fields.get("name", ""), fields.get("password", ""), call.client
            )
        except TillwayError as error:
            reply = self._page(view, error)
            if isinstance(error, Refused) and error.retry_after_seconds:
                reply.headers["retry-after"] = str(int(error.retry_after_seconds))
            return reply
        await self.people.sessions.end(secret_of(call))
        return _to(own_page(fields.get("next", "")), set_cookie(call, secret))

    async def _log_out(self, view: View) -> Reply:
        call = view.call
        await self.doorkeeper.person(call)
        await fields_of(view)
        await self.people.sessions.end(secret_of(call))
        return _to(LOGIN, set_cookie(call, ""))

    async def _follow(self, call: Call) -> Reply:
        if "prefetch" in call.headers.get("sec-purpose", call.headers.get("purpose", "")):
            raise Refused("TW-8008", "a login link is followed by a person", status=403)
        name = self.links.redeem(call.query.get("code", ""))
        if name and self.people.caller_of_session(name) is None:
            raise Refused("TW-8008", "the account of this link is locked", status=403)
        who = name or "console"
        change = Change(actions=[self.people.sessions.entry(who, "login", "by a link")])
        secret = await self.people.sessions.begin(name, change)
        await self.people.sessions.end(secret_of(call))
        return _to("/", set_cookie(call, secret))


def _to(address: str, cookie: str = "") -> Reply:
    headers = {"location": address}
    if cookie:
        headers["set-cookie"] = cookie
    return Reply(303, b"", headers=headers)

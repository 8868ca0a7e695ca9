"""People and keys, requests for a second person, and the own account: pages and their forms."""

from __future__ import annotations

from tillway.access.accounts import Deed
from tillway.access.callers import ROLE_NAMES
from tillway.api.asgi import Reply
from tillway.api.doorkeeper import set_cookie
from tillway.api.fields import number_of
from tillway.api.people import PeopleAnswers
from tillway.clock import utc_text
from tillway.console.forms import back, fields_of
from tillway.console.view import View
from tillway.errors import ConfigurationError, Refused

PEOPLE, APPROVALS, ACCOUNT = "/people", "/approvals", "/account"


async def show(view: View) -> Reply:
    """List people and keys, with the forms that change them."""
    return _shown(view)


async def add_user(view: View) -> Reply:
    """Make an account."""
    desk, fields = _desk(view), await fields_of(view)
    roles, scope = fields.get("roles", "").split(), fields.get("scope", "").split()
    password = fields.get("password", "")
    await desk.people.add_user(fields.get("name", ""), password, roles, scope, _deed(view, fields))
    return back(PEOPLE, "user-added")


async def change_user(view: View, name: str) -> Reply:
    """Give a person other roles and shops."""
    desk, fields = _desk(view), await fields_of(view)
    roles, scope = fields.get("roles", "").split(), fields.get("scope", "").split()
    await desk.people.change_user(name, roles, scope, _deed(view, fields))
    return back(PEOPLE, "user-changed")


async def disable(view: View, name: str) -> Reply:
    """Lock an account."""
    return await _set_active(view, name, active=False)


async def enable(view: View, name: str) -> Reply:
    """Open a locked account again."""
    return await _set_active(view, name, active=True)


async def set_password(view: View, name: str) -> Reply:
    """Set the password of a person."""
    desk, fields = _desk(view), await fields_of(view)
    await desk.people.set_password(name, fields.get("password", ""), _deed(view, fields))
    return back(PEOPLE, "password-set")


async def add_key(view: View) -> Reply:
    """Make a key and show it, this once."""
    desk, fields = _desk(view), await fields_of(view)
    roles, scope = fields.get("roles", "").split(), fields.get("scope", "").split()
    deed = _deed(view, fields)
    key, secret = await desk.people.add_key(fields.get("name", ""), roles, scope, deed)
    return _shown(view, new_key=key.name, secret=secret)


async def revoke_key(view: View, name: str) -> Reply:
    """Let a key open nothing any more."""
    desk, fields = _desk(view), await fields_of(view)
    await desk.people.revoke_key(name, _deed(view, fields))
    return back(PEOPLE, "key-revoked")


async def approvals(view: View) -> Reply:
    """List requests for a second person."""
    view.caller.need_all_stores()
    listed = [
        {**one.as_json(), "asked": utc_text(one.asked_at), "own": one.asked_by == view.caller.name}
        for one in _desk(view).approvals.listed()
    ]
    decides = view.may("approvals.decide")
    return view.html("approvals.html", {"approvals": listed[:100], "decides": decides})


async def approve(view: View, number: str) -> Reply:
    """Approve a request, which carries it out."""
    return await _decide(view, number, approve=True)


async def reject(view: View, number: str) -> Reply:
    """Reject a request."""
    return await _decide(view, number, approve=False)


async def account(view: View) -> Reply:
    """Show who is logged in, with the form for another password."""
    return view.html("account.html", {"permissions": view.caller.permissions})


async def own_password(view: View) -> Reply:
    """Change the own password; every session of it ends, this one too."""
    desk, fields = _desk(view), await fields_of(view)
    name = view.caller.name
    if name not in {one.name for one in desk.people.users}:
        raise Refused("TW-8024", f"{name} has no password", status=403)
    new = fields.get("new", "")
    if new != fields.get("again", ""):
        raise ConfigurationError("TW-8012", "the two new passwords differ", path="again")
    await desk.people.change_own_password(name, fields.get("old", ""), new, view.call.client)
    reply = back("/login")
    reply.headers["set-cookie"] = set_cookie(view.call, "")
    return reply


async def _set_active(view: View, name: str, *, active: bool) -> Reply:
    desk, fields = _desk(view), await fields_of(view)
    await desk.people.set_active(name, active=active, deed=_deed(view, fields))
    return back(PEOPLE, "user-enabled" if active else "user-disabled")


async def _decide(view: View, number: str, *, approve: bool) -> Reply:
    desk, fields = _desk(view), await fields_of(view)
    view.caller.need_all_stores()
    who, reason = view.caller.name, fields.get("reason", "")
    await desk.decide(view.call, number_of(number, "the number"), reason, who=who, approve=approve)
    return back(APPROVALS, "approved" if approve else "rejected")


def _shown(view: View, *, new_key: str = "", secret: str = "") -> Reply:
    view.caller.need_all_stores()
    desk = _desk(view)
    values = {
        "users": desk.people.users,
        "keys": desk.people.keys,
        "roles": ROLE_NAMES,
        "new_key": new_key,
        "secret": secret,
    }
    return view.html("people.html", values)


def _desk(view: View) -> PeopleAnswers:
    if view.console.people is None:
        raise Refused("TW-7010", f"there is no page at {view.call.path}", status=404)
    return view.console.people


def _deed(view: View, fields: dict[str, str]) -> Deed:
    view.caller.need_all_stores()
    return Deed(view.caller.name, fields.get("reason", ""))

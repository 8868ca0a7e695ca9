"""People, keys, login links and requests for a second person, over the API.

Passwords and keys come in or go out once and are never answered again.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from tillway.access.accounts import Deed, Key, User
from tillway.access.approvals import STATES, Approval, Approvals
from tillway.access.callers import Permission, Role
from tillway.access.links import Links
from tillway.access.passwords import LONGEST
from tillway.access.people import People
from tillway.api.answers import answer, many
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.changes import Changes, ReplayRequest
from tillway.api.described import Operation, Parameter
from tillway.api.fields import Reason, Text, body_as, who_acts
from tillway.errors import ConfigurationError, Refused

Password = Annotated[str, Meta(max_length=4 * LONGEST)]
Words = Annotated[list[Text], Meta(max_length=1000)]
REPLAY = "replay"
LOGIN_PATH = "/login/link"


class UserRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of users/add. scope: `store:0145`, `region:north`, `country:DE`; none for every shop."""

    name: Text
    password: Password
    roles: Words
    reason: Reason
    scope: Words = []
    who: Text = ""


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """Body of users/change: the roles and shops from now on."""

    name: Text
    roles: Words
    reason: Reason
    scope: Words = []
    who: Text = ""


class NameRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of what is done to one person or key."""

    name: Text
    reason: Reason
    who: Text = ""


class PasswordRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of users/password."""

    name: Text
    password: Password
    reason: Reason
    who: Text = ""


class OwnPasswordRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of me/password."""

    old: Password
    new: Password


class KeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of keys/add."""

    name: Text
    roles: Words
    reason: Reason
    scope: Words = []
    who: Text = ""


class LinkRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of access/link; name "" for the owner of this machine."""

    name: Text = ""
    reason: Reason = ""
    who: Text = ""


class DecideRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of approvals/approve and approvals/reject."""

    id: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    reason: Reason
    who: Text = ""


class UserTold(msgspec.Struct):
    """A person, without the password. Times: microseconds UTC."""

    name: str
    roles: list[Role]
    scope: list[str]
    active: bool
    made_at: int
    changed_at: int


class KeyTold(msgspec.Struct):
    """A key, without its secret. revoked_at: 0 while it is good."""

    name: str
    roles: list[Role]
    scope: list[str]
    made_at: int
    revoked_at: int


class ApprovalTold(msgspec.Struct):
    """A request for a second person. Times: microseconds UTC."""

    approval_id: int
    kind: str
    subject: str
    request: dict[str, Any]
    asked_by: str
    asked_at: int
    reason: str
    state: Literal["waiting", "approved", "rejected"]
    decided_by: str
    decided_at: int
    decided_why: str


_USER = {"user": UserTold}
_MANAGE: Permission = "people.manage"

PEOPLE_OPERATIONS: tuple[Operation, ...] = (
    Operation("me", "GET", "self", "Who calls, with roles, permissions and shops.",
              answer("me", name=str, via=str, roles=list[Role], permissions=list[str],
                     stores=list[str] | None)),
    Operation("me/password", "POST", "self", "Change the own password; ends every session.",
              answer("me.password", name=str), body=OwnPasswordRequest),
    Operation("access/users", "GET", _MANAGE, "Everybody who has an account.",
              answer("access.users", users=many(UserTold)), every_store=True),
    Operation("access/users/add", "POST", _MANAGE, "Make an account.",
              answer("access.users.add", _USER), body=UserRequest, every_store=True),
    Operation("access/users/change", "POST", _MANAGE, "Give a person other roles and shops.",
              answer("access.users.change", _USER), body=UserChange, every_store=True),
    Operation("access/users/password", "POST", _MANAGE, "Set the password of a person.",
              answer("access.users.password", _USER), body=PasswordRequest, every_store=True),
    Operation("access/users/disable", "POST", _MANAGE, "Lock an account and end its sessions.",
              answer("access.users.disable", _USER), body=NameRequest, every_store=True),
    Operation("access/users/enable", "POST", _MANAGE, "Open a locked account again.",
              answer("access.users.enable", _USER), body=NameRequest, every_store=True),
    Operation("access/keys", "GET", _MANAGE, "Keys of machines, without their secrets.",
              answer("access.keys", keys=many(KeyTold)), every_store=True),
    Operation("access/keys/add", "POST", _MANAGE, "Make a key; its secret is answered once.",
              answer("access.keys.add", key=KeyTold, secret=str), body=KeyRequest,
              every_store=True),
    Operation("access/keys/revoke", "POST", _MANAGE, "Let a key open nothing any more.",
              answer("access.keys.revoke", key=KeyTold), body=NameRequest, every_store=True),
    Operation("access/link", "POST", _MANAGE, "A link that logs in once, within ten minutes.",
              answer("access.link", path=str, name=str), body=LinkRequest, every_store=True),
    Operation("approvals", "GET", "approvals.read", "Requests for a second person.",
              answer("approvals", approvals=many(ApprovalTold)), every_store=True,
              query=(Parameter("state", "Only these.", choices=STATES),)),
    Operation("approvals/approve", "POST", "approvals.decide", "Approve, and carry it out.",
              answer("approve", approval=ApprovalTold, done=dict[str, Any]),
              body=DecideRequest, every_store=True),
    Operation("approvals/reject", "POST", "approvals.decide", "Reject; nothing is done.",
              answer("reject", approval=ApprovalTold), body=DecideRequest, every_store=True),
)  # fmt: skip


class PeopleAnswers(msgspec.Struct, frozen=True):
    """The handlers of PEOPLE_OPERATIONS."""

    people: People
    links: Links
    approvals: Approvals
    changes: Changes

    @property
    def handlers(self) -> dict[str, Any]:
        """Return key of an operation -> what answers it."""
        return {
            "GET me": self.me,
            "POST me/password": self.own_password,
            "GET access/users": self.users,
            "POST access/users/add": self.add_user,
            "POST access/users/change": self.change_user,
            "POST access/users/password": self.password,
            "POST access/users/disable": self.disable,
            "POST access/users/enable": self.enable,
            "GET access/keys": self.keys,
            "POST access/keys/add": self.add_key,
            "POST access/keys/revoke": self.revoke_key,
            "POST access/link": self.link,
            "GET approvals": self.waiting,
            "POST approvals/approve": self.approve,
            "POST approvals/reject": self.reject,
        }

    async def me(self, call: Call) -> Reply:
        """Answer who calls."""
        caller = call.caller
        return json_reply(
            "me",
            {
                "name": caller.name,
                "via": caller.via,
                "roles": sorted(caller.roles),
                "permissions": caller.permissions,
                "stores": None if caller.stores is None else sorted(caller.stores),
            },
        )

    async def own_password(self, call: Call) -> Reply:
        """Change the own password."""
        request = await body_as(call, OwnPasswordRequest)
        name = call.caller.name
        if call.caller.via != "session" or name not in {one.name for one in self.people.users}:
            raise Refused("TW-8024", f"{name} has no password", status=403)
        await self.people.change_own_password(name, request.old, request.new, call.client)
        return json_reply("me.password", {"name": name})

    async def users(self, _call: Call) -> Reply:
        """Answer everybody who has an account."""
        return json_reply("access.users", {"users": [user_told(one) for one in self.people.users]})

    async def add_user(self, call: Call) -> Reply:
        """Make an account."""
        asked = await body_as(call, UserRequest)
        made = await self.people.add_user(
            asked.name, asked.password, asked.roles, asked.scope, _deed(call, asked)
        )
        return json_reply("access.users.add", {"user": user_told(made)})

    async def change_user(self, call: Call) -> Reply:
        """Give a person other roles and shops."""
        asked = await body_as(call, UserChange)
        deed = _deed(call, asked)
        made = await self.people.change_user(asked.name, asked.roles, asked.scope, deed)
        return json_reply("access.users.change", {"user": user_told(made)})

    async def password(self, call: Call) -> Reply:
        """Set the password of a person."""
        asked = await body_as(call, PasswordRequest)
        deed = _deed(call, asked)
        made = await self.people.set_password(asked.name, asked.password, deed)
        return json_reply("access.users.password", {"user": user_told(made)})

    async def disable(self, call: Call) -> Reply:
        """Lock an account."""
        asked = await body_as(call, NameRequest)
        made = await self.people.set_active(asked.name, active=False, deed=_deed(call, asked))
        return json_reply("access.users.disable", {"user": user_told(made)})

    async def enable(self, call: Call) -> Reply:
        """Open a locked account again."""
        asked = await body_as(call, NameRequest)
        made = await self.people.set_active(asked.name, active=True, deed=_deed(call, asked))
        return json_reply("access.users.enable", {"user": user_told(made)})

    async def keys(self, _call: Call) -> Reply:
        """Answer the keys of machines."""
        return json_reply("access.keys", {"keys": [key_told(one) for one in self.people.keys]})

    async def add_key(self, call: Call) -> Reply:
        """Make a key."""
        asked = await body_as(call, KeyRequest)
        deed = _deed(call, asked)
        key, secret = await self.people.add_key(asked.name, asked.roles, asked.scope, deed)
        return json_reply("access.keys.add", {"key": key_told(key), "secret": secret})

    async def revoke_key(self, call: Call) -> Reply:
        """Let a key open nothing any more."""
        asked = await body_as(call, NameRequest)
        key = await self.people.revoke_key(asked.name, _deed(call, asked))
        return json_reply("access.keys.revoke", {"key": key_told(key)})

    async def link(self, call: Call) -> Reply:
        """Make a link that logs in once: only for whoever holds the hub's own token."""
        asked = await body_as(call, LinkRequest)
        if call.caller.via != "hub":
            raise Refused("TW-8024", "links are made on the hub's machine only", status=403)
        name = asked.name
        if name and self.people.caller_of_session(name) is None:
            raise ConfigurationError("TW-8016", f"there is no active user {name}", path="name")
        await self.people.note(_deed(call, asked), "login link", name or "console")
        path = f"{LOGIN_PATH}?code={self.links.make(name)}"
        return json_reply("access.link", {"path": path, "name": name})

    async def waiting(self, call: Call) -> Reply:
        """Answer requests, those that wait unless asked otherwise."""
        found = self.approvals.listed(call.query.get("state", "waiting"))
        return json_reply("approvals", {"approvals": [one.as_json() for one in found]})

    async def approve(self, call: Call) -> Reply:
        """Approve a request and carry it out as its second person."""
        asked = await body_as(call, DecideRequest)
        who = who_acts(call, asked.who)
        decided, done = await self.decide(call, asked.id, asked.reason, who=who, approve=True)
        return json_reply("approve", {"approval": decided.as_json(), "done": done})

    async def reject(self, call: Call) -> Reply:
        """Reject a request."""
        asked = await body_as(call, DecideRequest)
        who = who_acts(call, asked.who)
        decided, _ = await self.decide(call, asked.id, asked.reason, who=who, approve=False)
        return json_reply("reject", {"approval": decided.as_json()})

    async def decide(
        self, call: Call, number: int, reason: str, *, who: str, approve: bool
    ) -> tuple[Approval, dict[str, Any]]:
        """Decide a request, and carry it out when it is approved; return it and what was done."""
        decided = await self.approvals.decide(
            number, call.caller, who=who, approve=approve, reason=reason
        )
        if not approve:
            return decided, {}
        assert decided.kind == REPLAY, decided.kind
        request = msgspec.json.decode(decided.request, type=ReplayRequest)
        return decided, await self.changes.replay_as(request, who, reason)


def user_told(user: User) -> dict[str, Any]:
    """Return a person as plain values, without the password."""
    return {
        "name": user.name,
        "roles": list(user.roles),
        "scope": list(user.scope),
        "active": user.active,
        "made_at": user.made_at,
        "changed_at": user.changed_at,
    }


def key_told(key: Key) -> dict[str, Any]:
    """Return a key as plain values, without its secret."""
    return {
        "name": key.name,
        "roles": list(key.roles),
        "scope": list(key.scope),
        "made_at": key.made_at,
        "revoked_at": key.revoked_at,
    }


class _Asked(Protocol):
    """What every body has that changes people or keys."""

    who: str
    reason: str


def _deed(call: Call, asked: _Asked) -> Deed:
    return Deed(who_acts(call, asked.who), asked.reason)

"""Who calls, and what that person or machine may do: roles, permissions, and the shops they see.

Surprising: NOBODY is what a request carries until somebody let it in, so that a way in which
forgets to ask shows and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

import msgspec

from tillway.errors import Refused

Role = Literal["viewer", "operator", "finance", "engineer", "approver", "admin", "auditor"]
Permission = Literal[
    "status.read",
    "messages.read",
    "messages.retry",
    "messages.replay",
    "ingest",
    "stores.read",
    "recon.read",
    "recon.decide",
    "recon.run",
    "books.read",
    "alerts.read",
    "alerts.act",
    "settings.read",
    "audit.read",
    "approvals.read",
    "approvals.decide",
    "people.manage",
    "self",
]
ROLE_NAMES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

_LOOK: frozenset[Permission] = frozenset(
    {
        "status.read",
        "messages.read",
        "stores.read",
        "recon.read",
        "books.read",
        "alerts.read",
        "approvals.read",
        "self",
    }
)
_MEND: frozenset[Permission] = frozenset({"messages.retry", "messages.replay", "alerts.act"})
ROLES: Mapping[Role, frozenset[Permission]] = {
    "viewer": _LOOK,
    "operator": _LOOK | _MEND | {"ingest"},
    "finance": _LOOK | {"recon.decide", "recon.run"},
    "engineer": _LOOK | _MEND | {"ingest", "recon.run", "settings.read"},
    "approver": _LOOK | {"approvals.decide"},
    "admin": _LOOK | {"people.manage", "settings.read", "audit.read", "alerts.act"},
    "auditor": _LOOK | {"audit.read", "settings.read"},
}
"""role -> what it may do. An admin manages people and decides nothing about money or messages."""

Way = Literal["hub", "session", "key"]


class Caller(msgspec.Struct, frozen=True):
    """A person or a machine that was let in.

    stores: the shops it sees, None for all; via: the hub's own token or this machine, a login, or
    an API key.
    """

    name: str
    roles: frozenset[Role]
    stores: frozenset[str] | None
    via: Way

    def may(self, permission: Permission) -> bool:
        """Say whether one of the roles allows it."""
        return any(permission in ROLES[role] for role in self.roles)

    @property
    def permissions(self) -> list[Permission]:
        """Return everything the roles allow, in the usual order."""
        return [one for one in PERMISSIONS if self.may(one)]

    def sees(self, store: str) -> bool:
        """Say whether a shop is in sight; what belongs to no shop is seen with all shops only."""
        return self.stores is None or store in self.stores

    def need(self, permission: Permission) -> None:
        """Raise Refused TW-8002 (403) when no role allows it."""
        if not self.may(permission):
            wanted = ", ".join(roles_with(permission)) or "none"
            raise Refused(
                "TW-8002",
                f"{self.name or 'this caller'} may not do this ({permission})",
                status=403,
                advice=f"It takes one of the roles: {wanted}.",
            )

    def need_store(self, store: str) -> None:
        """Raise Refused TW-8003 (403) for a shop out of sight, whether or not there is one."""
        if not self.sees(store):
            raise Refused("TW-8003", "this shop is not among the ones you look after", status=403)

    def need_all_stores(self) -> None:
        """Raise Refused TW-8004 (403) for a caller who does not see every shop."""
        if self.stores is not None:
            raise Refused(
                "TW-8004", "this covers every shop, and you look after some of them", status=403
            )


NOBODY = Caller("", frozenset(), frozenset(), "key")
"""Who was not let in yet: may do nothing and sees nothing."""
HUB = Caller("hub", frozenset(ROLE_NAMES), None, "hub")
"""Who holds the hub's own token: the command line of this machine's owner."""
LOCAL = Caller("console", frozenset(ROLE_NAMES), None, "hub")
"""Whoever sits at this machine, while no account was made."""


def roles_with(permission: Permission) -> list[Role]:
    """Return the roles that allow something, in their usual order."""
    return [role for role in ROLE_NAMES if permission in ROLES[role]]


def in_sight(caller: Caller, stores: Collection[str]) -> list[str]:
    """Return those of some shops that a caller sees, sorted."""
    return sorted(store for store in stores if caller.sees(store))

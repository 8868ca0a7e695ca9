"""People and keys as they are kept: name, roles, and which shops they look after.

No password and no key can be read from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

import msgspec

from tillway.access.callers import Role
from tillway.errors import ConfigurationError
from tillway.journal.projection import Row
from tillway.spelling import nearest

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
RESERVED = frozenset({"hub", "console", "policy", "nobody"})
"""Names the hub itself bears in the audit log."""


class User(msgspec.Struct, frozen=True):
    """A person. password: Argon2id; times: microseconds UTC; scope: words, () for every shop."""

    name: str
    password: str
    roles: tuple[Role, ...]
    scope: tuple[str, ...]
    active: bool
    made_at: int
    changed_at: int

    def __repr__(self) -> str:
        return f"User({self.name!r}, roles={self.roles}, scope={self.scope})"

    def row(self) -> Row:
        """Return it as a row of its table."""
        roles, scope = " ".join(self.roles), " ".join(self.scope)
        return (self.name, self.password, roles, scope, int(self.active), self.made_at,
                self.changed_at)  # fmt: skip


class Key(msgspec.Struct, frozen=True):
    """A key of a machine. digest: SHA-256; revoked_at: 0 while it is good."""

    name: str
    digest: bytes
    roles: tuple[Role, ...]
    scope: tuple[str, ...]
    made_at: int
    revoked_at: int = 0

    def row(self) -> Row:
        """Return it as a row of its table."""
        roles, scope = " ".join(self.roles), " ".join(self.scope)
        return (self.name, self.digest, roles, scope, self.made_at, self.revoked_at)


class Deed(msgspec.Struct, frozen=True):
    """Who does something to people or keys, and why; it goes to the audit log."""

    who: str
    reason: str


def user_from(row: Row) -> User:
    """Return the person of a row."""
    name, password, roles, scope, active, made_at, changed_at = row
    return User(name, password, roles_from(roles.split()), tuple(scope.split()), bool(active),
                made_at, changed_at)  # fmt: skip


def key_from(row: Row) -> Key:
    """Return the key of a row."""
    name, digest, roles, scope, made_at, revoked_at = row
    known = roles_from(roles.split())
    return Key(name, digest, known, tuple(scope.split()), made_at, revoked_at)


def check_name(name: str) -> str:
    """Return a name. Raises ConfigurationError TW-8010 for one that cannot be used."""
    if not _NAME.fullmatch(name) or name in RESERVED:
        raise ConfigurationError(
            "TW-8010", f'"{name}" cannot be the name of a person or key', path="name", value=name
        )
    return name


def check_roles(roles: Iterable[str]) -> tuple[Role, ...]:
    """Return roles in their usual order. Raises ConfigurationError TW-8011 for none or unknown."""
    given, known = set(roles), get_args(Role)
    for one in sorted(given):
        if one not in known:
            advice = f"{nearest(one, known)}Roles: {', '.join(known)}."
            raise ConfigurationError(
                "TW-8011", f"there is no role {one}", path="roles", value=one, advice=advice
            )
    if not given:
        raise ConfigurationError("TW-8011", "at least one role is needed", path="roles")
    return roles_from(given)


def roles_from(words: Iterable[str]) -> tuple[Role, ...]:
    """Return the known roles among some words, in their usual order."""
    given = set(words)
    return tuple(one for one in get_args(Role) if one in given)

"""Everyone who may come in: people with passwords, and keys of machines.

Surprising: all of it is read once and kept in memory, since only the hub that holds the journal
changes it; each change is committed before it counts.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from tillway.access.accounts import (
    Deed,
    Key,
    User,
    check_name,
    check_roles,
    key_from,
    user_from,
)
from tillway.access.callers import Caller
from tillway.access.passwords import LONGEST, Passwords, check_password
from tillway.access.scopes import check_scope, stores_of
from tillway.access.sessions import Sessions
from tillway.access.tables import rows, tables, write
from tillway.access.tries import FORGOTTEN_SECONDS, Tries
from tillway.clock import MICROSECONDS, Clock
from tillway.errors import ConfigurationError, Refused
from tillway.journal.base import Action
from tillway.journal.projection import Change, Projecting
from tillway.project.records import Store
from tillway.spelling import nearest

OWNER = ""
"""Whose a session is that came by a link of the owner of this machine."""
KEY_BYTES = 32
KEY_START = "twk_"
"""So that a key that got into a file or a log is recognised."""


class People:
    """Users, keys and sessions of one hub."""

    def __init__(
        self,
        journal: Projecting,
        clock: Clock,
        stores: Mapping[str, Store],
        passwords: Passwords | None = None,
    ) -> None:
        self.sessions = Sessions(journal, clock)
        self._journal = journal
        self._clock = clock
        self._stores = stores
        self._passwords = passwords or Passwords()
        self._tries = Tries()
        self._users: dict[str, User] = {}
        self._keys: dict[str, Key] = {}
        self._changing = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        journal: Projecting,
        clock: Clock,
        stores: Mapping[str, Store],
        passwords: Passwords | None = None,
    ) -> People:
        """Create the tables where they are missing, and read who may come in."""
        await journal.open_tables(tables())
        people = cls(journal, clock, stores, passwords)
        old = clock.now() - FORGOTTEN_SECONDS * MICROSECONDS
        change = Change()
        change.run(write("old_tries"), (old,))
        change.run(write("old_sessions"), (old, old))
        await journal.project(change)
        people._users = {one.name: one for one in map(user_from, await rows(journal, "users"))}
        people._keys = {one.name: one for one in map(key_from, await rows(journal, "keys"))}
        await people._tries.load(journal)
        await people.sessions.load()
        return people

    @property
    def has_accounts(self) -> bool:
        """Say whether an account was ever made: from then on everybody logs in."""
        return bool(self._users)

    @property
    def users(self) -> list[User]:
        """Return everybody who has an account, by name."""
        return [self._users[name] for name in sorted(self._users)]

    @property
    def keys(self) -> list[Key]:
        """Return the keys of machines, revoked ones too, by name."""
        return [self._keys[name] for name in sorted(self._keys)]

    # --- coming in ------------------------------------------------------------------------------

    async def log_in(self, name: str, password: str, address: str) -> str:
        """Check a password and return the secret of a new session.

        Raises Refused TW-8006 (401) for a wrong name or password, which of the two is not said;
        TW-8007 (429) after too many failures.
        """
        now, name = self._clock.now(), name.strip().lower()
        user = self._users.get(name)
        # What was typed for a name may be a password, so an unknown one is not written down.
        subject = name if user else f"#{sha256(name.encode()).hexdigest()[:32]}"
        told = name if user else "a name nobody has"
        stored = user.password if user and user.active else ""
        await self._look_at(subject, told, stored, password, address)
        if user and self._passwords.is_old(stored):
            stored = await self._renewed(user, password)
        # Locked, or given another password, while this one was looked at: then it opens nothing.
        known = self._users.get(name)
        if known is None or not known.active or known.password != stored:
            raise _wrong_password()
        change = Change(actions=[Action(now, name, "login", f"from {address}", "")])
        self._tries.succeeded(subject, change)
        return await self.sessions.begin(name, change)

    def caller_of_session(self, name: str) -> Caller | None:
        """Return a person who is logged in, None when the account does not count any more."""
        user = self._users.get(name)
        if user is None or not user.active:
            return None
        return Caller(name, frozenset(user.roles), stores_of(user.scope, self._stores), "session")

    def caller_of_key(self, secret: str) -> Caller | None:
        """Return the machine that holds a key, None when there is no such key."""
        digest = sha256(secret.encode()).digest()
        for key in self._keys.values():
            if hmac.compare_digest(key.digest, digest) and not key.revoked_at:
                stores = stores_of(key.scope, self._stores)
                return Caller(key.name, frozenset(key.roles), stores, "key")
        return None

    # --- changing who may come in ---------------------------------------------------------------

    async def add_user(
        self, name: str, password: str, roles: Sequence[str], scope: Sequence[str], deed: Deed
    ) -> User:
        """Make an account.

        Raises ConfigurationError TW-8010 to TW-8013 for a name, role, password or scope that
        cannot be, TW-8014 for a name that is taken.
        """
        now, wide = self._clock.now(), check_scope(scope, self._stores)
        made = User(check_name(name), "", check_roles(roles), wide, True, now, now)  # noqa: FBT003 - active
        check_password(name, password)
        async with self._changing:
            if name in self._users or name in self._keys:
                raise _taken(name)
            if not self._users and ("admin" not in made.roles or wide):
                raise ConfigurationError(
                    "TW-8015", "the first account has the role admin for every shop", path="roles"
                )
            user = msgspec.structs.replace(made, password=await self._passwords.stored(password))
            # From the first account on everybody logs in, the owner of this machine too.
            ends = None if self._users else OWNER
            await self._keep(user, "add user", _told(user), deed, ends=ends)
        return user

    async def change_user(
        self, name: str, roles: Sequence[str], scope: Sequence[str], deed: Deed
    ) -> User:
        """Give a person other roles and shops. Raises as `add_user`; TW-8016 for nobody."""
        fresh, wide = check_roles(roles), check_scope(scope, self._stores)
        async with self._changing:
            before = self._user(name)
            user = msgspec.structs.replace(
                before, roles=fresh, scope=wide, changed_at=self._clock.now()
            )
            self._check_admins(user)
            told = f"{_told(user)} (before: {_told(before)})"
            await self._keep(user, "change user", told, deed)
        return user

    async def set_active(self, name: str, *, active: bool, deed: Deed) -> User:
        """Lock an account, which ends its sessions, or open it again. Raises TW-8015, TW-8016."""
        async with self._changing:
            user = msgspec.structs.replace(
                self._user(name), active=active, changed_at=self._clock.now()
            )
            self._check_admins(user)
            verb = "enable user" if active else "disable user"
            await self._keep(user, verb, name, deed, ends=None if active else name)
        return user

    async def set_password(self, name: str, password: str, deed: Deed) -> User:
        """Give a person another password, which ends every session. Raises TW-8012, TW-8016."""
        check_password(name, password)
        async with self._changing:
            self._user(name)
            stored = await self._passwords.stored(password)
            user = msgspec.structs.replace(
                self._user(name), password=stored, changed_at=self._clock.now()
            )
            await self._keep(user, "set password", name, deed, ends=name)
        return user

    async def change_own_password(self, name: str, old: str, new: str, address: str) -> None:
        """Let a person change the own password. Raises Refused TW-8006 when the old one is wrong.

        Wrong ones count as failed logins do (TW-8007).
        """
        await self._look_at(name, name, self._user(name).password, old, address)
        await self.set_password(name, new, Deed(name, "own password"))

    async def add_key(
        self, name: str, roles: Sequence[str], scope: Sequence[str], deed: Deed
    ) -> tuple[Key, str]:
        """Make a key; it is returned here and never again. Raises as `add_user` does.

        A revoked key's name stays taken, so that the audit log names one machine by it.
        """
        secret = KEY_START + secrets.token_urlsafe(KEY_BYTES)
        digest = sha256(secret.encode()).digest()
        key = Key(check_name(name), digest, check_roles(roles), check_scope(scope, self._stores),
                  self._clock.now())  # fmt: skip
        async with self._changing:
            if name in self._users or name in self._keys:
                raise _taken(name)
            await self._keep_key(key, "add key", _told(key), deed)
        return key, secret

    async def revoke_key(self, name: str, deed: Deed) -> Key:
        """Let a key open nothing any more. Raises ConfigurationError TW-8016 for no such key."""
        async with self._changing:
            key = self._keys.get(name)
            if key is None:
                raise _nobody("key", name, self._keys)
            if not key.revoked_at:
                key = msgspec.structs.replace(key, revoked_at=self._clock.now())
                await self._keep_key(key, "revoke key", name, deed)
        return key

    async def note(self, deed: Deed, verb: str, subject: str) -> None:
        """Put something into the audit log that changes nobody. Raises TW-7007 without a reason."""
        await self._journal.project(Change(actions=[self._action(verb, subject, deed)]))

    async def _look_at(
        self, subject: str, told: str, stored: str, password: str, address: str
    ) -> None:
        """Look at a password; a wrong one is counted under its subject and written down as told."""
        with self._tries.looking(subject, address, self._clock.now()):
            if await self._passwords.fits(stored, password[: 4 * LONGEST]):
                return
            now = self._clock.now()
            change = Change(actions=[Action(now, told, "login failed", f"from {address}", "")])
            self._tries.failed(subject, address, now, change)
            await self._journal.project(change)
        raise _wrong_password()

    async def _renewed(self, user: User, password: str) -> str:
        """Store a password at the cost that is usual now, unless the account changed meanwhile."""
        stored = await self._passwords.stored(password)
        async with self._changing:
            known = self._user(user.name)
            if known.password != user.password:
                return user.password
            fresh, change = msgspec.structs.replace(known, password=stored), Change()
            change.run(write("user"), fresh.row())
            await self._journal.project(change)
            self._users[user.name] = fresh
        return stored

    def _user(self, name: str) -> User:
        if name not in self._users:
            raise _nobody("user", name, self._users)
        return self._users[name]

    def _check_admins(self, changed: User) -> None:
        """Refuse a change after which nobody could undo it."""
        after = [*(one for one in self._users.values() if one.name != changed.name), changed]
        if not any(one.active and "admin" in one.roles and not one.scope for one in after):
            raise ConfigurationError("TW-8015", "nobody would be left who manages people")

    async def _keep(
        self, user: User, verb: str, told: str, deed: Deed, *, ends: str | None = None
    ) -> None:
        """Keep an account; ends: whose sessions end with it."""
        change = Change(actions=[self._action(verb, told, deed)])
        change.run(write("user"), user.row())
        if ends is not None:
            self.sessions.end_of(ends, change)
        await self._journal.project(change)
        self._users[user.name] = user
        # Who logged in while it was being kept came by what counted until now.
        late = Change()
        if ends is not None:
            self.sessions.end_of(ends, late)
        if late.statements:
            await self._journal.project(late)

    async def _keep_key(self, key: Key, verb: str, told: str, deed: Deed) -> None:
        change = Change(actions=[self._action(verb, told, deed)])
        change.run(write("key"), key.row())
        await self._journal.project(change)
        self._keys[key.name] = key

    def _action(self, verb: str, subject: str, deed: Deed) -> Action:
        if not deed.reason.strip():
            raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")
        return Action(self._clock.now(), deed.who, verb, subject, deed.reason)


def _wrong_password() -> Refused:
    return Refused("TW-8006", "the name or the password is wrong", status=401)


def _told(account: User | Key) -> str:
    shops = " ".join(account.scope) or "every shop"
    return f"{account.name}: {' '.join(account.roles)}; {shops}"


def _taken(name: str) -> ConfigurationError:
    return ConfigurationError("TW-8014", f"{name} is taken", path="name", value=name)


def _nobody(kind: str, name: str, known: Mapping[str, object]) -> ConfigurationError:
    advice = f"{nearest(name, known)}Known: {', '.join(sorted(known)) or 'none'}."
    return ConfigurationError(
        "TW-8016", f"there is no {kind} {name}", path="name", value=name, advice=advice
    )

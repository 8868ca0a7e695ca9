"""Logins that are open: a random secret in a cookie, and here only its SHA-256.

A session ends by itself after half an hour in which nothing was asked, and after twelve hours in
any case. Surprising: the token of forms is made from the secret, so it needs no place of its own.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

import msgspec

from tillway.access.tables import rows, write
from tillway.clock import MICROSECONDS, Clock
from tillway.journal.base import Action
from tillway.journal.projection import Change, Projecting

SECRET_BYTES = 32
IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 3600
NOTED_SECONDS = 60
"""The journal learns at most this often that a session is in use."""


class Session(msgspec.Struct, frozen=True):
    """A login. name "" is the owner of this machine, who came by a link. Times: microseconds."""

    digest: bytes
    name: str
    made_at: int
    seen_at: int
    noted_at: int


class Sessions:
    """The open sessions of one hub."""

    def __init__(self, journal: Projecting, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._open: dict[bytes, Session] = {}

    async def load(self) -> None:
        """Read the sessions that a restart interrupted."""
        for digest, name, made_at, seen_at in await rows(self._journal, "sessions"):
            self._open[digest] = Session(digest, name, made_at, seen_at, seen_at)

    async def begin(self, name: str, change: Change) -> str:
        """Open a session and return its secret; the change, which goes first, keeps it."""
        secret, now = secrets.token_urlsafe(SECRET_BYTES), self._clock.now()
        made = Session(_digest(secret), name, now, now, now)
        for one in [one for one in self._open.values() if self._is_over(one, now)]:
            self._end(one, change)
        change.run(write("session"), (made.digest, name, now, now))
        # Open before it is kept, so that whatever ends sessions meanwhile ends this one too.
        self._open[made.digest] = made
        try:
            await self._journal.project(change)
        except BaseException:
            self._open.pop(made.digest, None)
            raise
        return secret

    async def find(self, secret: str, *, in_use: bool = True) -> Session | None:
        """Return the session of a secret, None when it is over or there never was one.

        in_use False asks without prolonging it, as a live stream does.
        """
        found, now = self._open.get(_digest(secret)), self._clock.now()
        if found is None:
            return None
        if self._is_over(found, now):
            change = Change()
            self._end(found, change)
            await self._journal.project(change)
            return None
        if not in_use:
            return found
        noted = now - found.noted_at >= NOTED_SECONDS * MICROSECONDS
        found = msgspec.structs.replace(
            found, seen_at=now, noted_at=now if noted else found.noted_at
        )
        self._open[found.digest] = found
        if noted:
            change = Change()
            change.run(write("use_session"), (now, found.digest))
            await self._journal.project(change)
        # It may have ended meanwhile, and nothing opens it again.
        return found if found.digest in self._open else None

    def entry(self, who: str, verb: str, subject: str) -> Action:
        """Return an entry for the audit log, of now."""
        return Action(self._clock.now(), who, verb, subject, "")

    async def end(self, secret: str) -> None:
        """End one session; the log says so."""
        found = self._open.get(_digest(secret))
        if found is None:
            return
        who = found.name or "console"
        change = Change(actions=[self.entry(who, "logout", "")])
        self._end(found, change)
        await self._journal.project(change)

    def end_of(self, name: str, change: Change) -> None:
        """End every session of a person; the change keeps it so."""
        for one in [one for one in self._open.values() if one.name == name]:
            self._end(one, change)

    def _end(self, session: Session, change: Change) -> None:
        self._open.pop(session.digest, None)
        change.run(write("end_session"), (session.digest,))

    def _is_over(self, session: Session, now: int) -> bool:
        idle = now - session.seen_at > IDLE_SECONDS * MICROSECONDS
        return idle or now - session.made_at > LONGEST_SECONDS * MICROSECONDS


def form_token(secret: str) -> str:
    """Return the token that every form of a session carries."""
    return hmac.new(secret.encode(), b"tillway form", sha256).hexdigest()


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()

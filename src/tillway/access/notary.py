"""Signs the head of the audit chain soon after it moved, and never one that contradicts the last.

Surprising: signing comes after the commit of the action, so a crash between the two leaves entries
without a checkpoint. They are linked all the same, and the next start signs them. Signing looks at
what is new; the whole chain is checked at the start, every hour, and whenever somebody asks.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

import msgspec

from tillway.access.audit import AuditVerdict, check_audit
from tillway.access.checkpoints import (
    TABLES,
    AuditFiles,
    Checkpoint,
    keeping,
    newest_checkpoint,
)
from tillway.access.signing_key import SigningKey, load_or_make
from tillway.clock import Clock
from tillway.errors import ConfigurationError, TillwayError
from tillway.journal import crash_points
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.journal.projection import Projecting

LOOK_SECONDS = 1.0
"""Time between two looks at the head of the chain."""
CHECK_SECONDS = 3600.0
"""Time between two checks of the whole chain."""
ENTRIES_AT_ONCE = 1000
_log = logging.getLogger(__name__)


class AuditedJournal(Projecting, Protocol):
    """What the notary needs of a journal."""

    async def audit_head(self) -> tuple[int, bytes]:
        """Return number and link of the newest entry."""
        ...

    async def audit_entries(self, after: int, limit: int) -> list[AuditEntry]:
        """Return entries after a number, in order."""
        ...


class Notary(msgspec.Struct):
    """Signs for one journal; `files` are those beside it."""

    journal: AuditedJournal
    files: AuditFiles
    clock: Clock
    key: SigningKey
    _last: Checkpoint | None = None
    _refused: tuple[int, bytes] | None = None
    _signs: bool = True
    _unsigned: str = ""
    _found: str = ""

    @property
    def broken(self) -> str:
        """Return what is wrong with the chain, "" while nothing is known to be."""
        return self._unsigned or self._found

    @classmethod
    async def open(cls, journal: AuditedJournal, path: Path, clock: Clock) -> Notary:
        """Return the notary of a journal, and sign what nobody signed yet.

        The key is made when there is none. Raises ConfigurationError TW-8301 when others may read
        it, TW-8302 when it is no key.
        """
        files = AuditFiles.beside(path)
        key = await asyncio.to_thread(load_or_make, files.private_key, files.public_key)
        await journal.open_tables(TABLES)
        notary = cls(journal, files, clock, key)
        try:
            notary._last = await notary._newest()
        except _Broken as error:
            notary._refuse(error)
            notary._signs = False
        await notary.sign_if_possible()
        return notary

    async def run(self) -> None:
        """Sign whenever the head has moved and check it all now and then, until cancelled."""
        looks = 0
        while True:
            if looks % round(CHECK_SECONDS / LOOK_SECONDS) == 0:
                await self._check_if_possible()
            looks += 1
            await self.clock.sleep(LOOK_SECONDS)
            await self.sign_if_possible()

    async def check(self) -> AuditVerdict:
        """Check every entry and every checkpoint; what is wrong is `broken` from then on."""
        verdict = await check_audit(self.journal, self.files)
        first = verdict.findings[0] if verdict.findings else None
        found = first.text if first else ""
        if first and found != self._found:
            _log.error("%s", ConfigurationError(first.code, found))
        self._found = found
        return verdict

    async def _check_if_possible(self) -> None:
        try:
            await self.check()
        except (TillwayError, OSError) as error:
            _log.warning("the audit chain was not checked and will be later: %s", error)

    async def sign_if_possible(self) -> None:
        """Sign, or leave it to the next time: a full disk must not stop a hub."""
        try:
            await self.sign()
        except (TillwayError, OSError) as error:
            _log.warning("the audit chain was not signed and will be later: %s", error)

    async def sign(self) -> Checkpoint | None:
        """Sign the head unless it is signed; None when the chain is not what was signed before."""
        if not self._signs:
            return None
        head = await self.journal.audit_head()
        last = self._last
        # What another key signed, on the machine this journal comes from, is signed with ours too.
        own = last is not None and last.key == self.key.public
        if last is not None and own and head == (last.count, last.head):
            return last
        if head == self._refused:
            return None
        try:
            await self._check(head)
        except (_Broken, UnicodeDecodeError) as error:
            self._refuse(error)
            self._refused = head
            return None
        crash_points.reached(crash_points.BEFORE_CHECKPOINT)
        count, newest = head
        checkpoint = Checkpoint(count, newest, self.clock.now(), self.key.public).signed(self.key)
        await self.journal.project(keeping(checkpoint))
        await asyncio.to_thread(self.files.write_checkpoint, checkpoint)
        self._last = checkpoint
        return checkpoint

    def _refuse(self, error: Exception) -> None:
        told = ConfigurationError("TW-8303", f"the audit chain is not signed any more: {error}")
        self._unsigned = str(error)
        _log.error("%s", told)

    async def _newest(self) -> Checkpoint | None:
        """Return what was signed last: the file may be behind the journal, or know of a cut."""
        kept = await newest_checkpoint(self.journal)
        try:
            outside = await asyncio.to_thread(self.files.read_checkpoint)
        except ValueError:
            raise _Broken(f"{self.files.checkpoint.name} is damaged") from None
        if outside is not None and not outside.is_genuine:
            raise _Broken(f"{self.files.checkpoint.name} has no good signature")
        if outside is None or (kept is not None and kept.count >= outside.count):
            return kept
        return outside

    async def _check(self, head: tuple[int, bytes]) -> None:
        """Raise unless the chain still holds what was signed last, and is whole from there on."""
        count, before = (self._last.count, self._last.head) if self._last else (0, ORIGIN)
        if count:
            found = await self.journal.audit_entries(count - 1, 1)
            if [(one.number, one.link) for one in found] != [(count, before)]:
                raise _Broken(f"entry {count} is not the one that was signed")
        while (count, before) != head:
            entries = await self.journal.audit_entries(count, ENTRIES_AT_ONCE)
            if not entries:
                raise _Broken(f"entry {count + 1} is gone")
            for entry in entries:
                count += 1
                before = link(before, count, entry.action)
                if (entry.number, entry.link) != (count, before):
                    raise _Broken(f"entry {count} does not follow from the one before it")
                if (count, before) == head:
                    return


class _Broken(Exception):
    """The chain is not what was signed, or not whole."""

"""Puts a journal back from a backup, and notes in it that its past may be further than it knows.

Surprising: nothing is delivered here. The next start of the hub finds the note and asks before it
sends; see `delivery/restored.py`.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import msgspec

from tillway.access import AuditFiles
from tillway.assembly.access import journal_of, journal_place
from tillway.assembly.acknowledgement import Acknowledgement, leave, note_path
from tillway.assembly.backup_files import (
    COPY,
    Manifest,
    check_copy,
    read_manifest,
    restoring_path,
    told_plainly,
)
from tillway.clock import MICROSECONDS, Clock, utc_text
from tillway.errors import ConfigurationError, Transient
from tillway.journal.keeping import Restored
from tillway.journal.sqlite import lock_path, open_sqlite, take_lock
from tillway.journal.sqlite_backup import Told, flush

LOCK_HELD = "TW-5002"
PARTS = ("", "-wal", "-shm")
"""The files of one journal: it and what SQLite keeps beside it."""


class Order(msgspec.Struct, frozen=True):
    """Who restores and why; replace: whether a journal that is there may be put aside."""

    who: str
    reason: str = ""
    replace: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What was put back, and where the journal lies that was there before ("" for none)."""

    manifest: Manifest
    put_aside: str


async def restore(folder: Path, backup: Path, order: Order, clock: Clock, told: Told) -> Outcome:
    """Put the journal of a project back as it was when a backup was taken.

    Everything is checked before anything is touched. Raises ConfigurationError TW-5203 or TW-5204
    for a backup that cannot be used, TW-5205 when a journal is there and order does not replace it,
    TW-5206 when files cannot be written, Transient TW-5002 while a hub holds the journal.
    """
    manifest = await asyncio.to_thread(read_manifest, backup)
    await asyncio.to_thread(check_copy, backup, manifest, told)
    journal, _ = await asyncio.to_thread(journal_place, folder)
    with told_plainly(journal.parent):
        await asyncio.to_thread(journal.parent.mkdir, parents=True, exist_ok=True)
        lock = await asyncio.to_thread(take_lock, journal)
    with lock:
        if await asyncio.to_thread(_is_there, journal) and not order.replace:
            raise ConfigurationError("TW-5205", f"{folder.name} has a journal already")
        fresh = restoring_path(journal)
        try:
            await asyncio.to_thread(_copy_in, backup, fresh)
            await _mark(fresh, _record(manifest, backup, order, clock.now()))
            aside = await asyncio.to_thread(_exchange, fresh, journal, utc_text(clock.now()))
        finally:
            await asyncio.to_thread(_remove, fresh)
    return Outcome(manifest, aside)


async def acknowledge(folder: Path, order: Order, clock: Clock) -> bool:
    """Note that a person looked at a restored journal; False when a running hub will note it.

    Raises ConfigurationError TW-5207 when there is nothing to acknowledge.
    """
    path, _ = await asyncio.to_thread(journal_of, folder)
    note = Acknowledgement(clock.now(), order.who, order.reason)
    try:
        journal = await open_sqlite(path)
    except Transient as error:
        if error.code != LOCK_HELD:
            raise
        with told_plainly(path):
            await asyncio.to_thread(leave, path, note)
        return False
    try:
        if not await journal.acknowledge_restore(note.at, note.who, note.reason):
            raise ConfigurationError("TW-5207", "there is no restore to acknowledge")
    finally:
        await journal.close()
    return True


def _record(manifest: Manifest, backup: Path, order: Order, at: int) -> Restored:
    taken_at = round(manifest.taken_at.timestamp() * MICROSECONDS)
    return Restored(manifest.position, at, taken_at, backup.name, order.who, order.reason)


def _is_there(journal: Path) -> bool:
    return any(_beside(journal, part).exists() for part in PARTS)


def _copy_in(backup: Path, fresh: Path) -> None:
    _remove(fresh)
    with told_plainly(fresh.parent):
        shutil.copyfile(backup / COPY, fresh)
        fresh.chmod(0o600)
        flush(fresh)


def _remove(fresh: Path) -> None:
    for part in PARTS:
        _beside(fresh, part).unlink(missing_ok=True)


async def _mark(fresh: Path, record: Restored) -> None:
    """Bring the tables up to date and note the restore, before anything can deliver from it."""
    journal = await open_sqlite(fresh)
    try:
        await journal.mark_restored(record)
    finally:
        await journal.close()
        await asyncio.to_thread(lock_path(fresh).unlink, missing_ok=True)


def _exchange(fresh: Path, journal: Path, at: str) -> str:
    """Put the fresh journal in place; a log of the old one beside it would damage it."""
    aside = journal.with_name(f"{journal.name}.replaced-{at.replace(':', '')}")
    moved: list[str] = []
    with told_plainly(journal.parent):
        try:
            for part in PARTS:
                if _beside(journal, part).exists():
                    _beside(journal, part).rename(_beside(aside, part))
                    moved.append(part)
            _put_checkpoint_aside(journal, aside)
            note_path(journal).unlink(missing_ok=True)
            fresh.rename(journal)
        except OSError:
            for part in moved:
                _beside(aside, part).rename(_beside(journal, part))
            raise
        flush(journal.parent)
    return aside.name if moved else ""


def _put_checkpoint_aside(journal: Path, aside: Path) -> None:
    """Let the signed checkpoint go with the journal that it vouches for."""
    checkpoint = AuditFiles.beside(journal).checkpoint
    if checkpoint.exists():
        checkpoint.rename(_beside(aside, ".checkpoint"))


def _beside(journal: Path, part: str) -> Path:
    return journal.with_name(journal.name + part)

"""The SQLite journal on a virtual loop and a disk in memory: the real writer without its thread.

Surprising: a commit takes no time by itself, so a seeded pause stands before it (the flush, in
which others gather) and after it (until the answers arrive); reads have both as well, and so may
be old when they come.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import apsw

from tillway.errors import JournalFault
from tillway.journal.base import Listener, StoredMessage
from tillway.journal.payloads import Unpacker
from tillway.journal.sqlite import SqliteJournal, _open_for_writing
from tillway.journal.sqlite_reader import Reader
from tillway.journal.sqlite_writer import DISK_FAILED, Job, Writer
from tillway.testing.virtual_disk import VirtualDisk, connected
from tillway.testing.virtual_loop import VirtualLoop

JOURNAL = "journal.db"
SMALL_PAGE_BYTES = 4096
IN_ORDER_SECONDS = 2e-6
"""Answers that would arrive together come so much after one another."""
T = TypeVar("T")
Pause = Callable[[], float]


class VirtualWriter(Writer):
    """Commits on the loop; failed is called at most once, when nothing more is acknowledged."""

    def __init__(
        self,
        db: apsw.Connection,
        loop: VirtualLoop,
        listeners: list[Listener],
        pause: Pause,
        failed: Callable[[], None],
    ) -> None:
        super().__init__(db, loop, listeners)
        self.db = db
        self._pause = pause
        self._failed = failed
        self._is_due = False
        self._answered_by = 0.0

    def submit(self, job: Job) -> None:
        """Queue a job; the flush that takes it comes after a pause."""
        super().submit(job)
        self._set_out()

    def finish(self) -> None:
        """Commit what is queued, at once, and close."""
        while not self._queue.empty():
            self._turn()
        # As in the writer's thread, nobody hears of an error that comes with the end.
        with suppress(apsw.Error):
            self._db.close()

    def _set_out(self) -> None:
        if not self._is_due and not self._queue.empty():
            self._is_due = True
            self._loop.call_later(self._pause(), self._turn)

    def _turn(self) -> None:
        self._is_due = False
        jobs: list[Job] = []
        if not self._queue.empty():
            self._drain(jobs)
        if jobs:
            self._commit(jobs)
            self._checkpoint_if_due()
        self._set_out()

    def _fail(self, error: apsw.Error, jobs: list[Job]) -> None:
        first = self.fault is None
        super()._fail(error, jobs)
        if first:
            self._failed()

    def _answer(self, answers: list[tuple[Job, Any]], accepted: list[StoredMessage]) -> None:
        due = self._loop.time() + self._pause()
        self._answered_by = max(due, self._answered_by + IN_ORDER_SECONDS)
        self._loop.call_at(self._answered_by, self._resolve, answers, accepted)


class _Reader(Reader):
    """Reads on the writer's connection, which is never inside a transaction between two turns."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.unpack = Unpacker(self._dictionary).unpack


class _Pool:
    """Stands where the journal has its pool of reading threads."""

    def __init__(self, db: apsw.Connection, pause: Pause) -> None:
        self._reader = _Reader(db)
        self._pause = pause

    async def run(self, read: Callable[[Reader], T]) -> T:
        """Return what read returns, as it stood some time before it is returned."""
        await asyncio.sleep(self._pause())
        found = read(self._reader)
        await asyncio.sleep(self._pause())
        return found

    def close(self) -> None:
        """The writer closes the connection."""


class VirtualJournal(SqliteJournal):
    """The journal of one process of a virtual world."""

    def __init__(
        self, path: Path, writer: VirtualWriter, listeners: list[Listener], pause: Pause
    ) -> None:
        super().__init__(path, io.StringIO(), writer, listeners)
        self.writer = writer
        self._pool = _Pool(writer.db, pause)  # type: ignore[assignment]

    async def close(self) -> None:
        """Commit what is queued and close."""
        self.writer.finish()


def open_virtual(
    disk: VirtualDisk,
    loop: VirtualLoop,
    pause: Pause = lambda: 0.0,
    failed: Callable[[], None] = lambda: None,
) -> VirtualJournal:
    """Open the journal on a disk; raises JournalFault TW-5001 as `open_sqlite` does.

    pause gives virtual seconds; failed is told when the journal acknowledges nothing more.
    """
    path = disk.path(JOURNAL)
    try:
        db = connected(lambda: _open_for_writing(path))
    except (*DISK_FAILED, apsw.CantOpenError, apsw.FullError) as error:
        raise JournalFault("TW-5001", f"the journal cannot be opened: {error}") from error
    listeners: list[Listener] = []
    writer = VirtualWriter(db, loop, listeners, pause, failed)
    return VirtualJournal(path, writer, listeners, pause)


def new_disk() -> VirtualDisk:
    """Return a disk with an empty journal; its pages are small, so that a commit is cheap."""
    return VirtualDisk(_empty_journal())


@cache
def _empty_journal() -> dict[str, bytes]:
    disk = VirtualDisk()
    path = disk.path(JOURNAL)

    def make() -> None:
        db = apsw.Connection(str(path))
        db.execute(
            f"PRAGMA page_size = {SMALL_PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL; VACUUM"
        )
        db.close()
        _open_for_writing(path).close()

    connected(make)
    return disk.contents()

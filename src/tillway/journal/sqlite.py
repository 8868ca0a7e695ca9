"""The journal on SQLite through apsw: WAL, `synchronous=FULL`, one writer thread, own readers.

Reads run on a small pool of threads with read-only connections that never checkpoint, so a second
process may read beside a running hub; a lock file keeps a second writer out.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import apsw

from tillway.errors import ConfigurationError, JournalFault, Transient
from tillway.journal.base import (
    AppendItem,
    Features,
    Listener,
    Receipt,
    RouteProgress,
    Settlement,
    TargetState,
)
from tillway.journal.keeping import Cutoffs, Restored, Retired
from tillway.journal.projection import Change, Tables
from tillway.journal.sqlite_keeping import Retirement, acknowledge, doubt, give_back, let_go
from tillway.journal.sqlite_projection import with_change, with_tables
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.journal.sqlite_version import bring_up_to_date
from tillway.journal.sqlite_writer import DISK_FAILED, Job, Writer
from tillway.journal.statements import statements

FEATURES = Features(name="sqlite", durability="fsync", survives_restart=True)
OLDEST_SQLITE = (3, 51, 3)
PAGE_BYTES = 16 * 1024
CACHE_KIBIBYTES = 32 * 1024
BUSY_MILLISECONDS = 5000
LOG_BYTES_AT_ONCE = 64 * 1024
"""SQLite writes less than 128 KiB in one call."""


class SqliteJournal(SqliteQueries):
    """The journal of one project folder, open for writing."""

    def __init__(
        self, path: Path, lock: IO[str], writer: Writer, listeners: list[Listener]
    ) -> None:
        super().__init__(path)
        self._lock = lock
        self._writer = writer
        self._listeners = listeners
        self._retirement = Retirement()
        self._sql_settle = statements("settle.sql")

    @property
    def features(self) -> Features:
        """Say what this backend promises."""
        return FEATURES

    @property
    def fault(self) -> JournalFault | None:
        """Return the write failure after which nothing more is acknowledged, if any."""
        return self._writer.fault

    @property
    def commits(self) -> int:
        """Return how many transactions were flushed."""
        return self._writer.commits

    def take_timings(self) -> list[tuple[float, int]]:
        """Return how long each commit took and what it accepted, since this was asked last."""
        timings = self._writer.timings
        return [timings.popleft() for _ in range(len(timings))]

    async def close(self) -> None:
        """Finish what is queued, close every connection and release the lock."""
        self._writer.stop()
        await asyncio.to_thread(self._writer.join)
        await super().close()
        self._lock.close()

    async def append(self, items: Sequence[AppendItem]) -> list[Receipt]:
        """Store, decide, flush, answer in order."""
        receipts: list[Receipt] = await self._submit(items=items)
        return receipts

    async def settle(self, settlement: Settlement) -> None:
        """Commit rows, attempts, totals and cursor in one transaction."""
        await self._submit(settlement=settlement)

    async def close_invalid(self, invalid_id: int, position: int) -> None:
        """Note that a kept copy was taken in again as the message at this position."""
        sql, row = self._sql_settle["close_one"], (position, invalid_id)
        await self._submit(change=lambda db: db.execute(sql, row))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call listener on the event loop with what each commit accepted; returns the cancel."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def register_route(self, route: str, start: int) -> RouteProgress:
        """Return where a route stands; a new one starts after `start`."""
        sql = self._sql_settle

        def change(db: apsw.Connection) -> RouteProgress:
            db.execute(sql["add_route"], (route, start))
            route_id, _, position = db.execute(sql["route"], (route,)).get
            beyond = db.execute(sql["settled_after"], (route_id, position))
            return RouteProgress(position, {row[0] for row in beyond})

        progress: RouteProgress = await self._submit(change=change)
        return progress

    async def save_target_state(self, state: TargetState) -> None:
        """Keep the breaker state of a target."""
        row = (
            state.target,
            state.state,
            state.since,
            state.failures,
            state.next_probe_at,
            state.code,
            state.detail,
        )
        await self._submit(change=lambda db: db.execute(self._sql_settle["target_state"], row))

    async def save_source_state(self, source: str, name: str, value: str) -> None:
        """Remember one thing for a source; "" forgets it."""
        if value:
            sql, row = self._sql_settle["put_source_state"], (source, name, value)
        else:
            sql, row = self._sql_settle["drop_source_state"], (source, name)  # type: ignore[assignment]
        await self._submit(change=lambda db: db.execute(sql, row))

    async def retire(self, cutoffs: Cutoffs, limit: int) -> Retired:
        """Let go of up to `limit` of each kind in one commit."""
        found = await self._pool.run(self._retirement.find(cutoffs, limit))
        if not any(found.values()):
            return Retired()
        retired: Retired = await self._submit(change=let_go(found))
        return retired

    async def reclaim(self, size_bytes: int) -> int:
        """Give up to so many bytes of free room back to the disk."""
        given: int = await self._submit(change=give_back(size_bytes))
        return given

    async def mark_restored(self, restored: Restored) -> None:
        """Note that this journal comes from a backup."""
        await self._submit(change=doubt(restored))

    async def acknowledge_restore(self, at: int, who: str, reason: str) -> bool:
        """Note that a person looked at a restored journal."""
        noted: bool = await self._submit(change=acknowledge(at, who, reason))
        return noted

    async def open_tables(self, tables: Tables) -> None:
        """Create the tables of a room."""
        await self._submit(change=with_tables(tables))

    async def project(self, change: Change) -> None:
        """Commit what a room derived or was told, in one transaction."""
        await self._submit(change=with_change(change))

    def _submit(self, **work: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        self._writer.submit(Job(future, **work))
        return future


async def open_sqlite(path: Path) -> SqliteJournal:
    """Open or create the journal for writing.

    Raises Transient TW-5002 when another process holds it, ConfigurationError TW-5101 when this
    SQLite or a setting is not safe, JournalFault TW-5001 when the disk fails.
    """
    check_sqlite_version(apsw.sqlite_lib_version())
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = take_lock(path)
    try:
        db = await asyncio.to_thread(_open_for_writing, path)
    except (*DISK_FAILED, apsw.CantOpenError, apsw.FullError) as error:
        lock.close()
        raise JournalFault("TW-5001", f"the journal cannot be opened: {error}") from error
    except BaseException:
        lock.close()
        raise
    listeners: list[Listener] = []
    writer = Writer(db, asyncio.get_running_loop(), listeners)
    writer.start()
    return SqliteJournal(path, lock, writer, listeners)


def check_sqlite_version(version: str) -> None:
    """Refuse a SQLite that can lose committed data (older than 3.51.3)."""
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        raise ConfigurationError(
            "TW-5101",
            f"SQLite {version} is older than 3.51.3",
            value=version,
            advice="Install the pinned apsw, which brings its own SQLite.",
        )


def lock_path(journal: Path) -> Path:
    """Return the lock file beside a journal."""
    return journal.with_name(journal.name + ".lock")


def take_lock(journal: Path) -> IO[str]:
    """Take the writer's lock; it is held until the returned file is closed."""
    lock = lock_path(journal).open("w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Transient(
            "TW-5002", "another process holds the journal", journal=journal.name
        ) from error
    return lock


def _open_for_writing(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    save_again(path.with_name(f"{path.name}-wal"))
    db.set_busy_timeout(BUSY_MILLISECONDS)
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    # Takes hold in a new file only: an older one keeps the room it freed and fills it again.
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    db.execute("PRAGMA temp_store = MEMORY")
    for setting, wanted in (("journal_mode", "wal"), ("synchronous", 2)):
        found = db.execute(f"PRAGMA {setting}").get
        if found != wanted:
            raise ConfigurationError(
                "TW-5101", f"{setting} is {found}, it must be {wanted}", value=found
            )
    _empty_the_log(db)
    with db:
        bring_up_to_date(db)
    return db


def save_again(log: Path) -> None:
    """Write the log of an earlier process once more, byte for byte, and flush it.

    After a flush that failed the system shows what it could not save, and takes it for saved: a
    later flush leaves it out, and the power takes it away together with whatever was built on it.
    """
    try:
        file = apsw.VFSFile("", str(log), [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0])
    except apsw.CantOpenError:
        return  # there is none
    try:
        for offset in range(0, file.xFileSize(), LOG_BYTES_AT_ONCE):
            file.xWrite(file.xRead(LOG_BYTES_AT_ONCE, offset), offset)
        file.xSync(apsw.SQLITE_SYNC_FULL)
    finally:
        file.xClose()


def _empty_the_log(db: apsw.Connection) -> None:
    """Move the log of an earlier process into the journal, and begin it anew."""
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError) as error:
        raise Transient(
            "TW-5006", "somebody reads the journal, and its log cannot be emptied"
        ) from error

"""What `tillway doctor` says of the journal: room, log, reclaim, retention, backups, the floor."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

from tillway.assembly.backup_memory import last_backup
from tillway.assembly.hub import WARN_FREE_SHARE
from tillway.assembly.upkeep import cutoffs
from tillway.cli.doctor_checks import Check
from tillway.cli.restored import LOOK_AFTER_RESTORE, restored_text
from tillway.clock import MICROSECONDS, SystemClock
from tillway.errors import TillwayError
from tillway.journal.keeping import Restored, Storage
from tillway.journal.sqlite_queries import open_queries
from tillway.observe.moments import age_text
from tillway.project.records import HubSettings

MEBIBYTE = 1024 * 1024
OLD_BACKUP_SECONDS = 48 * 3600
KEPT_SHARE, LARGE_FREE_BYTES = 0.5, 1024 * MEBIBYTE
LARGE_LOG_BYTES = 1024 * MEBIBYTE
"""A log this long means that something reads one moment of the journal and never ends."""


def journal_checks(journal: Path, settings: HubSettings) -> list[Check]:
    """Return the checks of a journal, beside a running hub or without one; none before it ran."""
    if not journal.exists():
        return []
    now = SystemClock().now()
    try:
        room, restored = asyncio.run(_read(journal, settings, now))
    except TillwayError as error:
        return [Check("journal", "warning", f"{error.code}: {error.detail}", error.advice)]
    checks = [_size(room), _reclaim(room), _retention(room), _backup(journal, now)]
    disk = shutil.disk_usage(journal.parent)
    checks.append(_floor(disk.free, disk.total, settings.disk_floor_bytes))
    if restored is not None and not restored.acknowledged_at:
        advice = LOOK_AFTER_RESTORE[0].upper() + LOOK_AFTER_RESTORE[1:] + "."
        checks.append(Check("restored", "warning", restored_text(restored), advice))
    return checks


async def _read(journal: Path, settings: HubSettings, now: int) -> tuple[Storage, Restored | None]:
    queries = open_queries(journal)
    try:
        return await queries.storage(cutoffs(settings, now)), await queries.restored()
    finally:
        await queries.close()


def _size(room: Storage) -> Check:
    found = f"{_mebibytes(room.size_bytes)}, of it {_mebibytes(room.free_bytes)} free"
    found += f"; log {_mebibytes(room.log_bytes)}"
    if room.log_bytes > LARGE_LOG_BYTES:
        advice = "A long log shrinks when no backup or reader is open; stop what reads for hours."
        return Check("journal", "warning", found, advice)
    return Check("journal", "ok", found)


def _reclaim(room: Storage) -> Check:
    if room.gives_back:
        return Check("reclaim", "ok", "room that retention frees goes back to the disk")
    found = "the file keeps the room that retention frees, and fills it again"
    advice = (
        "Its tables are older than this feature: leave that room to it, new sales fill it first."
    )
    if room.free_bytes > KEPT_SHARE * room.size_bytes and room.free_bytes > LARGE_FREE_BYTES:
        return Check("reclaim", "warning", found, advice)
    return Check("reclaim", "ok", found)


def _floor(free_bytes: int, total_bytes: int, floor_bytes: int) -> Check:
    """Compare the free room with where intake stops, as this project sets it."""
    share = free_bytes / total_bytes
    found = (
        f"{_mebibytes(free_bytes)} free ({share:.0%}), intake stops at {_mebibytes(floor_bytes)}"
    )
    if free_bytes < floor_bytes:
        return Check(
            "disk floor", "failed", found, "Intake is shut: make room; it opens by itself."
        )
    if share < WARN_FREE_SHARE or free_bytes < 2 * floor_bytes:
        return Check("disk floor", "warning", found, "Make room before intake stops.")
    return Check("disk floor", "ok", found)


def _retention(room: Storage) -> Check:
    size = _mebibytes(room.retirable_bytes)
    return Check("retention", "ok", f"{room.retirable:,} payloads ({size}) may go now")


def _backup(journal: Path, now: int) -> Check:
    advice = "Run `tillway backup FOLDER` every day, onto another disk."
    last = last_backup(journal)
    if last is None:
        return Check("backup", "warning", "none was taken here", advice)
    taken = datetime.fromtimestamp(now / MICROSECONDS, UTC) - last.taken_at
    age_seconds = max(0, round(taken.total_seconds()))
    found = f"{age_text(age_seconds)} old, position {last.position:,}, {last.destination}"
    if age_seconds > OLD_BACKUP_SECONDS:
        return Check("backup", "warning", found, advice)
    return Check("backup", "ok", found)


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / MEBIBYTE:,.1f} MiB"

"""What is remembered beside a journal about its newest backup; a hub holds the journal itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec


class LastBackup(msgspec.Struct, frozen=True):
    """The newest backup of a journal, as remembered beside it."""

    taken_at: datetime
    position: int
    destination: str


def last_backup(journal: Path) -> LastBackup | None:
    """Return the newest backup that was taken of a journal, None when none is known."""
    try:
        return msgspec.json.decode(memory_of(journal).read_bytes(), type=LastBackup)
    except (OSError, msgspec.DecodeError):
        return None


def memory_of(journal: Path) -> Path:
    """Return the file in which it is remembered."""
    return journal.with_name(journal.name + ".last-backup.json")

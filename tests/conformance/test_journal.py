"""Every journal backend runs the one suite."""

from __future__ import annotations

from pathlib import Path

from tillway.journal import memory, sqlite
from tillway.testing.journal_projection import ProjectionJournalSuite


class TestMemoryJournal(ProjectionJournalSuite):
    """The in-memory twin."""

    features = memory.FEATURES

    async def open_journal(self, folder: Path) -> memory.MemoryJournal:
        """Open an empty one."""
        return memory.MemoryJournal()


class TestSqliteJournal(ProjectionJournalSuite):
    """SQLite through apsw."""

    features = sqlite.FEATURES

    async def open_journal(self, folder: Path) -> sqlite.SqliteJournal:
        """Open the file in the folder."""
        return await sqlite.open_sqlite(folder / "journal.db")

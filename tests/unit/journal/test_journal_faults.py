"""What the SQLite journal does when the disk or a neighbour fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tillway.errors import ConfigurationError, JournalFault, Refused, Transient
from tillway.journal.sqlite import SqliteJournal, check_sqlite_version, open_sqlite
from tillway.journal.sqlite_queries import open_queries
from tillway.testing.journal import candidate

ROOMY_PAGES = 1_000_000


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    """Give a journal on disk."""
    opened = await open_sqlite(tmp_path / "journal.db")
    yield opened
    await opened.close()


async def limit_pages(journal: SqliteJournal, pages: int) -> None:
    """Let the file grow no further than so many pages: a disk that is full."""
    await journal._submit(change=lambda db: db.execute(f"PRAGMA max_page_count = {pages}").get)


async def test_a_full_disk_refuses_and_recovers_without_a_restart(journal: SqliteJournal) -> None:
    """Nothing of the refused messages is stored; with room again the same are accepted."""
    await limit_pages(journal, 1)
    many = [candidate(n, content=bytes([n % 256]) * 40_000) for n in range(1, 60)]
    with pytest.raises(Refused) as refusal:
        await journal.append(many)
    assert (refusal.value.code, refusal.value.status) == ("TW-5003", 507)
    assert await journal.last_position() == 0
    await limit_pages(journal, ROOMY_PAGES)
    receipts = await journal.append(many)
    assert {receipt.outcome for receipt in receipts} == {"accepted"}
    assert [receipt.position for receipt in receipts] == list(range(1, 60))


async def test_a_failed_flush_is_fatal(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed flush nothing is acknowledged any more, and the fault is visible."""

    def fail(_jobs: Any) -> Any:
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr(journal._writer, "_transaction", fail)
    with pytest.raises(JournalFault) as fault:
        await journal.append([candidate(1)])
    monkeypatch.undo()
    assert fault.value.code == "TW-5001"
    with pytest.raises(JournalFault):
        await journal.append([candidate(2)])
    assert journal.fault is fault.value


async def test_one_bad_job_does_not_fail_its_neighbours(journal: SqliteJournal) -> None:
    """Jobs that share a commit stand and fall alone."""

    def broken(_db: apsw.Connection) -> None:
        raise ValueError("a bug in one job")

    results = await asyncio.gather(
        journal.append([candidate(1)]),
        journal._submit(change=broken),
        journal.append([candidate(2)]),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert [message.position for message in await journal.read(0, 10)] == [1, 2]


async def test_only_one_process_may_write(journal: SqliteJournal) -> None:
    """A second writer is told to come back later; readers are welcome."""
    with pytest.raises(Transient) as held:
        await open_sqlite(journal.path)
    assert held.value.code == "TW-5002"
    await journal.append([candidate(1)])
    beside = open_queries(journal.path)
    assert len(await beside.read(0, 10)) == 1
    await beside.close()


async def test_reading_without_a_hub(tmp_path: Path) -> None:
    """A journal that was closed cleanly can be read with no process holding it."""
    path = tmp_path / "journal.db"
    opened = await open_sqlite(path)
    await opened.append([candidate(1)])
    await opened.close()
    alone = open_queries(path)
    assert [message.position for message in await alone.read(0, 10)] == [1]
    await alone.close()


async def test_a_full_flush_is_really_set(journal: SqliteJournal) -> None:
    """The settings that keep the promise are those of the writing connection."""
    settings = {
        name: await journal._submit(change=lambda db, name=name: db.execute(f"PRAGMA {name}").get)
        for name in ("synchronous", "journal_mode", "page_size")
    }
    assert settings == {"synchronous": 2, "journal_mode": "wal", "page_size": 16384}


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_a_sqlite_that_can_lose_rows_is_refused(version: str) -> None:
    """Older versions can lose committed data when a write and a checkpoint meet."""
    with pytest.raises(ConfigurationError) as refusal:
        check_sqlite_version(version)
    assert refusal.value.code == "TW-5101"


def test_a_safe_sqlite_is_taken() -> None:
    """Positive control: the one we ship with passes."""
    check_sqlite_version("3.51.3")
    check_sqlite_version(apsw.sqlite_lib_version())

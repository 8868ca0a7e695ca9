"""Which notes of a route wait for messages to share their commit, and which do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tillway.journal import sqlite_writer
from tillway.journal.base import Settlement
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.testing.journal import ROUTE, candidate, row

FOREVER_SECONDS = 300.0
SOON_SECONDS = 60.0
"""Long before FOREVER_SECONDS are over, however slow the machine."""


@pytest.fixture
async def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteJournal]:
    """Give a journal with a route, in which a note would wait for ever."""
    monkeypatch.setattr(sqlite_writer, "COMPANY_SECONDS", FOREVER_SECONDS)
    opened = await open_sqlite(tmp_path / "journal.db")
    await opened.register_route(ROUTE, 0)
    await opened.append([candidate(1), candidate(2)])
    yield opened
    await opened.close()


async def in_time(journal: SqliteJournal, settlement: Settlement) -> None:
    """Commit a settlement that must not wait."""
    async with asyncio.timeout(SOON_SECONDS):
        await journal.settle(settlement)


async def test_a_delivery_is_noted_with_the_messages_that_come_next(
    journal: SqliteJournal,
) -> None:
    """The note waits, and one commit takes it together with the message."""
    before = journal.commits
    noted = asyncio.ensure_future(journal.settle(Settlement(ROUTE, [row(1)], cursor=1)))
    await asyncio.sleep(0)
    await journal.append([candidate(3)])
    async with asyncio.timeout(SOON_SECONDS):
        await noted
    assert journal.commits == before + 1
    assert (await journal.register_route(ROUTE, 0)).position == 1


async def test_the_end_does_not_wait_for_company(tmp_path: Path, journal: SqliteJournal) -> None:
    """A journal that closes commits what waits, at once."""
    noted = asyncio.ensure_future(journal.settle(Settlement(ROUTE, [row(1)], cursor=1)))
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON_SECONDS):
        await journal.close()
        await noted
    again = await open_sqlite(tmp_path / "journal.db")
    assert (await again.register_route(ROUTE, 0)).position == 1
    await again.close()


@pytest.mark.parametrize(
    "rows",
    [[row(1, "sending")], [row(1, "held")], [row(1), row(2, "dead")]],
    ids=["an intent", "a held message", "a dead letter beside a delivery"],
)
async def test_what_is_not_delivered_is_noted_at_once(
    journal: SqliteJournal, rows: list[Any]
) -> None:
    """An intent, a held message and a dead letter are waited for."""
    await in_time(journal, Settlement(ROUTE, rows))


async def test_a_route_that_announces_what_it_sends_never_waits(journal: SqliteJournal) -> None:
    """Its next announcement would stand behind the note of the last delivery."""
    await in_time(journal, Settlement(ROUTE, [row(1, "sending")]))
    await in_time(journal, Settlement(ROUTE, [row(1)], cursor=1))

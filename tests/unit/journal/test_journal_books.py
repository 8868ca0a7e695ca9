"""The books kept while settling: what replaces a row moves it, and a wrong book is found."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from tillway.journal import sqlite_reader, sqlite_summary
from tillway.journal.base import Settlement
from tillway.journal.keeping import Restored
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.journal.sqlite_queries import open_queries
from tillway.journal.sqlite_reader import Reader
from tillway.observe import status, verify
from tillway.testing.journal import ROUTE, SALE, candidate, cells, row


async def _journal(path: Path) -> SqliteJournal:
    journal = await open_sqlite(path)
    await journal.append([candidate(number, amount=100 * number) for number in range(1, 11)])
    await journal.register_route(ROUTE, 0)
    return journal


async def _settled(journal: SqliteJournal) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    [standing] = await journal.standing()
    counted = await journal.route_totals(ROUTE)
    assert cells(standing.settled) == cells(counted.rows) == cells(counted.settled_kept)
    return cells(standing.settled)


async def _wrong(path: Path, *changes: str) -> list[str]:
    """Return the equations that do not balance after somebody changed the file."""
    db = apsw.Connection(str(path))
    for change in changes:
        db.execute(change)
    db.close()
    queries = open_queries(path)
    books = await verify(queries)
    await queries.close()
    return [equation.name for equation in books.equations if not equation.balanced]


async def test_a_changed_row_moves_its_money(tmp_path: Path) -> None:
    """Held and delivered later: the money leaves one state and stands in the other."""
    journal = await _journal(tmp_path / "journal.db")
    await journal.settle(Settlement(ROUTE, [row(1), row(2, "held"), row(3, "held")], cursor=3))
    await journal.settle(Settlement(ROUTE, [row(2), row(1), row(3, "dead")]))
    assert await _settled(journal) == {
        ("delivered", SALE, "EUR"): (2, 300, 0),
        ("dead", SALE, "EUR"): (1, 300, 0),
    }
    await journal.close()


async def test_rows_changed_within_one_commit_are_counted_once(tmp_path: Path) -> None:
    """Sent, in doubt and delivered in the same moment is one delivery."""
    journal = await _journal(tmp_path / "journal.db")
    settlements = [
        Settlement(ROUTE, [row(1, "sending"), row(1, "in_doubt")]),
        Settlement(ROUTE, [row(1), row(2, "sending")], cursor=2),
        Settlement(ROUTE, [row(2, "dead")]),
    ]
    await asyncio.gather(*(journal.settle(one) for one in settlements))
    found = await _settled(journal)
    assert {state: figures[0] for (state, _, _), figures in found.items()} == {
        "delivered": 1,
        "dead": 1,
    }
    await journal.close()


async def test_a_restore_moves_what_was_held(tmp_path: Path) -> None:
    """What a restore doubts leaves the book of what is held."""
    journal = await _journal(tmp_path / "journal.db")
    await journal.settle(Settlement(ROUTE, [row(1), row(2, "held", reason="retry")], cursor=2))
    await journal.mark_restored(Restored(2, 5, 5, "backup", "ada", "disk"))
    assert {state for state, _, _ in await _settled(journal)} == {"delivered", "sending"}
    await journal.close()


async def test_a_settlement_that_fails_leaves_the_books(tmp_path: Path) -> None:
    """A settlement of an unknown route is refused alone; its neighbours in the commit are kept."""
    journal = await _journal(tmp_path / "journal.db")
    stray = row(3)
    answers = await asyncio.gather(
        journal.settle(Settlement(ROUTE, [row(1)], cursor=1)),
        journal.settle(Settlement("unknown", [stray])),
        journal.settle(Settlement(ROUTE, [row(2)], cursor=2)),
        return_exceptions=True,
    )
    assert [isinstance(answer, BaseException) for answer in answers] == [False, True, False]
    assert await _settled(journal) == {("delivered", SALE, "EUR"): (2, 300, 0)}
    await journal.close()


@pytest.mark.parametrize(
    ("change", "states"),
    [
        ("UPDATE total SET count = count + 1 WHERE grp = 'dead'", ["dead"]),
        ("UPDATE total SET amount_minor = 1 WHERE grp = 'delivered'", ["delivered"]),
        ("UPDATE total SET grp = 'held' WHERE grp = 'dead'", ["dead", "held"]),
        ("DELETE FROM total WHERE book LIKE 'settled/%'", ["dead", "delivered"]),
        ("UPDATE delivery SET state = 'delivered'", ["dead", "delivered"]),
    ],
)
async def test_a_wrong_book_of_the_ledger_is_found(
    tmp_path: Path, change: str, states: list[str]
) -> None:
    """Positive control: `verify` counts the rows itself and names the state that differs."""
    path = tmp_path / "journal.db"
    journal = await _journal(path)
    await journal.settle(Settlement(ROUTE, [row(1), row(2, "dead")], cursor=2))
    await journal.close()
    assert await _wrong(path) == []
    assert await _wrong(path, change) == [f"route {ROUTE} {state}" for state in states]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE summary SET count = count + 1 WHERE block = 1",
        "UPDATE summary SET oldest_at = oldest_at - 1 WHERE block = 1 AND size = 4",
        "UPDATE summary SET store = '0999' WHERE block = 0 AND size = 8",
        "UPDATE summary SET superseded = 1 WHERE block = 0 AND size = 4",
        "DELETE FROM summary WHERE block = 1",
        "INSERT INTO summary VALUES (8, 7, '0145', 'retail.x', 'EUR', 0, 1, 1, 1, 0, 1)",
    ],
)
async def test_a_wrong_block_is_found(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: any figure, name or block that is wrong unbalances the books."""
    monkeypatch.setattr(sqlite_summary, "LEVELS", (4, 8))
    path = tmp_path / "journal.db"
    await (await _journal(path)).close()
    assert await _wrong(path) == []
    assert await _wrong(path, change) == ["whole blocks"]


async def test_a_journal_of_version_4_gets_its_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are filled from the rows once, and everything balances from then on."""
    monkeypatch.setattr(sqlite_summary, "LEVELS", (4, 8))
    path = tmp_path / "journal.db"
    journal = await _journal(path)
    await journal.settle(Settlement(ROUTE, [row(1), row(2, "held")], cursor=2))
    before = await journal.standing()
    await journal.close()
    db = apsw.Connection(str(path))
    db.execute(
        "DROP TABLE summary; DROP INDEX invalid_unanswered; UPDATE schema_version SET version = 4;"
        "DELETE FROM total WHERE book LIKE 'settled/%'"
    )
    db.close()
    journal = await open_sqlite(path)
    assert await journal.standing() == before
    await journal.append([candidate(number) for number in range(11, 20)])
    await journal.settle(Settlement(ROUTE, [row(2), row(3)], cursor=3))
    assert await _settled(journal) == {("delivered", SALE, "EUR"): (3, 600, 0)}
    await journal.close()
    assert await _wrong(path) == []


async def test_the_screen_reads_no_delivered_row(tmp_path: Path) -> None:
    """Beside the indexes of what is open, status does not enter the ledger; a scan of it would."""
    path = tmp_path / "journal.db"
    journal = await _journal(path)
    await journal.settle(Settlement(ROUTE, [row(1), row(2, "dead")], cursor=2))
    few = await _steps_of_status(path)
    await journal.append([candidate(number) for number in range(11, 1_011)])
    await journal.settle(Settlement(ROUTE, [row(at) for at in range(3, 1_011)], cursor=1_010))
    await journal.settle(Settlement(ROUTE, [row(at) for at in range(3, 1_011)]))
    many = await _steps_of_status(path)
    scanned = await _steps_of_status(path, totals=True)
    await journal.close()
    assert many < 2 * few
    assert scanned > 10 * many


async def _steps_of_status(path: Path, *, totals: bool = False) -> int:
    """Return how many steps of its machine SQLite takes for the screen, or for counting rows."""
    steps = 0

    def note() -> bool:
        nonlocal steps
        steps += 1
        return False

    class Watched(Reader):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.db.set_progress_handler(note, 1)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite_reader, "Reader", Watched)
        queries = open_queries(path)
        if totals:
            await queries.route_totals(ROUTE)
        else:
            await status(queries, now=1_700_000_001_000_000)
        await queries.close()
    return steps

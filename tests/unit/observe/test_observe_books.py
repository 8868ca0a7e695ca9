"""The books balance exactly when nothing was lost, doubled or forgotten."""

from __future__ import annotations

from tillway.journal.base import RefusedItem, Settlement
from tillway.journal.memory import MemoryJournal
from tillway.observe import books_as_json, verify
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row


async def _busy_journal() -> MemoryJournal:
    journal = MemoryJournal()
    await journal.append([candidate(1), candidate(2, amount=-300), candidate(3, amount=None)])
    await journal.append([candidate(1), candidate(1, amount=999, record=b"x"), invalid(7)])
    await journal.append([RefusedItem("quayside", "TW-2001")])
    await journal.register_route(ROUTE, 0)
    await journal.settle(Settlement(ROUTE, rows=[row(1), row(2, "dead")], cursor=2))
    return journal


async def test_honest_books_balance() -> None:
    """Every outcome and every fate adds up, per type and currency."""
    books = await verify(await _busy_journal(), {ROUTE: frozenset({SALE})})
    assert books.balanced
    assert [equation.name for equation in books.equations] == [
        "received",
        "stored rows",
        f"route {ROUTE}",
        f"route {ROUTE} filtered",
        f"route {ROUTE} dead",
        f"route {ROUTE} delivered",
    ]
    received = books.equations[0]
    assert received.total == 7
    assert {part: received.part_count(part) for part in ("accepted", "conflict", "refused")} == {
        "accepted": 3,
        "conflict": 1,
        "refused": 1,
    }


async def test_what_no_route_carries_is_shown() -> None:
    """A message that matches no route is listed, and is no imbalance."""
    books = await verify(await _busy_journal(), {ROUTE: frozenset()})
    assert books.balanced
    assert {one.message_type for one in books.unrouted} == {SALE}


async def test_a_lost_row_unbalances_the_books() -> None:
    """Positive control: a message that vanishes from the rows is found, with count and money."""
    journal = await _busy_journal()
    journal.records.pop(0)
    books = await verify(journal)
    assert not books.balanced
    stored = books.equations[1]
    wrong = [row for row in stored.rows if not row.balanced]
    assert [(one.currency, one.difference.count, one.difference.amount_minor) for one in wrong] == [
        ("EUR", 1, 1250)
    ]


async def test_an_outcome_never_counted_unbalances_the_books() -> None:
    """Positive control: received without an outcome is a difference."""
    journal = await _busy_journal()
    journal.received.add("quayside", SALE, "EUR", 100)
    books = await verify(journal)
    assert not books.equations[0].balanced
    cell = books_as_json(books)["equations"][0]["rows"][-1]["difference"]
    assert (cell["count"], str(cell["amount"])) == (1, "1.00")


async def test_a_cursor_that_jumped_is_found() -> None:
    """Positive control: positions passed over without being counted differ from the kept total."""
    journal = await _busy_journal()
    await journal.settle(Settlement(ROUTE, cursor=3))
    books = await verify(journal)
    assert [equation.name for equation in books.equations if not equation.balanced] == [
        f"route {ROUTE} filtered"
    ]


async def test_filtered_messages_balance() -> None:
    """What a route passes over on purpose is kept as a total and balances."""
    journal = await _busy_journal()
    await journal.settle(Settlement(ROUTE, cursor=3, filtered={(SALE, ""): (1, 0)}))
    assert (await verify(journal)).balanced


async def test_sending_counts_as_pending() -> None:
    """A message that is being sent has not reached its target."""
    journal = await _busy_journal()
    await journal.settle(Settlement(ROUTE, rows=[row(3, "sending")], cursor=3))
    books = await verify(journal)
    assert books.balanced
    assert books.equations[2].part_count("pending") == 1

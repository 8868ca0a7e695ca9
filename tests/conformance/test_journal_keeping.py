"""Retention, and the record of a restore, on every journal backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tillway.delivery.rebuild import ON_HOLD
from tillway.journal.base import AttemptRow, DeliveryRow, Settlement
from tillway.journal.keeping import RESTORED, Cutoffs, Restored
from tillway.journal.memory import MemoryJournal
from tillway.journal.sqlite import open_sqlite
from tillway.observe import verify
from tillway.testing.journal import ROUTE, candidate, invalid, row

EVERYTHING = Cutoffs(raw=2**60, canonical=2**60, duplicates=2**60, attempts=2**60)


async def memory(_folder: Path) -> Any:
    """Open the in-memory twin."""
    return MemoryJournal()


async def on_sqlite(folder: Path) -> Any:
    """Open a journal file."""
    return await open_sqlite(folder / "journal.db")


@pytest.fixture(params=[memory, on_sqlite])
async def journal(request, tmp_path: Path) -> AsyncIterator[Any]:
    """Give an empty journal of each backend."""
    make: Callable[[Path], Awaitable[Any]] = request.param
    opened = await make(tmp_path)
    yield opened
    await opened.close()


async def _filled(journal: Any, states: list[str]) -> None:
    """Store a message per state; what is `pending` comes last and has no row."""
    await journal.append([candidate(number) for number in range(1, len(states) + 1)])
    await journal.register_route(ROUTE, 0)
    rows = [row(at, state) for at, state in enumerate(states, 1) if state != "pending"]
    await journal.settle(Settlement(ROUTE, rows=rows, cursor=len(rows)))


async def _payloads(journal: Any) -> list[tuple[bool, bool]]:
    """Return per position whether raw and canonical are still there."""
    records = [await journal.record(at) for at in range(1, await journal.last_position() + 1)]
    return [(bool(one.raw), bool(one.message.canonical)) for one in records]


async def test_payloads_of_what_is_settled_go(journal: Any) -> None:
    """Raw and canonical go on their own; header, key and fate stay."""
    await _filled(journal, ["delivered", "abandoned"])
    gone = await journal.retire(Cutoffs(raw=2**60), 10)
    assert (gone.raw, gone.total) == (2, 2)
    assert await _payloads(journal) == [(False, True), (False, True)]
    assert (await journal.retire(EVERYTHING, 10)).canonical == 2
    assert await _payloads(journal) == [(False, False), (False, False)]
    assert [one.envelope.natural_key for one in await journal.read(0, 9)] == [
        candidate(1).envelope.natural_key,
        candidate(2).envelope.natural_key,
    ]
    assert await journal.load([1, 2]) == []
    assert [one.outcome for one in await journal.append([candidate(1)])] == ["duplicate"]


@pytest.mark.parametrize("state", ["sending", "held", "in_doubt", "dead", "pending"])
async def test_what_is_unresolved_keeps_everything(journal: Any, state: str) -> None:
    """A message that a route or a person still has to deal with loses nothing."""
    await _filled(journal, ["delivered", state])
    await journal.settle(Settlement(ROUTE, attempts=[AttemptRow(ROUTE, 2, 1, 1, 2, "transient")]))
    gone = await journal.retire(EVERYTHING, 10)
    assert (gone.raw, gone.canonical) == (1, 1)
    assert await _payloads(journal) == [(False, False), (True, True)]
    expected = 1 if state == "pending" else 0
    assert gone.attempts == expected
    assert len(await journal.attempts_of(2)) == 1 - expected


async def test_open_copies_stay_and_closed_ones_go(journal: Any) -> None:
    """Quarantined and conflicting bytes, and what a conflict is with, stay until it is closed."""
    copies = [
        invalid(1),
        invalid(2, record=b"other"),
        candidate(3),
        candidate(3, amount=9, record=b"x"),
    ]
    receipts = await journal.append(copies)
    await journal.close_invalid(receipts[0].invalid_id, 1)
    gone = await journal.retire(EVERYTHING, 10)
    assert gone.copies == 1
    kept = await journal.invalid(open_only=False)
    assert [bool(one.raw) for one in kept] == [False, True, True]
    assert await _payloads(journal) == [(True, True)]


async def test_the_books_balance_after_retention(journal: Any) -> None:
    """Duplicates go as rows and stay as totals, in count and money."""
    await _filled(journal, ["delivered", "dead"])
    await journal.append([candidate(1), candidate(1), candidate(2)])
    before = await journal.intake_totals()
    gone = await journal.retire(EVERYTHING, 10)
    assert gone.duplicates == 3
    after = await journal.intake_totals()
    assert after == before
    assert (await verify(journal)).balanced
    assert (await journal.record(1)).duplicates == []


async def test_young_things_and_kinds_without_limit_stay(journal: Any) -> None:
    """Only what is older than its own moment goes; 0 keeps for ever."""
    await _filled(journal, ["delivered"])
    received_at = (await journal.read(0, 1))[0].envelope.received_at
    assert (await journal.retire(Cutoffs(), 10)).total == 0
    assert (await journal.retire(Cutoffs(raw=received_at), 10)).total == 0
    assert (await journal.retire(Cutoffs(raw=received_at + 1), 10)).total == 1


async def test_retention_goes_in_batches_until_nothing_is_left(journal: Any) -> None:
    """Each call takes at most its limit, and a later pass finds what was resolved meanwhile."""
    await _filled(journal, ["delivered", "held", "delivered", "delivered", "delivered"])
    counts = [(await journal.retire(Cutoffs(raw=2**60), 2)).raw for _ in range(3)]
    assert counts == [2, 2, 0]
    await journal.settle(Settlement(ROUTE, rows=[row(2)]))
    assert (await journal.retire(Cutoffs(raw=2**60), 2)).raw == 1


async def test_a_restore_is_remembered_and_doubts_what_was_held(journal: Any) -> None:
    """Held messages may be delivered since: their outcome is unknown; findings wait as before."""
    await _filled(journal, ["delivered", "held", "held", "dead"])
    waiting = DeliveryRow(ROUTE, 3, "held", "lane", 0, 5, reason="findings")
    await journal.settle(Settlement(ROUTE, rows=[waiting]))
    assert await journal.restored() is None
    mark = Restored(4, 90, 80, "nightly", "ann", "disk died")
    await journal.mark_restored(mark)
    assert await journal.restored() == mark
    rows = await journal.delivery_rows(ROUTE, [1, 2, 3, 4])
    assert [(one.state, one.reason) for one in rows] == [
        ("delivered", ""),
        ("sending", RESTORED),
        ("held", "findings"),
        ("dead", ""),
    ]
    [audited] = await journal.actions(5)
    assert (audited.verb, audited.who, audited.reason) == ("restore", "ann", "disk died")


async def test_a_restore_leaves_what_a_person_holds(journal: Any) -> None:
    """It stays held; it may have been let go since, so its release is never a first try."""
    await _filled(journal, ["held", "held"])
    kept = DeliveryRow(ROUTE, 1, "held", "lane", 0, 5, reason=ON_HOLD)
    let_go = DeliveryRow(ROUTE, 2, "held", "lane", 0, 5, reason="operator")
    await journal.settle(Settlement(ROUTE, rows=[kept, let_go]))
    await journal.mark_restored(Restored(2, 90, 80, "nightly", "ann"))
    rows = await journal.delivery_rows(ROUTE, [1, 2])
    assert [(one.state, one.reason, one.attempts) for one in rows] == [
        ("held", ON_HOLD, 1),
        ("sending", RESTORED, 0),
    ]


async def test_a_restore_is_acknowledged_once(journal: Any) -> None:
    """Who said so and why is kept; a second time there is nothing to acknowledge."""
    assert not await journal.acknowledge_restore(95, "bob", "looked")
    await journal.mark_restored(Restored(4, 90, 80, "nightly", "ann"))
    assert await journal.acknowledge_restore(95, "bob", "looked")
    found = await journal.restored()
    assert (found.acknowledged_at, found.acknowledged_by) == (95, "bob")
    assert not await journal.acknowledge_restore(96, "bob", "again")
    assert [one.verb for one in await journal.actions(5)] == ["acknowledge restore", "restore"]

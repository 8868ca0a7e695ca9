"""The hints of a source: durable from `put` until `done`, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tillway.assembly.hints import JournalHints
from tillway.clock import ManualClock
from tillway.connect import Hint
from tillway.errors import Refused
from tillway.intake import Gate
from tillway.journal.memory import MemoryJournal
from tillway.journal.sqlite import open_sqlite
from tillway.observe import verify
from tillway.testing.journal import candidate


class Desk:
    """One journal and the hints of any source on it; `reopen` is a restart."""

    def __init__(self, journal: Any, path: Path | None) -> None:
        self.journal = journal
        self.path = path
        self.gate = Gate()
        self._ids = count(1)

    def of(self, source: str) -> JournalHints:
        """Return the hints of a source, as a hub makes them when it starts."""
        return JournalHints(
            source,
            self.journal,
            ManualClock(),
            lambda: f"{next(self._ids):032x}",
            "r1",
            self.gate.check,
        )

    async def reopen(self) -> None:
        """Close the journal and open it again, where it is kept."""
        if self.path is not None:
            await self.journal.close()
            self.journal = await open_sqlite(self.path)


@pytest.fixture(params=["memory", "sqlite"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """Give an empty journal of each kind."""
    path = tmp_path / "journal.db" if request.param == "sqlite" else None
    made = Desk(await open_sqlite(path) if path else MemoryJournal(), path)
    yield made
    await made.journal.close()


def _hint(number: int, **more: Any) -> Hint:
    return Hint(event_id=f"ev-{number}", object_type="order", object_id=f"or-{number}", **more)


async def test_a_hint_waits_until_it_is_done(desk: Desk) -> None:
    """In the order they came, as many as asked for, with everything the vendor said."""
    hints = desk.of("square")
    told = _hint(1, revision=3, occurred_at="2026-11-20T11:31:00Z", store="loc-1")
    assert await hints.put(told)
    assert await hints.put(_hint(2))
    waiting = await hints.waiting(10)
    assert [hint for _, hint in waiting] == [told, _hint(2)]
    assert [hint for _, hint in await hints.waiting(1)] == [told]
    await hints.done(waiting[0][0])
    assert [hint for _, hint in await hints.waiting(10)] == [_hint(2)]


async def test_a_repeated_hint_is_not_new_even_when_worded_otherwise(desk: Desk) -> None:
    """The vendor's event id alone decides; nothing is kept twice and nothing is a conflict."""
    hints = desk.of("square")
    assert await hints.put(_hint(1))
    assert not await hints.put(_hint(1, occurred_at="2026-11-20T11:32:00Z"))
    assert len(await hints.waiting(10)) == 1
    assert await desk.journal.invalid() == []


async def test_a_crash_neither_loses_nor_repeats_work(desk: Desk) -> None:
    """What was put is there after a restart, and what was done stays done."""
    hints = desk.of("square")
    for number in (1, 2, 3):
        await hints.put(_hint(number))
    [(first, _)] = await hints.waiting(1)
    await hints.done(first)
    await desk.reopen()
    again = desk.of("square")
    assert [hint.event_id for _, hint in await again.waiting(10)] == ["ev-2", "ev-3"]
    assert not await again.put(_hint(1))
    assert len(await again.waiting(10)) == 2


async def test_done_never_goes_back(desk: Desk) -> None:
    """A late word about an earlier hint does not bring the later ones back."""
    hints = desk.of("square")
    for number in (1, 2):
        await hints.put(_hint(number))
    (first, _), (second, _) = await hints.waiting(10)
    await hints.done(second)
    await hints.done(first)
    assert await hints.waiting(10) == []


async def test_sources_do_not_see_one_anothers_hints(desk: Desk) -> None:
    """An event id belongs to one vendor, and so does the memory of what is done."""
    square, shopify = desk.of("square"), desk.of("shopify")
    await desk.journal.append([candidate(1)])
    assert await square.put(_hint(1))
    assert await shopify.put(_hint(1))
    [(position, _)] = await shopify.waiting(10)
    await shopify.done(position)
    assert len(await square.waiting(10)) == 1


@pytest.mark.parametrize("wrong", [{"object_id": ""}, {"event_id": ""}, {"object_id": "x" * 400}])
async def test_a_hint_that_names_nothing_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    """The vendor is told, and nothing is stored that could never be fetched."""
    named = {"event_id": "ev-1", "object_type": "order", "object_id": "or-1", **wrong}
    with pytest.raises(Refused) as told:
        await desk.of("square").put(Hint(**named))
    assert (told.value.code, told.value.status) == ("TW-2018", 422)
    assert await desk.of("square").waiting(10) == []


async def test_a_closed_hub_takes_no_hints(desk: Desk) -> None:
    """Below the disk floor a vendor's call is refused like any message, and taken afterwards."""
    desk.gate.close(lambda: Refused("TW-5005", "no room", status=507))
    with pytest.raises(Refused):
        await desk.of("square").put(_hint(1))
    desk.gate.open()
    assert await desk.of("square").put(_hint(1))


async def test_hints_stand_in_the_books(desk: Desk) -> None:
    """They are received and accepted like everything else, and no route misses them."""
    hints = desk.of("square")
    await hints.put(_hint(1))
    await hints.put(_hint(1))
    books = await verify(desk.journal, {"pos-to-erp": frozenset({"cash.moved"})})
    assert books.balanced
    assert books.unrouted == []

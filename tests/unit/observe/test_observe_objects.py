"""Objects without a register's number, revisions and hints, as people see them."""

from __future__ import annotations

from pathlib import Path

from tillway.clock import MICROSECONDS
from tillway.journal.base import Settlement
from tillway.journal.memory import MemoryJournal
from tillway.observe import find, gaps, latest, status, trace, verify
from tillway.project.records import HubSettings, Release
from tillway.routing import Route
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row
from tillway.testing.journal_objects import hint, version

NOW = 1_700_000_060 * MICROSECONDS


def _release() -> Release:
    routes = {ROUTE: Route(ROUTE, frozenset({SALE}), "erp")}
    return Release("r1", Path(), HubSettings("demo"), {}, {}, routes, {}, {}, {}, {}, {})


async def _journal() -> MemoryJournal:
    """Revision 3 of an order, delivered, then its late revision 2, then a hint."""
    journal = MemoryJournal()
    await journal.append([version("or-1", 3), version("or-1", 2, amount=70), hint(1)])
    await journal.register_route(ROUTE, 0)
    filtered = {(SALE, "EUR"): (1, 70), ("source.hint", ""): (1, 0)}
    await journal.settle(Settlement(ROUTE, [row(1, updated_at=NOW)], cursor=3, filtered=filtered))
    return journal


async def test_a_trace_says_superseded_instead_of_not_carried():
    """The step and the route both name the newer revision."""
    journal = await _journal()
    found = await trace(journal, 2, _release(), lambda _route, _message: {})
    assert (found.revision, found.hit.superseded_by) == (2, 3)
    assert "superseded by revision 3" in [step.what for step in found.steps]
    [route] = [step for step in found.steps if step.route == ROUTE]
    assert (route.what, route.detail) == ("not carried", "superseded by revision 3")
    assert [stage.name for stage in found.stages] == ["raw", "canonical"]


async def test_a_current_message_is_traced_as_before():
    """What superseded another is nothing special."""
    found = await trace(await _journal(), 1, _release())
    assert found.hit.superseded_by is None
    assert [step.what for step in found.steps] == ["accepted", "delivered"]


async def test_find_shows_every_revision_of_an_object():
    """The newest first, and which of them is history."""
    found = await find(await _journal(), "or-1", now=NOW)
    assert [(hit.revision, hit.superseded_by) for hit in found.hits] == [(2, 3), (3, None)]
    assert [hit.fates for hit in found.hits] == [{}, {ROUTE: "delivered"}]


async def test_status_counts_history_as_settled():
    """Nothing waits, and the shop of the object is well."""
    found = await status(await _journal(), now=NOW, release=_release())
    [route] = found.routes
    assert (route.delivered, route.pending, route.filtered) == (1, 0, 2)
    assert [(line.store, line.state, line.unsent) for line in found.stores] == [("0145", "ok", 0)]


async def test_the_books_balance_and_no_hint_is_missed_by_routes():
    """Superseded money is filtered; an internal type needs no route."""
    books = await verify(await _journal(), {ROUTE: frozenset({SALE})})
    assert books.balanced
    assert books.unrouted == []
    alone = await verify(await _journal(), {ROUTE: frozenset({"cash.moved"})})
    assert [total.message_type for total in alone.unrouted] == [SALE]


async def test_no_gap_comes_of_objects_or_of_a_system_without_sequence():
    """Objects have no numbers; where the policy is none, numbers promise nothing."""
    journal = await _journal()
    assert await gaps(journal) == []
    await journal.append([candidate(1), candidate(5)])
    assert len(await gaps(journal)) == 1
    assert await gaps(journal, {"quayside": "none"}) == []


async def test_an_unreadable_quarantined_number_breaks_no_page():
    """A copy whose number is a word is no number of the register."""
    journal = MemoryJournal()
    broken = invalid(7)
    broken.natural_key = "0145:03:2026-11-20:seven"
    await journal.append([candidate(1), candidate(3), broken])
    assert [(gap.first, gap.last) for gap in await gaps(journal)] == [(2, 2)]


async def test_the_newest_messages_carry_their_revision():
    """The list that people watch says which of them is history."""
    found = await latest(await _journal(), 10)
    assert [hit.superseded_by for hit in found] == [None, 3, None]


async def test_a_dead_letter_says_in_its_trace_that_it_is_superseded() -> None:
    """It was current when it came; what it says now is which revision took its place."""
    journal = MemoryJournal()
    await journal.append([version("or-1", 1), version("or-1", 2)])
    await journal.register_route(ROUTE, 0)
    rows = [row(1, "dead", detail="unknown account"), row(2, "dead", detail="unknown account")]
    await journal.settle(Settlement(ROUTE, rows, cursor=2))
    steps = [(await trace(journal, at, _release())).steps for at in (1, 2)]
    told = [[step.detail for step in life if step.what == "dead"] for life in steps]
    assert told == [["superseded by revision 2 - unknown account"], ["unknown account"]]

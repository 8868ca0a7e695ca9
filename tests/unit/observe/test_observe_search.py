"""A search finds by any number, and no hit says why."""

from __future__ import annotations

import pytest

from tillway.clock import MICROSECONDS
from tillway.journal.base import Settlement
from tillway.journal.memory import MemoryJournal
from tillway.observe import find, gaps, latest
from tillway.observe.gaps import Gap
from tillway.project.records import Store
from tillway.testing.journal import ROUTE, candidate, invalid, row

NOW = 1_700_000_060 * MICROSECONDS
STORES = {"0200": Store("0200", "Hill", "Europe/Berlin", "DE", "EUR", "quayside")}


@pytest.fixture
async def journal() -> MemoryJournal:
    """Numbers 41, 42, 44 and 50 of one till; 47 is quarantined."""
    made = MemoryJournal()
    await made.append([candidate(number) for number in (41, 42, 44, 50)])
    await made.append([invalid(47)])
    await made.register_route(ROUTE, 0)
    await made.settle(Settlement(ROUTE, rows=[row(1)], cursor=1))
    return made


@pytest.mark.parametrize(
    "text", ["0145:03:2026-11-20:42", "0145-03-000042", "0145-03-42", "42", "000042"]
)
async def test_every_form_of_a_number_finds_the_sale(journal: MemoryJournal, text: str) -> None:
    """A key, a store-till-number and a bare receipt number find the same sale."""
    found = await find(journal, text, now=NOW)
    assert [hit.natural_key for hit in found.hits] == ["0145:03:2026-11-20:42"]
    assert str(found.hits[0].amount) == "12.50"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0145-03-43", "Number 43 is a gap"),
        ("0145:03:2026-11-20:43", "Number 43 is a gap"),
        ("0145-03-99", "Number 99 has not arrived"),
        ("0145-03-7", "Number 7 is earlier"),
        ("0145-09-42", "Till 09 of store 0145 never sent anything. Known tills: 03."),
        ("0145:03:2026-11-21:42", "sent nothing for 2026-11-21; it sent for 2026-11-20"),
        ("0200-01-1", "Store 0200 (Hill) has sent nothing at all so far."),
        ("0154-03-42", 'Did you mean "0145"?'),
        ("777", "Numbers repeat between tills"),
        ("what", "matches no natural key"),
    ],
)
async def test_no_hit_says_why(journal: MemoryJournal, text: str, sentence: str) -> None:
    """No hit is an answer."""
    found = await find(journal, text, now=NOW, stores=STORES)
    assert not found.hits
    assert sentence in " ".join(found.absent)


@pytest.mark.parametrize("text", ["0145-03-47", "0145:03:2026-11-20:47", "#1"])
async def test_a_quarantined_number_is_found_as_such(journal: MemoryJournal, text: str) -> None:
    """A number in quarantine is neither absent nor a gap."""
    found = await find(journal, text, now=NOW)
    assert not found.hits
    assert [(copy.name, copy.outcome) for copy in found.copies] == [("#1", "quarantined")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0145:03:2026-11-20:2:e1", "Number 2 is a gap: store 0145 till 03 on 2026-11-20 (run e1"),
        ("0145:03:2026-11-20:42:e1", "Number 42 has not arrived: the last of store 0145 till 03"),
        ("0145:03:2026-11-20:42:e2", "sent nothing of run e2 of its counter for 2026-11-20"),
        ("0145-03-2", "Number 2 is earlier: the first of store 0145 till 03 on 2026-11-20 is 41."),
    ],
)
async def test_no_hit_names_the_run_of_a_counter(
    journal: MemoryJournal, text: str, sentence: str
) -> None:
    """A counter that started again is looked at run by run; without a run every one is told."""
    await journal.append([candidate(1, epoch=1), candidate(3, epoch=1)])
    found = await find(journal, text, now=NOW)
    assert not found.hits
    assert sentence in " ".join(found.absent)


async def test_a_copy_of_a_run_is_found_by_its_number(journal: MemoryJournal) -> None:
    """Whoever types store, till and number need not know that the counter started again."""
    await journal.append([candidate(1, epoch=1), invalid(2, epoch=1, record=b"other")])
    for text in ("0145-03-2", "0145:03:2026-11-20:2:e1"):
        found = await find(journal, text, now=NOW)
        assert [copy.natural_key for copy in found.copies] == ["0145:03:2026-11-20:2:e1"]
    assert not (await find(journal, "0145:03:2026-11-20:2", now=NOW)).copies


async def test_gaps_leave_out_quarantined_numbers(journal: MemoryJournal) -> None:
    """Runs of missing numbers are listed; 47 is accounted for by the quarantine."""
    listed = await gaps(journal)
    assert [(gap.first, gap.last, gap.count) for gap in listed] == [
        (43, 43, 1),
        (45, 46, 2),
        (48, 49, 2),
    ]


async def test_gaps_limit_to_a_store(journal: MemoryJournal) -> None:
    """One shop can be asked about alone."""
    assert not await gaps(journal, store="0999")


async def test_the_latest_messages_come_first(journal: MemoryJournal) -> None:
    """The newest accepted message is on top, with its fate."""
    listed = await latest(journal, 3)
    assert [hit.sequence_number for hit in listed] == [50, 44, 42]
    assert (await latest(journal, 10))[-1].fates == {ROUTE: "delivered"}


def _day(date: str, *numbers: int):
    from tillway.journal.queries import SequenceRange

    return SequenceRange("q", "1", "01", date, min(numbers), max(numbers), len(numbers)), numbers


@pytest.mark.parametrize(
    ("policy", "days", "missing"),
    [
        ("never", [("d1", 1, 2), ("d2", 3, 4)], []),
        ("never", [("d1", 1, 2), ("d2", 5, 6)], [("d2", 3, 4)]),
        ("never", [("d1", 1, 2, 4), ("d2", 3, 5)], []),
        ("daily", [("d1", 1, 2), ("d2", 1, 2)], []),
        ("daily", [("d1", 1, 3), ("d2", 1, 2)], [("d1", 2, 2)]),
        ("wrap_at_9", [("d1", 7, 8), ("d2", 9, 1, 2)], []),
        ("wrap_at_9", [("d1", 7, 8), ("d2", 1, 2)], [("d2", 9, 9)]),
    ],
)
def test_gaps_follow_the_reset_policy(policy: str, days, missing) -> None:
    """A counter is followed over its dates as its source resets it."""
    from tillway.model.sequence import reset_policy
    from tillway.observe.gaps import _gaps_of

    found: list[Gap] = _gaps_of([_day(*day) for day in days], reset_policy(policy))
    assert [(gap.business_date, gap.first, gap.last) for gap in found] == missing

"""Gaps that faults of the simulator brought to light: days that meet, and counters that restart."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tillway.journal.base import Candidate
from tillway.journal.memory import MemoryJournal
from tillway.message import key_digest, natural_key
from tillway.observe import gaps
from tillway.testing.journal import candidate, invalid


def sold(number: int, day: str = "2026-11-20", epoch: int = 0) -> Candidate:
    """Return a sale of one till on a day, in a run of its counter."""
    parts = ("0145", "03", day, str(number), *([f"e{epoch}"] if epoch else []))
    one = candidate(number, content=natural_key(parts).encode())
    envelope = replace(
        one.envelope,
        natural_key=natural_key(parts),
        business_date=day,
        register_epoch=epoch,
    )
    return replace(one, envelope=envelope, key_digest=key_digest("quayside", "pos", parts))


async def test_a_quarantined_number_between_two_days_is_no_gap() -> None:
    """The last number of a day may be in quarantine although the rest of that day is complete."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (1, 2, 3)])
    await journal.append([invalid(4)])
    await journal.append([sold(number, "2026-11-21") for number in (5, 6)])
    assert await gaps(journal) == []


async def test_a_number_lost_between_two_days_is_a_gap() -> None:
    """The control of the one above: without the quarantined copy the number is missing."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (1, 2, 3)])
    await journal.append([sold(number, "2026-11-21") for number in (5, 6)])
    assert [(gap.first, gap.last) for gap in await gaps(journal)] == [(4, 4)]


async def test_a_counter_that_starts_again_at_once_leaves_no_gap() -> None:
    """All numbers of both runs are there."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (1, 2, 3)])
    await journal.append([sold(number, epoch=1) for number in (1, 2)])
    assert await gaps(journal) == []


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [((1, 2, 3), (1, 3), [(2, 2)]), ((5001, 5002), (1, 2), [])],
    ids=["hidden behind the other run", "between the two runs"],
)
async def test_each_run_of_a_counter_has_gaps_of_its_own(
    before: tuple[int, ...], after: tuple[int, ...], missing: list[tuple[int, int]]
) -> None:
    """A number lost in one run is missing although the other has it, and nothing lies between."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in before])
    await journal.append([sold(number, epoch=1) for number in after])
    assert [(gap.first, gap.last) for gap in await gaps(journal)] == missing


async def test_a_gap_says_in_which_run_its_numbers_are_missing() -> None:
    """The same number may be missing in both runs, on either date."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (1, 3)])
    await journal.append([sold(number, epoch=1) for number in (1, 3)])
    await journal.append([sold(5, "2026-11-21", epoch=1)])
    found = [
        (gap.business_date, gap.register_epoch, gap.first, gap.last) for gap in await gaps(journal)
    ]
    assert found == [
        ("2026-11-20", 0, 2, 2),
        ("2026-11-20", 1, 2, 2),
        ("2026-11-21", 1, 4, 4),
    ]


@pytest.mark.parametrize("policy", ["daily", "wrap_at_9999", "none"])
async def test_every_policy_follows_a_counter_run_by_run(policy: str) -> None:
    """A reset that the till tells is no gap under any policy, and what it lost is one."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (5001, 5002)])
    await journal.append([sold(number, epoch=1) for number in (1, 3)])
    found = [(gap.first, gap.last) for gap in await gaps(journal, {"quayside": policy})]
    assert found == ([] if policy == "none" else [(2, 2)])


async def test_a_quarantined_number_fills_the_gap_of_its_own_run_alone() -> None:
    """The last number of a complete day of run 1 may be in quarantine; run 0 misses its own."""
    journal = MemoryJournal()
    await journal.append([sold(number) for number in (1, 3)])
    await journal.append([sold(1, epoch=1), invalid(2, epoch=1)])
    await journal.append([sold(3, "2026-11-21", epoch=1)])
    assert [(gap.register_epoch, gap.first) for gap in await gaps(journal)] == [(0, 2)]

"""Intake, journal and delivery are killed hundreds of times: nothing lost, doubled or reordered."""

from __future__ import annotations

from pathlib import Path

from crash.kill_children import TILLS
from crash.killed_children import acknowledged, killed, losses, stored_numbers

KILLS = 200
KILLS_OF_THE_CONTROL = 50
SEED = 20261121


async def test_two_hundred_kills_lose_double_and_reorder_nothing(tmp_path: Path) -> None:
    """Every sale that had its answer is stored; each is booked once, in the order of its till."""
    assert await losses(killed(tmp_path, KILLS, SEED), KILLS) == []


async def test_the_kills_find_a_journal_that_answers_too_early(tmp_path: Path) -> None:
    """Positive control: where the answer comes before the commit, answered sales are gone."""
    project = killed(tmp_path, KILLS_OF_THE_CONTROL, SEED, "late")
    answered, stored = acknowledged(project), await stored_numbers(project)
    assert any(set(answered[till]) - set(stored[till]) for till in TILLS)

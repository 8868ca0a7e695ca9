"""Sets the wall clock of whole worlds by minutes, days and years: nothing is lost, nothing storms.

Surprising: a storm is told by comparing. The same seed runs without the steps too, and the steps
may not make the hub call its targets much more often than it did then.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side, spelled
from simulate.world import run_world
from tillway.testing.virtual_loop import START

HOUR, DAY = 3600.0, 24 * 3600.0
YEARS_10 = 3652 * DAY
FIRST_SECOND, LATER_SECOND = 20.0, 60.0
CALLS_MORE = 20
"""Calls that steps may add to any world; beyond them half as many again as without steps."""
SEEDS = {"quick": 8, "full": 250}
Steps = Sequence[tuple[float, float]]


def until(*moment: int) -> float:
    """Return by how much the clock must be set to show half a minute before a moment, UTC."""
    wanted = datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[misc]
    return wanted - 30.0 - (START / 1e6 + FIRST_SECOND)


STEPS: dict[str, Steps] = {
    "5 min ahead": [(FIRST_SECOND, 300.0)],
    "5 min back": [(FIRST_SECOND, -300.0)],
    "a day ahead": [(FIRST_SECOND, DAY)],
    "a day back": [(FIRST_SECOND, -DAY)],
    "10 years back": [(FIRST_SECOND, -YEARS_10)],
    "10 years back and forth": [(FIRST_SECOND, -YEARS_10), (LATER_SECOND, YEARS_10)],
    "into summer time and out": [(FIRST_SECOND, HOUR), (LATER_SECOND, -HOUR)],
    "over the end of summer time": [(FIRST_SECOND, until(2026, 10, 25, 1))],
    "into the leap day": [(FIRST_SECOND, until(2028, 2, 29))],
    "out of the leap day": [(FIRST_SECOND, until(2028, 3, 1))],
    "to and fro": [(10.0 * n, 300.0 * (-1) ** n * n) for n in range(1, 13)],
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the worlds of a seed came to. wrong: what was lost or stormed, with the step."""

    worlds: int
    accepted: int
    wrong: tuple[str, ...]


def prove(job: Job) -> Outcome:
    """Run every kind of step over every seed, with other faults in every second seed."""
    seeds = range(job.seed, job.seed + SEEDS[job.tier])
    worlds = accepted = 0
    wrong: list[str] = []
    for seed, found in side_by_side(job, look, seeds):
        worlds += found.worlds
        accepted += found.accepted
        wrong += [f"seed {seed}, {text}" for text in found.wrong]
    for text in wrong[:10]:
        job.say(text)
    figure = f"{len(wrong)} wrong in {worlds:,} worlds, {len(STEPS)} kinds of step"
    return Outcome(f"{figure}, {accepted:,} sales", not wrong, spelled(seeds))


def look(_folder: Path, seed: int) -> Found:
    """Run the worlds of one seed and compare each with the one whose clock was left alone."""
    faults = seed % 2 == 0
    logging.disable()  # what a hub tells of drawn faults would drown the progress
    plain = run_world(seed, faults=faults)
    wrong = [f"no step: {text}" for text in plain.wrong]
    accepted = plain.accepted
    for name, steps in STEPS.items():
        world = run_world(seed, clock_steps=steps, faults=faults)
        accepted += world.accepted
        wrong += [f"{name}: {text}" for text in world.wrong]
        if not faults and world.accepted != plain.accepted:
            wrong.append(f"{name}: {world.accepted} accepted, without it {plain.accepted}")
        if world.calls > 1.5 * plain.calls + CALLS_MORE:
            wrong.append(f"{name}: {world.calls} calls, without it {plain.calls}")
    return Found(1 + len(STEPS), accepted, tuple(wrong))


PROOF = Proof("clock steps", "nothing lost, no storm", prove)

"""What a row of the proof table is: a promise, and how to try to break it.

Surprising: a proof is synchronous and starts its own event loop or processes; the runner times it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tier = Literal["quick", "full"]


@dataclass(frozen=True, slots=True)
class Job:
    """What a proof gets to work with.

    folder: scratch of this row, empty, removed afterwards. seed: the first seed to use. workers:
    how many processes it may use. say: prints a line of progress.
    """

    tier: Tier
    folder: Path
    seed: int
    workers: int
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found: "0 lost, 0 doubled in 500 kills"; seeds as "1..20000", "" without any."""

    figure: str
    ok: bool
    seeds: str


@dataclass(frozen=True, slots=True)
class Proof:
    """One row of the table; `prove` may raise, which fails the row and no other."""

    name: str
    goal: str
    prove: Callable[[Job], Outcome]

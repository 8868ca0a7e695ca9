"""Seeded worlds on virtual time: whatever fails, every promise holds, and a broken one is found."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulate.breaks import BREAKS, Breaks
from simulate.world import Verdict, run_world

SEEDS = 300
SEEDS_AT_ONCE = 50
SEEDS_OF_A_CONTROL = 40
HERE = Path(__file__).parent
REGRESSIONS = [
    int(line.split()[0])
    for line in (HERE / "regressions.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log of thousands of planned faults to itself."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def failures(seeds: list[int], breaks: Breaks | None = None) -> dict[int, tuple[str, ...]]:
    """Return seed -> what is wrong, of the seeds that found something."""
    verdicts = (run_world(seed, breaks=breaks) for seed in seeds)
    return {verdict.seed: verdict.wrong for verdict in verdicts if verdict.wrong}


@pytest.mark.parametrize("first", range(1, SEEDS, SEEDS_AT_ONCE))
def test_no_seed_breaks_a_promise(first: int) -> None:
    """Network, disk, clock and process fail as drawn; nothing is lost, doubled, or out of order."""
    assert failures(list(range(first, first + SEEDS_AT_ONCE))) == {}


def test_seeds_that_once_failed_stay_good() -> None:
    """Each fault that was found stays mended."""
    assert failures(REGRESSIONS) == {}


@pytest.mark.parametrize("breaks", BREAKS, ids=lambda breaks: breaks.name)
def test_a_broken_promise_is_found(breaks: Breaks) -> None:
    """Positive control: the same seeds find each promise that is broken on purpose."""
    seeds = (*range(1, SEEDS_OF_A_CONTROL + 1), *REGRESSIONS)
    found = (run_world(seed, breaks=breaks) for seed in seeds)
    assert any(verdict.wrong for verdict in found)


def test_the_seeds_bring_every_fault() -> None:
    """What a control does not cover: that the worlds are as bad as they are meant to be."""
    lines = [line for seed in range(1, 80) for line in run_world(seed).trace]
    wanted = (
        *("kill", "kill_at", "power", "power_at", "stop", "flush", "full", "away", "clock"),
        *("the power is cut", "killed before the commit", "its journal failed"),
        *("refused", "busy", "request lost", "answer lost", "late", "slow", "broken"),
        *("is duplicate", "is conflict", "is quarantined", "is refused"),
        *(f"orders {verb}" for verb in ("retry", "release", "hold", "skip", "abandon")),
        "replays",
    )
    text = "\n".join(lines)
    assert [word for word in wanted if word not in text] == []


def test_without_faults_everything_is_delivered() -> None:
    """A world in which nothing fails ends with every message delivered, and nobody died."""
    verdict = run_world(3, faults=False)
    assert (verdict.wrong, verdict.deaths) == ((), 0)
    assert verdict.calls > verdict.accepted / 2 > 0


def test_a_scripted_clock_is_set() -> None:
    """The wall clock is set when the script says so, and nothing comes of it."""
    verdict = run_world(5, clock_steps=[(10.0, 86_400.0), (20.0, -315_360_000.0)], faults=False)
    assert verdict.wrong == ()
    assert sum("the clock is set" in line for line in verdict.trace) == 2


def digests(verdicts: list[Verdict]) -> list[str]:
    """Return the digests of traces."""
    return [verdict.digest for verdict in verdicts]


def test_a_seed_gives_the_same_trace_in_another_process() -> None:
    """The same seed gives the same trace byte for byte, whatever the order of sets there."""
    seeds = [11, 12, 13, 14]
    program = (
        "import logging, sys; logging.disable(50); from simulate.world import run_world; "
        f"print(*(run_world(seed).digest for seed in {seeds}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONHASHSEED": "20261121"}
    other = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )
    here = digests([run_world(seed) for seed in seeds])
    assert other.stdout.split() == here
    assert digests([run_world(15)]) != here[:1]

"""Seeded worlds on virtual time: network, disk, clock and process fail, and every promise holds.

Seeds are independent, so that each of the row's processes takes every n-th portion of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from prove.proof import Job, Outcome, Proof
from simulate.world import run_world

SEEDS = {"quick": 300, "full": 20_000}
PORTION = 100
PORTIONS_OF_A_PROCESS = 20
"""What worlds leave behind in a process adds up."""
FAILURES_TOLD = 10


def prove(job: Job) -> Outcome:
    """Run every seed of the tier; name those that found something."""
    last = job.seed + SEEDS[job.tier] - 1
    portions = [
        range(first, min(first + PORTION, last + 1)) for first in range(job.seed, last + 1, PORTION)
    ]
    failed: list[int] = []
    for number, found in enumerate(_results(job, portions), start=1):
        failed += found
        if number % 20 == 0:
            job.say(f"{number * PORTION} of {SEEDS[job.tier]} seeds, {len(failed)} failed")
    told = ", ".join(map(str, failed[:FAILURES_TOLD]))
    figure = f"{len(failed)} of {SEEDS[job.tier]} seeds broke a promise"
    return Outcome(f"{figure}: {told}" if failed else figure, not failed, f"{job.seed}..{last}")


def _results(job: Job, portions: list[range]) -> Iterator[list[int]]:
    """Return the failed seeds of each portion, in order."""
    if job.workers < 2:
        yield from map(failing, portions)
        return
    # Not by max_tasks_per_child: in Python 3.11 no process follows one that has done its share.
    share = job.workers * PORTIONS_OF_A_PROCESS
    quiet = partial(logging.disable, 50)
    for first in range(0, len(portions), share):
        with ProcessPoolExecutor(job.workers, get_context("spawn"), quiet) as pool:
            yield from pool.map(failing, portions[first : first + share])


def failing(seeds: range) -> list[int]:
    """Return the seeds that broke a promise."""
    return [seed for seed in seeds if run_world(seed).wrong]


PROOF = Proof(
    "seeded simulation on virtual time",
    "no seed breaks a promise (network, disk, clock, death)",
    prove,
)

"""The power fails at any moment of many recorded runs; nothing answered before it may be gone.

Surprising: the row has failed as well when its control loses nothing, for then it proves nothing.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from crash.power_cuts import CUTS_OF_A_RUN, losses, losses_of_seed, recorded
from crash.trading import Plan
from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side, spelled

RUNS = {"quick": 10, "full": 500}
CUTS_OF_THE_CONTROL = 100


def prove(job: Job) -> Outcome:
    """Record runs of the journal, cut each a hundred times, and open what each cut leaves."""
    seeds = range(job.seed, job.seed + RUNS[job.tier])
    lost = [line for _, found in side_by_side(job, cut, seeds) for line in found]
    for line in lost[:5]:
        job.say(line)
    control = asyncio.run(cuts_that_lose(job.folder / "control", job.seed))
    cuts = len(seeds) * CUTS_OF_A_RUN
    return Outcome(
        f"{len(lost)} lost or corrupt in {cuts:,} cuts; control (synchronous=NORMAL): "
        f"{control} of {CUTS_OF_THE_CONTROL} cuts lose",
        ok=not lost and control > 0,
        seeds=spelled(seeds),
    )


def cut(folder: Path, seed: int) -> list[str]:
    """Return what the cuts of one run lost."""
    found = asyncio.run(losses_of_seed(folder, seed))
    shutil.rmtree(folder)
    return found


async def cuts_that_lose(folder: Path, seed: int) -> int:
    """Return how many cuts lose something answered where commits are not flushed."""
    run = await recorded(folder, Plan(), unsafe="synchronous")
    found = await losses(folder, run, CUTS_OF_THE_CONTROL, seed)
    return sum(any("answered at step" in line for line in lost) for lost in found.values())


PROOF = Proof(
    "power cuts (unsynced writes lost, torn, reordered)",
    "0 lost, 0 corrupt; synchronous=NORMAL must lose",
    prove,
)

"""`kill -9`: whole hubs at random moments and at named places, and forked hubs without a doorway.

Surprising: the named places include the middle of a checkpoint. A hub in a kill loop is started
again over its own journal, so each death is also a test of the recovery from the one before.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from crash.hub_lives import killed_at_places
from crash.kill_children import TILLS
from crash.kill_demo import killed_demo, new_stage
from crash.killed_children import acknowledged, killed, losses, stored_numbers
from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side

SHARES = {"quick": (2, 2, 2), "full": (10, 10, 38)}
"""Kill loops of demos, of hubs at named places, and of forked hubs."""
WAITING = 1
"""So many processes more than cores: a kill loop waits a part of its time."""
HUBS_OF_A_SHARE = 25
CHILDREN_OF_A_SHARE = 250
KILLS_OF_THE_CONTROL = 100


def prove(job: Job) -> Outcome:
    """Kill, start again, and compare what was answered with what is stored and what is booked."""
    demos, places, children = SHARES[job.tier]
    loops = [
        *(("demo", seed) for seed in range(job.seed, job.seed + demos)),
        *(("places", seed) for seed in range(job.seed, job.seed + places)),
        *(("children", seed) for seed in range(job.seed, job.seed + children)),
    ]
    more = replace(job, workers=job.workers + WAITING)
    found = side_by_side(more, partial(_kill_loop, loops), range(len(loops)))
    faults = [f"{loops[number]}: {line}" for number, lines in found for line in lines]
    for line in faults[:5]:
        job.say(line)
    control = answered_and_gone(job.folder / "control", job.seed)
    hubs = (demos + places) * HUBS_OF_A_SHARE
    lost = f"{len(faults)} faults" if faults else "0 lost, 0 doubled, 0 out of order"
    return Outcome(
        f"{lost} in {hubs} kills of whole hubs and {children * CHILDREN_OF_A_SHARE:,} of forked "
        f"ones; control (answer before commit): {control} lost",
        ok=not faults and control > 0,
        seeds=f"{job.seed}..{job.seed + max(demos, places, children) - 1}",
    )


def _kill_loop(loops: Sequence[tuple[str, int]], folder: Path, number: int) -> list[str]:
    """Run one of these loops, each a kind and a seed, in a folder that is gone afterwards."""
    kind, seed = loops[number]
    folder.mkdir(parents=True)
    found = KINDS[kind](folder, seed)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def kill_demo(folder: Path, seed: int) -> list[str]:
    """Kill the hub of a demo again and again; return what does not hold."""

    async def run() -> list[str]:
        return await killed_demo(new_stage(folder, seed), HUBS_OF_A_SHARE, Random(seed))

    return asyncio.run(run())


def kill_at_places(folder: Path, seed: int) -> list[str]:
    """Kill hubs at the named places; what does not hold is raised."""
    asyncio.run(killed_at_places(folder, HUBS_OF_A_SHARE, seed))
    return []


def kill_children(folder: Path, seed: int) -> list[str]:
    """Kill forked hubs without a doorway; return what does not hold."""
    project = killed(folder, CHILDREN_OF_A_SHARE, seed)
    return asyncio.run(losses(project, CHILDREN_OF_A_SHARE))


KINDS = {"demo": kill_demo, "places": kill_at_places, "children": kill_children}


def answered_and_gone(folder: Path, seed: int) -> int:
    """Return how many answered sales are gone where the answer comes before the commit."""
    project = killed(folder, KILLS_OF_THE_CONTROL, seed, "late")
    answered, stored = acknowledged(project), asyncio.run(stored_numbers(project))
    return sum(len(set(answered[till]) - set(stored[till])) for till in TILLS)


PROOF = Proof(
    "kill -9 at random and at each crash point",
    "0 acknowledged lost, 0 duplicate effects",
    prove,
)

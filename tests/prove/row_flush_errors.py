"""The n-th flush fails, for n from 1 to 200: in the journal alone, and in a whole running hub.

Surprising: the second that a hub has is measured in the hub itself, up to its last statement and
without what it waited for a core; else a busy machine fails the row. What the proof saw, with the
end of the process, stands beside it and has slack.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from crash.flush_errors import broken_promises, flushes_to_open
from crash.hub_lives import failing_flushes
from crash.power_cuts import recording_disk
from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side

FLUSHES = {"quick": 50, "full": 200}
IN_A_CHAIN = 25
PROMISED_SECONDS = 1.0
SLACK_SECONDS = 4.0
"""What the proof may take longer to notice, on a machine that others use too."""


def prove(job: Job) -> Outcome:
    """Fail each flush once in a journal and once in a hub, which the next one must recover from."""
    count = FLUSHES[job.tier]
    first_numbers = range(1, count + 1, IN_A_CHAIN)
    job.say("journals")
    faults = [line for _, found in side_by_side(job, in_journals, first_numbers) for line in found]
    for line in faults[:5]:
        job.say(line)
    job.say("hubs")
    left = [took for _, found in side_by_side(job, in_hubs, first_numbers) for took in found]
    longest, seen = max(own for _, own in left), max(seen for seen, _ in left)
    return Outcome(
        f"{len(faults)} faults in {count} journals; {len(left)} of {count} hubs left with 74, the "
        f"slowest after {longest:.2f} s (seen after {seen:.2f} s), and each next one recovered",
        ok=not faults
        and len(left) == count
        and longest <= PROMISED_SECONDS
        and seen <= PROMISED_SECONDS + SLACK_SECONDS,
        seeds=f"n = 1..{count}",
    )


def in_journals(folder: Path, first: int) -> list[str]:
    """Return what does not hold when one of these flushes fails in a journal."""

    async def run() -> list[str]:
        with recording_disk() as disk:
            opening = await flushes_to_open(folder / "made", disk)
            return [
                line
                for number in range(first, first + IN_A_CHAIN)
                for line in await broken_promises(folder / str(number), disk, opening, number)
            ]

    found = asyncio.run(run())
    shutil.rmtree(folder)
    return found


def in_hubs(folder: Path, first: int) -> list[tuple[float, float]]:
    """Return how long each hub took to leave, seen and by itself; what does not hold is raised."""
    folder.mkdir()
    return asyncio.run(failing_flushes(folder, range(first, first + IN_A_CHAIN)))


PROOF = Proof(
    "fsync error on the n-th sync",
    "no ack after it, exit 74 within 1 s, restart recovers",
    prove,
)

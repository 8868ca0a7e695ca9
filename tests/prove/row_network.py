"""10,000 calls over a line that cuts, swallows, delays and drips: every sale arrives once.

Surprising: with every second seed the target is of class B, which cannot tell a second call, so
there must not be one. A call has two seconds more than its deadline to be seen as ended, since hub,
proxy and proof share a busy machine; the figure is the longest.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from crash.broken_calls import DEADLINE_SECONDS, Found, Line, broken_calls
from prove.proof import Job, Outcome, Proof
from prove.shares import side_by_side, spelled

SHARES = {"quick": 2, "full": 16}
CALLS_OF_A_SHARE = 500
"""At least; what is broken is called again, so that a share makes half as many more."""
WANTED = {"quick": 1_000, "full": 10_000}
SLACK_SECONDS = 2.0


def prove(job: Job) -> Outcome:
    """Sell over such a line until enough calls were made, and compare with the ERP."""
    seeds = range(job.seed, job.seed + SHARES[job.tier])
    runs = dict(side_by_side(job, calls_of_seed, seeds))
    faults = [f"seed {seed}: {line}" for seed, run in runs.items() for line in run.faults]
    for line in faults[:5]:
        job.say(line)
    calls = sum(run.calls for run in runs.values())
    longest = max(run.longest_seconds for run in runs.values())
    return Outcome(
        f"{len(faults)} faults in {calls:,} calls; the longest took {longest:.2f} s "
        f"of a deadline of {DEADLINE_SECONDS} s",
        ok=not faults and calls >= WANTED[job.tier] and longest <= DEADLINE_SECONDS + SLACK_SECONDS,
        seeds=spelled(seeds),
    )


def calls_of_seed(folder: Path, seed: int) -> Found:
    """Make the calls of one seed."""
    folder.mkdir()
    line = Line(seed)
    return asyncio.run(broken_calls(folder, line, CALLS_OF_A_SHARE, class_b=seed % 2 == 0))


PROOF = Proof(
    "network faults (cut, half open, 1 byte/s, latency)",
    "0 lost, 0 duplicate, every call ends by its deadline",
    prove,
)

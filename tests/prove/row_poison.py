"""One sale in a hundred is poison, in a tenth of 400 lanes: it dies alone and all of it comes back.

Surprising: the quick tier is the same run as a test of the flows, with a tenth of the sales.
"""

from __future__ import annotations

import asyncio

from flows.poison import Plan, poison, verdict
from flows.test_flow_poison import SMALL
from prove.proof import Job, Outcome, Proof

FULL = Plan(15_000, 100_000, 1_250.0)


def prove(job: Job) -> Outcome:
    """Sell, let the poison die, mend it, send it again, and measure."""
    seen = asyncio.run(poison(job.folder, SMALL if job.tier == "quick" else FULL))
    found = verdict(seen)
    for fault in found.faults:
        job.say(fault)
    return Outcome(found.figure, ok=not found.faults, seeds="")


PROOF = Proof(
    "1 % poison in 100,000, 40 of 400 lanes",
    "all dead with cause, all delivered once mended, in order, other lanes p99 +20 %",
    prove,
)

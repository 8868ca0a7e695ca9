"""The ERP is down for a real minute while stores sell: gently drained, in order, no other notices.

Surprising: the quick tier is the same run as a test of the flows, three seconds long.
"""

from __future__ import annotations

import asyncio

from flows.outage import Plan, outage, verdict
from flows.test_flow_outage import SMALL
from prove.proof import Job, Outcome, Proof

FULL = Plan(20.0, 60.0, 60.0, 120.0)


def prove(job: Job) -> Outcome:
    """Break and mend the ERP under load and measure."""
    plan = SMALL if job.tier == "quick" else FULL
    seen = asyncio.run(outage(job.folder, plan))
    found = verdict(plan, seen)
    for fault in found.faults:
        job.say(fault)
    return Outcome(found.figure, ok=not found.faults, seeds="")


PROOF = Proof(
    "ERP down 60 s at 60/s, 40 registers",
    "peak < 132/s, drained < 90 s, < 30 calls in 30 s, in order, other target p99 +20 %",
    prove,
)

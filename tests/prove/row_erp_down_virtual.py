"""The ERP is down for two hours on virtual time, with ten sales a second and a capacity of 50."""

from __future__ import annotations

import logging

from prove.proof import Job, Outcome, Proof
from simulate.erp_down import Story, run_outage

QUICK_OUTAGE_SECONDS = 1800.0


def prove(job: Job) -> Outcome:
    """Let the ERP go away and come back; the quick tier takes half an hour of virtual time."""
    logging.disable(logging.CRITICAL)
    try:
        story = Story(seed=job.seed)
        if job.tier == "quick":
            story = Story(QUICK_OUTAGE_SECONDS, seed=job.seed)
        found = run_outage(story)
    finally:
        logging.disable(logging.NOTSET)
    job.say(f"{found.sales} sales")
    return Outcome(found.text, ok=not found.broken(), seeds=str(job.seed))


PROOF = Proof(
    "ERP down 2 h (virtual time)",
    "under 30 calls per half minute, peak under 1.1 x capacity, drained in under 1.5 x ideal",
    prove,
)

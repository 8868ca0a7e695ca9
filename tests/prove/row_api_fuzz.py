"""Asks every operation of the API what its document allows and what it does not: no 5xx, no lie.

Each answer is held against the OpenAPI document: its status, its content type and its body.
Surprising: the control is a test beside the shorter run of `make test` (`test_api_openapi.py`).
"""

from __future__ import annotations

from random import Random

from schemathesis.core.failures import FailureGroup

from prove.proof import Job, Outcome, Proof
from tillway.api.catalogue import operations
from unit.api.made_up import CALLERS, RIGHT, WRONG, Served, damaged, probe, served_in

EXAMPLES = {"quick": 5, "full": 60}
DAMAGED = {"quick": 2_000, "full": 30_000}
SHOWN = 10


def prove(job: Job) -> Outcome:
    """Ask as the owner of the hub and as people of one shop, right and wrong, and damaged."""
    labels = sorted(operations())
    with served_in(job.folder) as served:
        wrong = sum(_asked(served, job, label) for label in labels)
        faults: list[str] = []
        wrong += damaged(served, Random(job.seed), DAMAGED[job.tier], faults.append)
        for fault in faults[:SHOWN]:
            job.say(fault)
        figure = f"{wrong} wrong in {served.asked:,} requests of {len(labels)} operations"
        enough = served.asked >= DAMAGED[job.tier] + len(labels)
    return Outcome(figure, ok=wrong == 0 and enough, seeds=str(job.seed))


def _asked(served: Served, job: Job, label: str) -> int:
    wrong = 0
    for who, caller in CALLERS.items():
        for mode in (RIGHT, WRONG):
            try:
                probe(served, label, mode, caller, EXAMPLES[job.tier], job.seed)
            except (FailureGroup, Exception) as error:  # noqa: BLE001 - any failure is looked for
                wrong += 1
                job.say(f"{who}: {label}: {error}")
    return wrong


PROOF = Proof("requests to the API", "no 5xx, every answer as the document has it", prove)

"""What a vendor's webhook is answered: 200 for all that is stored, whatever becomes of it later."""

from __future__ import annotations

import msgspec

from tillway.connect.kit import Answer, SubmissionResult
from tillway.connect.problems import problem_of
from tillway.errors import Refused

STORED = frozenset({"accepted", "duplicate", "conflict", "quarantined"})
_encode = msgspec.json.Encoder().encode


def told(facts: dict[str, object]) -> Answer:
    """Return an answer 200 that says this."""
    return Answer(200, _encode(facts), {"content-type": "application/json"})


def noted(new: bool, durability: str) -> Answer:
    """Return the answer to a notification that became a hint."""
    return told({"outcome": "noted" if new else "duplicate", "durability": durability})


def stored(result: SubmissionResult, durability: str) -> Answer:
    """Return the answer to a notification whose object was submitted: its receipt or its problem.

    Raises Refused TW-2011 when nothing was in it.
    """
    bad = next((item for item in result.items if item.outcome not in STORED), None)
    if bad is not None:
        return problem_of(bad.error or {}, bad.status)
    if not result.items:
        raise Refused("TW-2011", "the request has no body", status=400)
    item = result.items[0]
    return told(
        {
            "outcome": item.outcome,
            "journal_position": item.position,
            "natural_key": item.natural_key,
            "content_hash": item.content_hash,
            "message_id": item.message_id,
            "durability": durability,
        }
    )

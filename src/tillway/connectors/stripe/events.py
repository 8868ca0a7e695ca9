"""Reads Stripe's events: a record where the object is whole, a hint where it must be fetched.

Surprising: what an event is about is told by its object, not by its name; the same charge comes
under a dozen names. The list of names is only what a search asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tillway.connect.kit import Hint
from tillway.connectors.stripe.records import (
    CHARGE,
    PAYOUT,
    REFUND,
    Record,
    charge_record,
    moment_of,
    refund_record,
)

LONGEST_NAME = 200
SEARCHED = (
    "charge.captured",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
)
"""Stripe takes twenty names at most."""


def read_event(event: object, metadata: Sequence[str] = ()) -> Record | Hint | None:
    """Return what an event says, None when it does not say which one it is.

    event: the decoded body. Charges and refunds come whole and become records; a payout comes
    without its entries and becomes a hint; anything else a hint of the event's own type, which is
    kept and counted and fetched by nobody.
    """
    if not isinstance(event, Mapping):
        return None
    event_id, event_type = name_of(event.get("id")), name_of(event.get("type"))
    if not event_id or not event_type:
        return None
    data = event.get("data")
    subject = data.get("object") if isinstance(data, Mapping) else None
    subject = subject if isinstance(subject, Mapping) else {}
    kind, object_id = subject.get("object"), name_of(subject.get("id"))
    if object_id and kind == CHARGE:
        return charge_record(subject, event, metadata)
    if object_id and kind == REFUND:
        return refund_record(subject, event, metadata)
    at = event.get("created")
    occurred_at = moment_of(at)
    return Hint(
        event_id=event_id,
        object_type=PAYOUT if object_id and kind == PAYOUT else event_type,
        object_id=object_id or event_id,
        revision=at if occurred_at else None,
        occurred_at=occurred_at or "",
    )


def name_of(value: object) -> str:
    """Return a text that may be an id, "" for anything else."""
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else ""

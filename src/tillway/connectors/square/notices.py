"""Reads Square's notifications: what each one is about, and whether it carries the object itself.

Surprising: `data.id` is not always the id of the object inside (Square's own examples differ), so
the object's id always comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tillway.connect.kit import Hint

ORDER, PAYMENT, REFUND, PAYOUT = "order", "payment", "refund", "payout"
FETCHED = frozenset({ORDER, PAYMENT, REFUND, PAYOUT})
"""What a poller can fetch; a hint about anything else is kept and counted, and nothing more."""
CARRIED = frozenset({PAYMENT, REFUND})
COUNTED = frozenset({ORDER, PAYOUT})
"""What Square counts versions of; the others are ordered by the time of their last change."""
LONGEST_NAME = 200
LONGEST_TEXT = 255
_EVENTS = {
    "order.created": ORDER,
    "order.updated": ORDER,
    "order.fulfillment.updated": ORDER,
    "payment.created": PAYMENT,
    "payment.updated": PAYMENT,
    "refund.created": REFUND,
    "refund.updated": REFUND,
    "payout.sent": PAYOUT,
    "payout.paid": PAYOUT,
    "payout.failed": PAYOUT,
}


class Notice(msgspec.Struct, frozen=True):
    """One notification. carried: the object it brought along, None when it must be fetched."""

    hint: Hint
    carried: dict[str, Any] | None = None


def notice_of(event: object) -> Notice | None:
    """Return what a notification says, None when it does not say which one it is.

    event: the decoded body. Orders come thin. A payout comes without its entries, so it is fetched
    as well. Payments and refunds come whole.
    """
    if not isinstance(event, dict):
        return None
    event_id, event_type = name_of(event.get("event_id")), name_of(event.get("type"))
    if not event_id or not event_type:
        return None
    data = _table(event.get("data"))
    kind = _EVENTS.get(event_type, "")
    subject = _subject(data)
    ids = (subject.get(f"{kind}_id"), subject.get("id"), data.get("id"))
    object_id = next(filter(None, map(name_of, ids)), event_id)
    hint = Hint(
        event_id=event_id,
        object_type=kind or event_type[:LONGEST_TEXT],
        object_id=object_id,
        revision=count_of(subject.get("version")) if kind in COUNTED else None,
        occurred_at=_text(subject.get("updated_at")) or _text(event.get("created_at")),
        store=_text(subject.get("location_id")) or _text(event.get("location_id")),
    )
    whole = kind in CARRIED and bool(name_of(subject.get("id"))) and "status" in subject
    return Notice(hint, dict(subject) if whole else None)


def name_of(value: object) -> str:
    """Return a text that may be an id, "" for anything else."""
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else ""


def count_of(value: object) -> int | None:
    """Return a version, None for anything that is no whole number of at least 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _subject(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one object under `data.object`, whatever it is called there."""
    for member in _table(data.get("object")).values():
        if isinstance(member, dict):
            return member
    return {}


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""

"""How the command tells that a journal was put back from a backup."""

from __future__ import annotations

from typing import Any

from tillway.clock import utc_text
from tillway.journal.keeping import Restored

LOOK_AFTER_RESTORE = (
    "look at what is in doubt and dead, have stores send again, then run "
    "`tillway restore --acknowledge`"
)


def restored_text(restored: Restored) -> str:
    """Return one sentence about a restore."""
    taken, position = utc_text(restored.taken_at), restored.position
    at = utc_text(restored.restored_at)
    return f"restored at {at} from {restored.origin} at position {position:,} (taken {taken})"


def restored_as_json(restored: Restored | None) -> dict[str, Any] | None:
    """Return a restore as plain values, times as RFC 3339 in UTC; None stays None."""
    if restored is None:
        return None
    return {
        "origin": restored.origin,
        "position": restored.position,
        "taken_at": utc_text(restored.taken_at),
        "restored_at": utc_text(restored.restored_at),
        "who": restored.who,
        "reason": restored.reason,
    }

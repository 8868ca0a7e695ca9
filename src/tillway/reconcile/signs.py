"""The signs of store-days in the matrix: one for each state, and what a reader is told about it.

A sign never stands without its word: on the command line a legend goes with the matrix, in the
console each cell says its word.
"""

from __future__ import annotations

from tillway.reconcile.store_day import ShownDay, StoreDay

MISSING, GAP = "!", "#"
SIGNS = {
    "open": "·",
    "receiving": "…",
    "complete": "…",
    "exceptions": "?",
    "balanced": "=",
    "approved": "✓",
    "posted": "P",
    "reopened": "R",
}
LEGEND = {
    "·": "not due",
    "…": "receiving",
    MISSING: "no data",
    GAP: "numbers missing",
    "?": "exceptions",
    "=": "balanced",
    "✓": "approved",
    "P": "posted",
    "R": "reopened",
}
"""Sign -> its word, in the order a legend shows them."""


def symbol_of(day: StoreDay | ShownDay) -> str:
    """Return the sign of a day in the matrix; a gap is drawn over any state."""
    if day.gaps:
        return GAP
    if day.state == "exceptions" and not day.messages:
        return MISSING
    return SIGNS[day.state]

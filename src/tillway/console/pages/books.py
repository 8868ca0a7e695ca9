"""The books: whether all that came is accounted for, and which receipt numbers are missing."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View

SHOWN_GAPS = 50
REFRESH_SECONDS = 2


async def show(view: View) -> Reply:
    """Show both equations and the gaps, as they were when they were checked last."""
    view.caller.need_all_stores()
    found = await view.console.models.books.seen()
    values = {
        "books": found.books,
        "unsteady": found.unsteady,
        "checked_at": found.at,
        "running": found.running,
        "gaps": found.gaps[:SHOWN_GAPS],
        "gap_count": len(found.gaps),
        "gap_numbers": sum(gap.count for gap in found.gaps),
        "refresh_seconds": REFRESH_SECONDS if found.running else 0,
    }
    return view.html("books.html", values)

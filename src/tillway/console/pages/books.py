"""The books: whether all that came is accounted for, and which receipt numbers are missing."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.questions import resets_of
from tillway.console.view import View
from tillway.errors import TillwayError
from tillway.observe import carried_by_route, gaps, verify

SHOWN_GAPS = 50


async def show(view: View) -> Reply:
    """Show both equations and the gaps."""
    view.caller.need_all_stores()
    missing = await gaps(view.reader, resets_of(view.release))
    try:
        found, unsteady = await verify(view.reader, carried_by_route(view.release)), ""
    except TillwayError as error:
        found, unsteady = None, error.detail
    values = {
        "books": found,
        "unsteady": unsteady,
        "gaps": missing[:SHOWN_GAPS],
        "gap_count": len(missing),
        "gap_numbers": sum(gap.count for gap in missing),
    }
    return view.html("books.html", values)

"""The audit log: what people did and why, newest first, each entry linked to the one before."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.fields import number_of
from tillway.console.view import View


async def show(view: View) -> Reply:
    """Show a page of the log."""
    view.caller.need_all_stores()
    before = number_of(view.query("before") or "0", "before")
    entries = await view.console.models.audit(before)
    older = entries[-1].number if entries and entries[-1].number > 1 else 0
    return view.html("audit.html", {"entries": entries, "older": older, "before": before})

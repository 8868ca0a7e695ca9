"""The fix of an unknown code: a row for its code table, from the page of the problem."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.operations import CodeRow
from tillway.console.forms import back, fields_of
from tillway.console.view import View


async def add(view: View, group: str) -> Reply:
    """Add the row and return to the problem, where the ladder waits."""
    fields = await fields_of(view)
    # A code table is one for all shops.
    view.caller.need_all_stores()
    canonical = fields.get("other", "").strip() or fields.get("canonical", "")
    row = CodeRow(
        fields.get("table", ""), fields.get("source", ""), canonical, fields.get("label", "")
    )
    await view.console.operations.add_code(row, view.caller.name, fields.get("reason", ""))
    return back(f"/problems/{group}", "row-added")

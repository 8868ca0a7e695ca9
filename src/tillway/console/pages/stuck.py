"""Stuck money: what has not reached its target, by target, cause and age; oldest first."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.screens import stuck_as_csv
from tillway.console.view import View

CSV = "text/csv; charset=utf-8"


async def show(view: View) -> Reply:
    """Show the sums by age and target, and a line for each cause."""
    found = await view.console.models.stuck(view.caller)
    return view.html("stuck.html", {"stuck": found})


async def table(view: View) -> Reply:
    """Answer the same as CSV; cells that a spreadsheet would run as formulas are neutralised."""
    text = stuck_as_csv(await view.console.models.stuck(view.caller))
    headers = {"content-disposition": 'attachment; filename="stuck-money.csv"'}
    return Reply(200, text.encode(), CSV, headers)

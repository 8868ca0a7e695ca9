"""Service levels: the promise of each route and what was kept of it."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View

PERIODS = ("24h", "7d", "30d")


async def show(view: View) -> Reply:
    """Show the table of one period."""
    period = view.query("period")
    period = period if period in PERIODS else PERIODS[0]
    watch = view.console.models.watch
    rows = list(await watch.service_levels(period)) if watch is not None else []
    values = {"rows": rows, "period": period, "periods": PERIODS, "watched": watch is not None}
    return view.html("service_levels.html", values)

"""The traffic map: systems and routes drawn by the server, and the same as a table."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View


async def show(view: View) -> Reply:
    """Draw the map; `?view=table` shows the table first."""
    found = await view.console.models.traffic(view.caller)
    return view.html("traffic.html", {"map": found, "as_table": view.query("view") == "table"})

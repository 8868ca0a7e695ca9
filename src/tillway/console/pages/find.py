"""Search: one box for every number; no hit says where it would be and why it may be absent."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View


async def show(view: View) -> Reply:
    """Search; one hit still shows the list, so that the address can be shared."""
    text = view.query("q")
    found = await view.console.models.find(text, view.caller) if text else None
    return view.html("find.html", {"query": text, "found": found})

"""Stores: the grid by region, and one store with everything known of it."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View


async def show(view: View) -> Reply:
    """List the stores, those with most money unsent first; a state or text narrows the list."""
    shown = await view.console.models.stores(view.caller)
    state, text = view.query("state"), view.query("q").lower()
    chosen = [
        one
        for one in shown
        if (not state or (one.needs_attention if state == "attention" else one.line.state == state))
        and (not text or text in f"{one.line.store} {one.line.name}".lower())
    ]
    values = {"stores": chosen, "of": len(shown), "state": state, "text": view.query("q")}
    return view.html("stores.html", values)


async def one(view: View, store: str) -> Reply:
    """Show one store: last heard, backlog, days, last messages."""
    found = await view.console.models.store(store, view.caller)
    return view.html("store.html", {"found": found, "store": found.standing.line})

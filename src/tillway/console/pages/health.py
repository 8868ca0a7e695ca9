"""Health: how things stand in one sentence, the money behind it, and where to look."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.headline import headline
from tillway.console.view import View
from tillway.observe import latest

LATEST_MESSAGES = 12
SHOWN_PROBLEMS = 8
SHOWN_STORES = 12
SHOWN_CHANGES = 6
REFRESH_SECONDS = 2


async def show(view: View) -> Reply:
    """Show stores, what is stuck, what flows, and what changed lately."""
    found = await view.status()
    models = view.console.models
    attention = found.attention
    values = {
        "status": found,
        "headline": headline(found, view.speech),
        "attention": attention[:SHOWN_STORES],
        "attention_count": len(attention),
        "regions": models.regions(found),
        "pace": models.pace(view.caller),
        "tempo": models.tempo_now(view.caller),
        "causes": models.causes(found),
        "changes": await models.changes(view.caller, SHOWN_CHANGES),
        "latest": await latest(view.reader, LATEST_MESSAGES),
        "problems": found.problems[:SHOWN_PROBLEMS],
        "dev": view.console.dev is not None and view.caller.stores is None,
        "chosen_store": view.query("store"),
        "refresh_seconds": REFRESH_SECONDS,
    }
    return view.html("status.html", values)

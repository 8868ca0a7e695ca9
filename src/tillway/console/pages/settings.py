"""Settings: every value that is at work with where it came from; of secrets only the names."""

from __future__ import annotations

from itertools import groupby

from tillway.api.asgi import Reply
from tillway.console.view import View


async def show(view: View) -> Reply:
    """Show the settings by part."""
    listed = view.console.models.settings()
    parts = [(part, list(rows)) for part, rows in groupby(listed, key=lambda one: one.part)]
    return view.html("settings.html", {"parts_": parts, "digest": view.release.digest})

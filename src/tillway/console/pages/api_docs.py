"""The API reference, drawn from the OpenAPI document that the hub itself serves."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.catalogue import operations
from tillway.console.view import View


async def show(view: View) -> Reply:
    """List every operation with its permission and fields."""
    listed = sorted(operations().values(), key=lambda one: (one.name, one.method))
    return view.html("api_docs.html", {"operations": listed})

"""Mappings: what is in force, and each row on a live sample, left and right."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.view import View
from tillway.project.code_rows import code_tables


async def show(view: View) -> Reply:
    """List the mappings and code tables in force."""
    values = {"mappings": view.console.models.mappings(), "tables": code_tables(view.release)}
    return view.html("mappings.html", values)


async def one(view: View, mapping: str) -> Reply:
    """Show one mapping on the newest message it maps."""
    found = await view.console.models.mapping(mapping, view.caller)
    return view.html("mapping.html", {"found": found, "line": found.line})

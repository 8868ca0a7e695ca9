"""The buttons of the demo: each asks the simulated world for something."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.dev_control import ACTIONS
from tillway.console.forms import back, fields_of
from tillway.console.view import View
from tillway.errors import Refused


async def press(view: View, action: str) -> Reply:
    """Ask the simulated world for something."""
    control = view.console.dev
    if control is None or action not in ACTIONS:
        raise Refused("TW-7010", "there is no such button here", status=404)
    fields = await fields_of(view)
    view.caller.need_all_stores()
    await control(action, fields)
    return back("/", action, store=fields.get("store", ""))

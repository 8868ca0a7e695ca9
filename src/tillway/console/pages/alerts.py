"""Alerts: what is open with its impact and what to do; acknowledge, mute, test the channels."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.forms import back, fields_of
from tillway.console.view import View
from tillway.errors import Refused


async def show(view: View) -> Reply:
    """List the open alerts, the most urgent first."""
    watch = view.console.models.watch
    alerts = list(await watch.open_alerts()) if watch is not None else []
    return view.html("alerts.html", {"alerts": alerts, "watched": watch is not None})


async def acknowledge(view: View, alert: str) -> Reply:
    """Note that somebody takes care of an alert."""
    fields = await fields_of(view)
    await _watch(view).acknowledge(alert, view.caller.name, fields.get("reason", ""))
    return back("/alerts", "acknowledged")


async def mute(view: View, alert: str) -> Reply:
    """Keep an alert quiet until a time, with a reason."""
    fields = await fields_of(view)
    await _watch(view).mute(
        alert, view.caller.name, fields.get("until", ""), fields.get("reason", "")
    )
    return back("/alerts", "muted")


async def test(view: View) -> Reply:
    """Send a marked message through every channel."""
    await fields_of(view)
    await _watch(view).test(view.caller.name)
    return back("/alerts", "tested")


def _watch(view: View):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the watch room is above
    watch = view.console.models.watch
    if watch is None:
        raise Refused("TW-7010", "this hub watches nothing yet", status=404)
    return watch

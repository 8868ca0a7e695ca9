"""Alerts: what is open with its impact and what to do; acknowledge, mute, test the channels."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.api.watch import alerts_as_json
from tillway.clock import MICROSECONDS
from tillway.console.forms import back, fields_of
from tillway.console.view import View
from tillway.errors import ConfigurationError, Refused
from tillway.watch import Watch

REFRESH_SECONDS = 2
MUTE_HOURS = (1, 4, 24)
HOUR = 3600 * MICROSECONDS


async def show(view: View) -> Reply:
    """List the open alerts, the most urgent first, then what ended lately, mutes and rules."""
    watch = view.console.models.watch
    found = alerts_as_json(watch, view.caller) if watch is not None else {}
    values = {
        "alerts": found.get("open", []),
        "ended": found.get("closed", []),
        "mutes": found.get("mutes", []),
        "rules": found.get("rules", []),
        "watched": watch is not None,
        "may_act": view.may("alerts.act") and view.caller.stores is None,
        "hours": MUTE_HOURS,
        "refresh_seconds": REFRESH_SECONDS,
    }
    return view.html("alerts.html", values)


async def acknowledge(view: View, alert: str) -> Reply:
    """Note that somebody takes care of an alert."""
    view.caller.need_all_stores()
    fields = await fields_of(view)
    await _watch(view).acknowledge(alert, view.caller.name, fields.get("reason", ""))
    return back("/alerts", "acknowledged")


async def mute(view: View, alert: str) -> Reply:
    """Keep the cause of an alert quiet for some hours, with a reason."""
    view.caller.need_all_stores()
    watch, fields = _watch(view), await fields_of(view)
    hours = fields.get("hours", "")
    if hours not in {str(one) for one in MUTE_HOURS}:
        raise ConfigurationError("TW-7010", f"{hours} is no choice here", path="hours")
    named = next((one for one in watch.open_alerts() if one.name == alert), None)
    if named is None:
        raise ConfigurationError("TW-7102", f'there is no open alert "{alert}"', value=alert)
    until = watch.now + int(hours) * HOUR
    reason = fields.get("reason", "")
    await watch.mute(named.rule, named.subject, until, view.caller.name, reason)
    return back("/alerts", "muted")


async def test(view: View) -> Reply:
    """Send a marked message through every channel."""
    view.caller.need_all_stores()
    await fields_of(view)
    await _watch(view).test((), view.caller.name)
    return back("/alerts", "tested")


def _watch(view: View) -> Watch:
    watch = view.console.models.watch
    if watch is None:
        raise Refused("TW-7010", "this hub watches nothing", status=404)
    return watch

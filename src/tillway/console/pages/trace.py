"""One message: its life, its payload at each stage, two stages side by side, and its mapping."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tillway.api.asgi import Reply
from tillway.api.fields import number_of
from tillway.clock import utc_text
from tillway.console.view import View
from tillway.observe import Trace
from tillway.observe.differences import side_by_side
from tillway.observe.register import SampleRow, sample_rows

_record = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


async def show(view: View, position: str) -> Reply:
    """Show the life of one message."""
    found = await view.console.models.trace(number_of(position, "the position"), view.caller)
    names = [stage.name for stage in found.stages]
    left, right = view.query("left"), view.query("right")
    if left not in names or right not in names:
        left, right = "", ""
    texts = {stage.name: stage.text for stage in found.stages}
    route = view.query("explain")
    zone = view.release.hub.time_zone
    values = {
        "trace": found,
        "attempt_times": [
            view.speech.short(utc_text(one.started_at), zone) for one in found.attempts
        ],
        "stage_names": names,
        "left": left,
        "right": right,
        "pairs": side_by_side(texts[left], texts[right]) if left else [],
        "explained": route,
        "rows": await _explained(view, found, route) if route else [],
        "mapped_routes": [
            name
            for name, one in view.release.routes.items()
            if one.mapping and f"sent {name}" in names
        ],
    }
    return view.html("trace.html", values)


async def _explained(view: View, found: Trace, route: str) -> list[SampleRow]:
    """Return what each row of a route's mapping did with this message."""
    known = view.release.routes.get(route)
    if known is None or known.mapping not in view.release.mappings:
        return []
    [message] = await view.reader.load([found.hit.position])
    return sample_rows(view.release.mappings[known.mapping], _record(message.canonical))

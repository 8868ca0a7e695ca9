"""The demo in single lines, for a log or a pipe: what flows, what is stuck, what was done."""

from __future__ import annotations

from tillway.cli.demo.buttons import Buttons
from tillway.cli.output import money_text
from tillway.observe import Status


def line(found: Status, buttons: Buttons) -> str:
    """Return one line for one status; what was done last stands at its end."""
    waiting = sum(route.pending + route.held for route in found.routes)
    stuck = f"stuck {waiting:,} ({money_text(found.money_waiting)})" if waiting else "nothing stuck"
    said = f"   [{buttons.said}]" if buttons.said else ""
    return (
        f"accepted {found.outcomes.get('accepted', 0):,}   delivered {found.delivered:,}   "
        f"{stuck}   quarantined {found.quarantined:,}{said}"
    )

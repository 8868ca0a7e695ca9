"""The live table of `tillway dev`: stores, what flows, what is stuck and its money."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tillway.cli.demo.buttons import HELP, Buttons
from tillway.cli.output import money_text, table
from tillway.observe import Status


def draw(found: Status, buttons: Buttons, address: str) -> Group:
    """Return the whole screen for one status."""
    stage = buttons.stage
    outcomes = "   ".join(f"{name} {count:,}" for name, count in found.outcomes.items())
    delivered = sum(route.delivered for route in found.routes)
    lines: list[RenderableType] = [
        Text(found.headline, style="bold"),
        Text(f"{address}   hub restarts {stage.hub.restarts}", style="dim"),
        Text(f"received {found.received:,}   {outcomes}   delivered {delivered:,}"),
        Text(f"not in the ERP yet: {money_text(found.money_waiting)}"),
        Text(""),
        _stores(found, buttons),
        Text(""),
        _targets(found),
        Text(""),
        Text(buttons.said or " ", style="italic"),
        Text(HELP, style="dim"),
    ]
    return Group(*lines)


def _stores(found: Status, buttons: Buttons) -> Table:
    shown = table("store", "name", "state", "accepted", "unsent", "money", right=("accepted",))
    assert buttons.stage.feed is not None
    offline = buttons.stage.feed.progress.offline
    waiting = buttons.stage.feed.progress.waiting
    for line in found.stores:
        kept = waiting.get(line.store, 0)
        state = f"offline, keeps {kept}" if line.store in offline else line.state
        shown.add_row(
            line.store,
            line.name,
            state,
            f"{line.accepted:,}",
            f"{line.unsent:,}",
            money_text(line.money),
        )
    return shown


def _targets(found: Status) -> Table:
    shown = table("target", "breaker", "stuck", "money", "oldest")
    for route in found.routes:
        shown.add_row(
            route.target,
            route.breaker,
            f"{route.pending + route.held:,} waiting, {route.dead:,} dead",
            money_text(route.money_waiting),
            f"{route.oldest_seconds} s",
        )
    return shown

"""The live table of `tillway dev`: what flows, what is stuck and its money, and the stores.

The keys stand above the stores, so that a long chain on a small terminal never hides them.
"""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tillway.cli.demo.buttons import HELP, Buttons
from tillway.cli.output import money_text, table
from tillway.observe import Problem, Status
from tillway.observe.routes import TargetLine

SHOWN_PROBLEMS = 3
BREAKERS = {"closed": "answering", "open": "not answering", "half_open": "trying again"}


def draw(found: Status, buttons: Buttons, address: str) -> Group:
    """Return the whole screen for one status."""
    outcomes = "   ".join(f"{name} {count:,}" for name, count in found.outcomes.items())
    due = sum(route.due for route in found.routes)
    restarts = buttons.stage.hub.restarts
    lines: list[RenderableType] = [
        Text(found.headline, style="bold"),
        Text(f"{address}   hub restarts {restarts}", style="dim"),
        Text(f"received {found.received:,}   {outcomes}"),
        Text(f"for the ERP {due:,}   delivered {found.delivered:,}"),
        Text(f"not in the ERP yet: {money_text(found.money_waiting)}"),
        _targets(found),
        *(_problem(problem) for problem in found.problems[:SHOWN_PROBLEMS]),
        Text(""),
        Text(buttons.said or "press a key:", style="italic"),
        Text(HELP, style="dim"),
        Text(""),
        _stores(found, buttons),
    ]
    return Group(*lines)


def _targets(found: Status) -> Text:
    told = []
    for target in found.targets:
        words = f"{target.target}: {BREAKERS.get(target.state, target.state)}"
        if target.state != "closed":
            words += f" (breaker {target.state.replace('_', ' ')}{_next_try(found, target)})"
        told.append(words)
    return Text("   ".join(told), style="" if found.quiet else "yellow")


def _next_try(found: Status, target: TargetLine) -> str:
    if not target.next_probe_at:
        return ""
    wait = datetime.fromisoformat(target.next_probe_at) - datetime.fromisoformat(found.at)
    return f", next try in {max(0, round(wait.total_seconds()))} s"


def _problem(problem: Problem) -> Text:
    behind = f" and {problem.behind:,} behind" if problem.behind else ""
    kind = problem.kind.replace("_", " ")
    cause = " - ".join(filter(None, [problem.title, problem.text]))
    words = f"{kind} {problem.count:,}{behind}, {money_text(problem.money)}: {cause}"
    return Text(words, style="yellow", no_wrap=True, overflow="ellipsis")


def _stores(found: Status, buttons: Buttons) -> Table:
    shown = table(
        *("store", "name", "state", "accepted", "unsent", "unsent money"),
        right=("accepted", "unsent"),
    )
    assert buttons.stage.feed is not None
    progress = buttons.stage.feed.progress
    for line in found.stores:
        kept = progress.waiting.get(line.store, 0)
        state = (
            line.state if line.state == "ok" or not line.reason else f"{line.state}, {line.reason}"
        )
        if line.store in progress.offline:
            state = f"offline, keeps {kept}" if kept else "offline, sells on"
        shown.add_row(
            line.store,
            line.name,
            Text(state, no_wrap=True, overflow="ellipsis"),
            f"{line.accepted:,}",
            f"{line.unsent:,}",
            money_text(line.money),
        )
    return shown

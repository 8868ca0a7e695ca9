"""`tillway status`: one screen about stores, routes and open problems."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.levels import draw_levels, read_levels
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, money_text, print_document, table
from tillway.cli.reading import opened
from tillway.cli.restored import LOOK_AFTER_RESTORE, restored_as_json, restored_text
from tillway.journal.keeping import Restored
from tillway.observe import Status, status_as_json
from tillway.observe import status as read_status
from tillway.observe.moments import age_text
from tillway.watch.level_sheets import levels_csv
from tillway.watch.service_levels import levels_as_json

SHOWN_STORES = 20
SHOWN_PROBLEMS = 10


def status(
    *,
    sla: Annotated[
        bool, Parameter(name="--sla", negative=(), help="Instead: promises, and what was kept.")
    ] = False,
    routes: Annotated[
        bool, Parameter(name="--routes", negative=(), help="Only the routes and their targets.")
    ] = False,
    period: Annotated[
        Literal["24h", "7d", "30d"], Parameter(name="--period", help="With --sla: 24h, 7d or 30d.")
    ] = "24h",
    csv: Annotated[
        bool, Parameter(name="--csv", negative=(), help="With --sla: print CSV.")
    ] = False,
    project: Project = HERE,
    json: Json = False,
) -> int:
    """Show stores, routes and open problems on one screen; works with or without a running hub.

    Leaves with 2 when something needs a person, with --sla when a promise was not kept, with
    --routes when something waits.

    Example: tillway status --project demo
    """
    if sla:
        return _levels(project, period, csv=csv, json=json)
    found, restored = asyncio.run(_read(project))
    if routes:
        told = status_as_json(found)
        data = {name: told[name] for name in ("routes", "targets")}
        emit("status.routes", data, lambda console: _draw_flow(console, found), json)
        waits = any(one.waiting for one in found.routes)
        return exit_codes.ATTENTION if waits else exit_codes.DONE
    unseen = restored if restored and not restored.acknowledged_at else None
    data = {**status_as_json(found), "restored": restored_as_json(unseen)}
    emit("status", data, lambda console: _draw(console, found, unseen), json)
    return exit_codes.DONE if found.quiet and not unseen else exit_codes.ATTENTION


def _levels(project: Path, period: str, *, csv: bool, json: bool) -> int:
    found = asyncio.run(read_levels(project, period))
    if csv:
        print_document(levels_csv(found))
    else:
        data = levels_as_json(found)
        emit("status.sla", data, lambda console: draw_levels(console, found), json)
    return exit_codes.DONE if found.met else exit_codes.ATTENTION


async def _read(project: Path) -> tuple[Status, Restored | None]:
    async with opened(project) as journal:
        found = await read_status(journal.reader, now=journal.now, release=journal.release)
        return found, await journal.reader.restored()


def _draw(console: Console, found: Status, restored: Restored | None) -> None:
    console.print(found.headline, style="bold")
    if restored is not None:
        console.print(f"{restored_text(restored)}: {LOOK_AFTER_RESTORE}", style="bold")
    told = (f"{name} {count:,}" for name, count in sorted(found.outcomes.items()))
    console.print(f"received {found.received:,}: {', '.join(told) or 'nothing'}")
    for draw in (_draw_stores, _draw_routes, _draw_targets, _draw_problems):
        draw(console, found)


def _draw_flow(console: Console, found: Status) -> None:
    _draw_routes(console, found)
    _draw_targets(console, found)


def _draw_stores(console: Console, found: Status) -> None:
    if not found.attention:
        return
    drawn = table(
        "store",
        "state",
        "why",
        "unsent",
        "money",
        "oldest",
        "last heard",
        title="\nStores that need attention",
        right=("unsent", "money"),
    )
    for line in found.attention[:SHOWN_STORES]:
        drawn.add_row(
            f"{line.store} {line.name}".strip(),
            line.state,
            line.reason,
            f"{line.unsent:,}",
            money_text(line.money),
            age_text(line.oldest_seconds) if line.unsent else "-",
            f"{age_text(line.silent_seconds)} ago" if line.last_seen_at else "never",
        )
    console.print(drawn)
    if len(found.attention) > SHOWN_STORES:
        console.print(f"and {len(found.attention) - SHOWN_STORES} more stores")


def _draw_routes(console: Console, found: Status) -> None:
    if not found.routes:
        return
    numbers = ("to deliver", "delivered", "pending", "held", "in doubt", "dead")
    drawn = table(
        "route", "target", *numbers, "waiting money", "oldest", title="\nRoutes", right=numbers
    )
    for line in found.routes:
        counts = (line.due, line.delivered, line.pending, line.held, line.in_doubt, line.dead)
        drawn.add_row(
            line.route,
            f"{line.target} ({line.breaker})",
            *(f"{count:,}" for count in counts),
            money_text(line.money_waiting),
            age_text(line.oldest_seconds) if line.waiting else "-",
        )
    console.print(drawn)


def _draw_targets(console: Console, found: Status) -> None:
    for line in found.targets:
        if line.state == "closed":
            continue
        console.print(
            f"\n{line.target} is not answering since {line.since} "
            f"({line.failures} failures, next try {line.next_probe_at or 'now'}): {line.detail}"
        )


def _draw_problems(console: Console, found: Status) -> None:
    if not found.problems:
        return
    numbers = ("count", "behind", "money")
    drawn = table(
        "problem", "kind", *numbers, "where", "cause", title="\nOpen problems", right=numbers
    )
    for one in found.problems[:SHOWN_PROBLEMS]:
        drawn.add_row(
            one.group,
            one.kind.replace("_", " "),
            f"{one.count:,}",
            f"{one.behind:,}",
            money_text(one.money),
            one.target,
            f"{one.code} {one.text or one.title}".strip(),
        )
    console.print(drawn)
    console.print("look closer: tillway dlq show PROBLEM")

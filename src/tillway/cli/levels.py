"""`tillway status --sla`: what was promised of each route, what was kept, and how that is made."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from tillway.assembly import journal_path
from tillway.cli.output import table
from tillway.cli.reading import opened
from tillway.observe.moments import age_text
from tillway.project import load_project
from tillway.watch.service_levels import Levels, RouteLevel, service_levels
from tillway.watch.spool import Spool


async def read_levels(project: Path, period: str) -> Levels:
    """Return the service levels of a project, beside a running hub or without one.

    Raises what is wrong with the project, since promises stand in it, and ConfigurationError
    TW-7106 for an unknown period.
    """
    release = load_project(project, environ=os.environ, secrets_needed=False).release
    book = Spool.beside(journal_path(release)).load().book
    async with opened(project) as journal:
        alerts = [*book.open.values(), *book.closed]
        return await service_levels(journal.reader, release, period, journal.now, alerts)


def draw_levels(console: Console, found: Levels) -> None:
    """Draw the table of a period, and its formulas below."""
    kept = "Every promise was kept" if found.met else "Promises were not kept"
    console.print(f"{kept} in the last {found.period}.", style="bold")
    numbers = ("delivered", "success", "p95", "dead", "budget left", "resolution")
    drawn = table("route", "kept", *numbers, "worst store", right=numbers)
    for one in found.routes:
        promised = one.promised
        drawn.add_row(
            one.route,
            "yes" if one.met else "NO",
            f"{one.delivered:,}",
            f"{_percent(one.success_percent)} of {promised.success_percent:g} %",
            f"{_seconds(one.p95_seconds)} of {one.promised_p95_seconds:g} s",
            f"{one.dead_letters:,} of {promised.dead_letters:,}",
            _budget(one),
            f"{_age(one.resolution_seconds)} of {age_text(promised.resolution_minutes * 60)}",
            f"{one.worst_store} ({one.worst_store_dead:,})" if one.worst_store else "-",
        )
    console.print(drawn)
    console.print(
        f"up {found.uptime_percent:g} % of {found.promised_uptime_percent:g} %;"
        f" store-days that agree {_percent(found.consistency_percent)}"
        f" of {found.promised_consistency_percent:g} %"
    )
    for one in found.routes:
        for breach in one.breaches:
            console.print(f"breach: {breach}")
    console.print("\nHow it is worked out")
    for name, text in found.formulas.items():
        console.print(f"  {name}: {text}")


def _budget(one: RouteLevel) -> str:
    share = one.budget_left_percent
    return "-" if share is None else f"{one.budget_left:g} of {one.budget:g} ({share:g} %)"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:g} %"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _age(value: float | None) -> str:
    return "-" if value is None else age_text(value)

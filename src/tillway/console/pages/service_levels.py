"""Service levels: the promise of each route and what was kept of it, with a chart of p95."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.clock import utc_text
from tillway.console.view import View
from tillway.watch.level_sheets import levels_csv
from tillway.watch.service_levels import PERIODS
from tillway.watch.windows import P95, Window

CSV = "text/csv; charset=utf-8"


async def show(view: View) -> Reply:
    """Show the table of one period."""
    view.caller.need_all_stores()
    period = view.query("period") if view.query("period") in PERIODS else "24h"
    watch = view.console.models.watch
    values = {
        "levels": await watch.service_levels(period) if watch is not None else None,
        "period": period,
        "periods": list(PERIODS),
        "points": _points(await watch.series("", period)) if watch is not None else [],
    }
    return view.html("service_levels.html", values)


async def table(view: View) -> Reply:
    """Answer the same as CSV."""
    view.caller.need_all_stores()
    period = view.query("period") if view.query("period") in PERIODS else "24h"
    found = await view.console.models.needed_watch().service_levels(period)
    headers = {"content-disposition": f'attachment; filename="sla-{period}.csv"'}
    return Reply(200, levels_csv(found).encode(), CSV, headers)


def _points(windows: list[Window]) -> list[tuple[str, str, int, int, float | None]]:
    """Return (route, begin, delivered, failed, p95) of each window, newest first."""
    return [
        (one.flow.removeprefix("route/"), utc_text(one.start), one.ok, one.failed, one.age(P95))
        for one in reversed(windows)
        if one.flow.startswith("route/") and one.tried
    ][:200]

"""What was promised and kept: per route over 24 hours, 7 or 30 days, with its error budget.

Everything comes from the windows of the recorder, so that an answer for 30 days costs no more than
one for a day, and stands beside a running hub or without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tillway.clock import MICROSECONDS, utc_text
from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.project.alert_records import ServiceLevels
from tillway.project.records import Release
from tillway.reconcile import is_kept, store_days
from tillway.spelling import nearest
from tillway.watch.alerts import Alert
from tillway.watch.buckets import quantile
from tillway.watch.flows import FIVE_MINUTES, HOUR, start_of
from tillway.watch.tables import of_journal, read
from tillway.watch.windows import P95, Window, sums, windows

PERIODS: Mapping[str, int] = {"24h": 86400, "7d": 7 * 86400, "30d": 30 * 86400}
"""Name -> seconds."""
FORMULAS: Mapping[str, str] = {
    "success": "delivered / (delivered + dead letters made in the period) x 100; a dead letter that"
    " a person brought through later counts as both",
    "p95": "the age from the door to the target that 95 of 100 deliveries of the period do not"
    " exceed, read off fixed steps",
    "dead letters": "messages that are dead letters now",
    "error budget": "(100 - promised success) / 100 x deliveries that ended, less dead letters",
    "uptime": "(period - time the hub was not seen) / period x 100; it is seen once a minute",
    "consistency": "store-days balanced, approved or posted / store-days past their cut-off x 100",
    "resolution": "the time from the first failure to the delivery a person brought about that 95"
    " of 100 of them do not exceed",
}
"""Figure -> how it is made; shown under every table."""
AGREEING = frozenset({"balanced", "approved", "posted"})
JUDGED = AGREEING | {"exceptions", "reopened"}
COLUMNS = (
    *("route", "target", "period", "met", "delivered", "dead", "success_percent"),
    *("promised_success_percent", "p95_seconds", "promised_p95_seconds", "dead_letters"),
    *("budget", "budget_left", "budget_left_percent", "resolution_seconds", "worst_store"),
    *("worst_store_dead", "breaches"),
)


class RouteLevel(msgspec.Struct, frozen=True):
    """One route over one period. None: nothing was measured. budget: messages that may die."""

    route: str
    target: str
    period: str
    promised: ServiceLevels
    delivered: int
    dead: int
    success_percent: float | None
    p95_seconds: float | None
    dead_letters: int
    resolution_seconds: float | None
    worst_store: str
    worst_store_dead: int
    breaches: tuple[str, ...] = ()

    @property
    def promised_p95_seconds(self) -> float:
        """Return what is promised of its p95."""
        promised = self.promised
        return promised.batch_minutes * 60 if promised.batch else promised.realtime_p95_seconds

    @property
    def budget(self) -> float:
        """Return how many messages of the period may become dead letters."""
        share = (100 - self.promised.success_percent) / 100
        return round(share * (self.delivered + self.dead), 2)

    @property
    def budget_left(self) -> float:
        """Return how many are left of them, below 0 when it is overspent."""
        return round(self.budget - self.dead, 2)

    @property
    def budget_left_percent(self) -> float | None:
        """Return the share that is left, None when nothing was tried."""
        if not self.budget:
            return None if not self.dead else -100.0
        return round(100 * self.budget_left / self.budget, 1)

    @property
    def met(self) -> bool:
        """Say whether every promise is kept."""
        slow = self.p95_seconds is not None and self.p95_seconds > self.promised_p95_seconds
        unsolved = (
            self.resolution_seconds is not None
            and self.resolution_seconds > self.promised.resolution_minutes * 60
        )
        failing = (
            self.success_percent is not None
            and self.success_percent < self.promised.success_percent
        )
        return not (slow or unsolved or failing or self.dead_letters > self.promised.dead_letters)


class Levels(msgspec.Struct, frozen=True):
    """Every route over one period, and the hub as a whole. Times are RFC 3339 in UTC."""

    period: str
    first: str
    last: str
    routes: list[RouteLevel]
    uptime_percent: float
    promised_uptime_percent: float
    consistency_percent: float | None
    promised_consistency_percent: float
    formulas: Mapping[str, str] = msgspec.field(default_factory=lambda: FORMULAS)

    @property
    def met(self) -> bool:
        """Say whether every promise is kept."""
        agrees = (
            self.consistency_percent is None
            or self.consistency_percent >= self.promised_consistency_percent
        )
        up = self.uptime_percent >= self.promised_uptime_percent
        return agrees and up and all(one.met for one in self.routes)


async def service_levels(
    tables: Asking,
    release: Release,
    period: str,
    now: int,
    alerts: Iterable[Alert] = (),
) -> Levels:
    """Return what was kept in a period up to now. alerts: open and closed ones, as breaches.

    Raises ConfigurationError TW-7106 for an unknown period.
    """
    seconds = seconds_of(period)
    span = FIVE_MINUTES if seconds <= PERIODS["24h"] else HOUR
    first = start_of(now - seconds * MICROSECONDS, span)
    found: dict[str, Window] = {}
    worst: dict[str, tuple[str, int]] = {}
    dead: dict[str, int] = {}
    if await is_watched(tables):
        found = await sums(tables, span, first, now + span * MICROSECONDS)
    for route, store, count in await tables.ask(of_journal("worst_stores")):
        worst.setdefault(route, (store, count))
        dead[route] = dead.get(route, 0) + count
    breaches = [one for one in alerts if not one.closed_at or one.closed_at >= first]
    return Levels(
        period=period,
        first=utc_text(first),
        last=utc_text(now),
        routes=[
            _route(release, name, period, found, worst.get(name, ("", 0)), dead, breaches)
            for name in release.routes
        ],
        uptime_percent=await _uptime(tables, first, now),
        promised_uptime_percent=release.watch.levels.uptime_percent,
        consistency_percent=await _consistency(tables, release, first),
        promised_consistency_percent=release.watch.levels.consistency_percent,
    )


async def series(tables: Asking, flow: str, period: str, now: int) -> list[Window]:
    """Return the windows of one flow over a period, for a chart: oldest first, none for no traffic.

    flow: `route/<name>` or `source/<name>`. Raises ConfigurationError TW-7106.
    """
    seconds = seconds_of(period)
    if not await is_watched(tables):
        return []
    span = FIVE_MINUTES if seconds <= PERIODS["24h"] else HOUR
    first = start_of(now - seconds * MICROSECONDS, span)
    return await windows(tables, span, first, now + span * MICROSECONDS, flow)


async def is_watched(tables: Asking) -> bool:
    """Say whether a hub with a watch ever ran on this journal."""
    [(count,)] = await tables.ask(read("is_kept"))
    return bool(count)


def seconds_of(period: str) -> int:
    """Return how long a period is. Raises ConfigurationError TW-7106 for an unknown one."""
    if period not in PERIODS:
        raise ConfigurationError(
            "TW-7106",
            f'there is no period "{period}"',
            path="period",
            value=period,
            advice=f"{nearest(period, PERIODS)}Periods: {', '.join(PERIODS)}.",
        )
    return PERIODS[period]


def level_as_json(one: RouteLevel) -> dict[str, Any]:
    """Return one row as plain values, with everything that is derived."""
    plain = {name: getattr(one, name) for name in COLUMNS if hasattr(one, name)}
    promised = {"promised_success_percent": one.promised.success_percent}
    return {**plain, **promised, "breaches": list(one.breaches)}


def levels_as_json(found: Levels) -> dict[str, Any]:
    """Return a whole table as plain values."""
    return {
        "period": found.period,
        "from": found.first,
        "to": found.last,
        "met": found.met,
        "routes": [level_as_json(one) for one in found.routes],
        "uptime_percent": found.uptime_percent,
        "promised_uptime_percent": found.promised_uptime_percent,
        "consistency_percent": found.consistency_percent,
        "promised_consistency_percent": found.promised_consistency_percent,
        "formulas": dict(found.formulas),
    }


def _route(
    release: Release,
    name: str,
    period: str,
    found: Mapping[str, Window],
    worst: tuple[str, int],
    dead: Mapping[str, int],
    alerts: Iterable[Alert],
) -> RouteLevel:
    target = release.routes[name].target
    window, solved = found.get(f"route/{name}"), found.get(f"solved/{name}")
    delivered, died = (window.ok, window.dead) if window else (0, 0)
    ended = delivered + died
    about = {name, target}
    return RouteLevel(
        route=name,
        target=target,
        period=period,
        promised=release.watch.levels_of(name),
        delivered=delivered,
        dead=died,
        success_percent=round(100 * delivered / ended, 3) if ended else None,
        p95_seconds=_rounded(window),
        dead_letters=dead.get(name, 0),
        resolution_seconds=_rounded(solved),
        worst_store=worst[0],
        worst_store_dead=worst[1],
        breaches=tuple(
            f"{utc_text(one.opened_at)} {one.rule}: {one.headline}"
            for one in sorted(alerts, key=lambda alert: alert.opened_at)
            if one.subject in about and one.priority in ("P1", "P2")
        ),
    )


def _rounded(window: Window | None) -> float | None:
    age = quantile(window.steps, P95) if window else None
    return None if age is None else round(age, 3)


async def _uptime(tables: Asking, first: int, now: int) -> float:
    if not await is_watched(tables):
        return 100.0
    marks: dict[str, int] = dict(await tables.ask(read("marks")))
    begin = max(first, min(now, marks.get("since", now)))
    away = sum(
        max(0, min(ended, now) - max(began, begin))
        for began, ended in await tables.ask(read("outages"), (begin, now))
    )
    return round(100 * (1 - away / (now - begin)), 4) if now > begin else 100.0


async def _consistency(tables: Asking, release: Release, first: int) -> float | None:
    if release.reconciliation is None or not await is_kept(tables):
        return None
    days = await store_days(tables, first=utc_text(first)[:10])
    judged = [one for one in days if one.state in JUDGED]
    agreeing = sum(one.state in AGREEING for one in judged)
    return round(100 * agreeing / len(judged), 3) if judged else None

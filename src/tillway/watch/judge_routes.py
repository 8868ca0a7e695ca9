"""Rules about routes and targets: success, latency, progress, circuits, and quiet sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tillway.clock import MICROSECONDS
from tillway.observe.moments import age_text
from tillway.watch.flows import BEFORE_SECONDS, FIVE_MINUTES, MINUTE, start_of
from tillway.watch.scene import Minor, Scene, Sighting, added, minor_of
from tillway.watch.tables import of_journal
from tillway.watch.windows import P95, Window, median, same_hours, sums, windows

FEWEST_TRIED = 20
IN_A_ROW = 3
RECOVERED = 0.02
"""A success rate has recovered this far above its threshold: 97 % where that is 95 %."""
FEWEST_TIMED = 5
"""Deliveries of a 5-minute window whose p95 says something."""
USUAL_WEEKS, FEWEST_WEEKS, FEWEST_USUAL = 4, 2, 20
LEAST_SECONDS = 1.0
"""Faster than this is never slow, however fast it usually is."""
LEAST_VOLUME = 20.0
"""Messages in five minutes that a source usually sends, for its silence to say something."""
_stores = msgspec.json.Decoder(list[str])


class Lately(msgspec.Struct):
    """The deliveries of one route in the last five minutes, by their latest attempt."""

    ok: int = 0
    failed: int = 0
    last_ok: int = 0

    @property
    def tried(self) -> int:
        """Return how many were tried."""
        return self.ok + self.failed


class _Failing(msgspec.Struct):
    """What lies behind the failures of a route, the code with most of them first."""

    code: str = ""
    detail: str = ""
    codes: dict[str, int] = msgspec.field(default_factory=dict)
    stores: set[str] = msgspec.field(default_factory=set)
    money: Minor = msgspec.field(default_factory=dict)
    since: int = 0
    first: int = 0


async def lately(scene: Scene) -> dict[str, Lately]:
    """Return route -> what was tried in the last five minutes."""
    first = start_of(scene.ago(BEFORE_SECONDS), MINUTE)
    found: dict[str, Lately] = {}
    last = scene.now + MINUTE * MICROSECONDS
    for flow, window in (await sums(scene.journal, MINUTE, first, last)).items():
        kind, _, route = flow.partition("/")
        if kind == "once":
            found[route] = Lately(window.ok, window.failed, window.last_ok)
    low = scene.recorder.low_attempt
    for route, ok, failed, ended in await scene.journal.ask(
        of_journal("tried_lately"), (low, first)
    ):
        one = found.setdefault(route, Lately())
        one.ok += ok
        one.failed += failed
        one.last_ok = max(one.last_ok, ended if ok and not failed else 0)
    return found


async def success_rate(scene: Scene) -> list[Sighting]:
    """Judge the latest attempts of every route."""
    limit = scene.book.threshold("SuccessRate") / 100
    found = []
    for route, one in (await lately(scene)).items():
        if not one.failed or not one.tried:
            continue
        rate = one.ok / one.tried
        enough = one.tried >= FEWEST_TRIED or await _in_a_row(scene, route, one)
        if rate < limit and enough:
            found.append(await _refused(scene, route, one, rate))
        elif rate < min(1.0, limit + RECOVERED):
            headline = f"{route}: {rate:.0%} of deliveries succeed"
            found.append(Sighting("SuccessRate", route, headline, lingering=True))
    return found


async def latency(scene: Scene) -> list[Sighting]:
    """Compare the last two whole windows of five minutes with what is usual now."""
    step = FIVE_MINUTES * MICROSECONDS
    last = start_of(scene.now, FIVE_MINUTES)
    newer = await sums(scene.journal, FIVE_MINUTES, last - step, last)
    older = await sums(scene.journal, FIVE_MINUTES, last - 2 * step, last - step)
    usual = await same_hours(scene.journal, last - 2 * step, USUAL_WEEKS)
    found = []
    for flow in sorted({*newer, *older}):
        kind, _, route = flow.partition("/")
        if kind != "route" or route not in scene.release.routes:
            continue
        limit, told = _limit(scene, route, usual.get(flow, []))
        slow = [_is_slow(one.get(flow), limit) for one in (older, newer)]
        if any(slow):
            p95 = max(_p95(older.get(flow)), _p95(newer.get(flow)))
            count = sum(one[flow].ended for one in (older, newer) if flow in one)
            found.append(
                Sighting(
                    "Latency",
                    route,
                    f"{scene.target_of(route)} is slow: 95 of 100 messages of {route} arrive within"
                    f" {p95:.1f} s, {told}",
                    count=count,
                    since=last - 2 * step,
                    detail=f"target {scene.target_of(route)}",
                    lingering=not all(slow),
                )
            )
    return found


async def no_progress(scene: Scene) -> list[Sighting]:
    """Find routes on which something waits that was never tried, and nothing is tried."""
    found = []
    tried = await lately(scene)
    away = {one.target for one in await scene.journal.target_states() if one.state != "closed"}
    for standing in scene.standings:
        route = standing.route
        waiting = [one for one in standing.waiting if one.state == "pending" and one.count]
        if not waiting or standing.former or scene.target_of(route) in away:
            continue
        policy = scene.release.retries.get(scene.release.routes[route].retry)
        pause = 2 * policy.cap_seconds if policy and route in tried else 0.0
        limit = max(scene.book.threshold("NoProgress"), pause)
        oldest = min(one.oldest_at for one in waiting)
        last = await _last_call(scene, route)
        if scene.seconds_since(max(oldest, last)) <= limit:
            continue
        money: Minor = {}
        for one in waiting:
            money = added(money, minor_of(one.currency, one.amount_minor))
        count = sum(one.count for one in waiting)
        stores = tuple(sorted({one.store for one in waiting} - {""}))
        headline = f"{route} stands still: {count:,} messages wait and nothing is tried"
        found.append(
            Sighting(
                "NoProgress", route, headline, count=count, stores=stores, money=money, since=oldest
            )
        )
    return found


async def breaker_open(scene: Scene) -> list[Sighting]:
    """Find targets whose circuit has been open for long."""
    limit = scene.book.threshold("BreakerOpen") * 60
    found = []
    for one in await scene.journal.target_states():
        routes = {
            name for name, route in scene.release.routes.items() if route.target == one.target
        }
        if one.state == "closed" or not routes or scene.seconds_since(one.since) < limit:
            continue
        waiting = [
            cell
            for standing in scene.standings
            if standing.route in routes
            for cell in standing.waiting
        ]
        money: Minor = {}
        for cell in waiting:
            money = added(money, minor_of(cell.currency, cell.amount_minor))
        away = age_text(scene.seconds_since(one.since))
        found.append(
            Sighting(
                "BreakerOpen",
                one.target,
                f"{one.target} has not been answering for {away}",
                count=sum(cell.count for cell in waiting),
                stores=tuple(sorted({cell.store for cell in waiting} - {""})),
                money=money,
                since=one.since,
                code=one.code,
                detail=one.detail,
            )
        )
    return found


async def route_quiet(scene: Scene) -> list[Sighting]:
    """Find sources that send much less than they usually do in this hour."""
    step = FIVE_MINUTES * MICROSECONDS
    last = start_of(scene.now, FIVE_MINUTES)
    limit = scene.book.threshold("RouteQuiet") / 100
    usual = await same_hours(scene.journal, last - 2 * step, USUAL_WEEKS)
    newer = await sums(scene.journal, FIVE_MINUTES, last - step, last)
    older = await sums(scene.journal, FIVE_MINUTES, last - 2 * step, last - step)
    found = []
    for flow, hours in usual.items():
        kind, _, source = flow.partition("/")
        if kind != "source" or source not in scene.release.sources or len(hours) < FEWEST_WEEKS:
            continue
        expected = median([one.ok * FIVE_MINUTES / 3600 for one in hours])
        if expected < LEAST_VOLUME:
            continue
        sent = [one[flow].ok if flow in one else 0 for one in (older, newer)]
        quiet = [count < limit * expected for count in sent]
        if any(quiet):
            headline = (
                f"{source} is quiet: {sent[1]} messages in 5 minutes, usually about {expected:.0f}"
            )
            found.append(
                Sighting(
                    "RouteQuiet",
                    source,
                    headline,
                    count=sent[1],
                    since=last - 2 * step,
                    lingering=not all(quiet),
                )
            )
    return found


async def rate_limit(scene: Scene) -> list[Sighting]:
    """Find targets whose declared rate is nearly used up in their busiest five minutes."""
    limit = scene.book.threshold("RateLimit") / 100
    last = start_of(scene.now, FIVE_MINUTES)
    sent: defaultdict[tuple[str, int], int] = defaultdict(int)
    for one in await windows(scene.journal, FIVE_MINUTES, scene.ago(86400), last):
        kind, _, route = one.flow.partition("/")
        if kind == "route" and (target := scene.target_of(route)):
            sent[target, one.start] += one.tried
    found = []
    for name, record in scene.release.targets.items():
        busy = [(count, start) for (target, start), count in sent.items() if target == name]
        count, since = max(busy, default=(0, 0))
        used = count / FIVE_MINUTES / record.rate_per_second if record.rate_per_second else 0.0
        if used > limit:
            headline = (
                f"{name} was sent {used:.0%} of the {record.rate_per_second:g} messages a second"
                " it takes"
            )
            found.append(Sighting("RateLimit", name, headline, count=count, since=since))
    return found


async def _in_a_row(scene: Scene, route: str, one: Lately) -> bool:
    if not one.ok and one.failed >= IN_A_ROW:
        return True
    low = scene.recorder.low_attempt
    calls = await scene.journal.ask(of_journal("last_calls"), (low, route, IN_A_ROW))
    failed = [ended for outcome, ended in calls if outcome != "delivered"]
    return len(failed) == IN_A_ROW and min(failed) > one.last_ok


async def _refused(scene: Scene, route: str, one: Lately, rate: float) -> Sighting:
    behind = await _failing(scene, route)
    target = scene.target_of(route) or route
    shops = f" from {len(behind.stores)} stores" if len(behind.stores) > 1 else ""
    return Sighting(
        "SuccessRate",
        route,
        f"{route}: {one.failed:,} of {one.tried:,} deliveries fail{shops}"
        f" ({rate:.0%} succeed at {target})",
        count=one.failed,
        stores=tuple(sorted(behind.stores)),
        money=behind.money,
        since=behind.since,
        first=await _key_of(scene, behind.first),
        code=behind.code,
        detail=behind.detail,
    )


async def _failing(scene: Scene, route: str) -> _Failing:
    first = start_of(scene.ago(BEFORE_SECONDS), MINUTE)
    rows = await scene.journal.ask(
        of_journal("failing_lately"), (scene.recorder.low_attempt, first)
    )
    found = _Failing()
    most = 0
    for name, code, count, stores, currency, minor, since, position, detail in rows:
        if name != route:
            continue
        found.codes[code] = found.codes.get(code, 0) + count
        if found.codes[code] > most:
            most, found.code, found.detail = found.codes[code], code, detail
        found.stores |= {*_stores.decode(stores)} - {""}
        found.money = added(found.money, minor_of(currency, minor))
        found.since = min(found.since or since, since)
        found.first = min(found.first or position, position)
    return found


async def _key_of(scene: Scene, position: int) -> str:
    if not position:
        return ""
    record = await scene.journal.record(position)
    return record.message.envelope.natural_key if record else ""


async def _last_call(scene: Scene, route: str) -> int:
    """Return when something was last tried on a route, as far as the last minutes tell."""
    low = scene.recorder.low_attempt
    calls: list[Any] = await scene.journal.ask(of_journal("last_calls"), (low, route, 1))
    known = await sums(scene.journal, MINUTE, scene.ago(3600), scene.now + MINUTE * MICROSECONDS)
    window = known.get(f"once/{route}")
    return max((calls[0][1] if calls else 0), window.last_ok if window else 0)


def _limit(scene: Scene, route: str, hours: Iterable[Window]) -> tuple[float, str]:
    """Return above which p95 a route is slow, and how to say so."""
    ages = [one.age(P95) or 0.0 for one in hours if one.ended >= FEWEST_USUAL]
    if len(ages) >= FEWEST_WEEKS:
        usual = median(ages)
        factor = scene.book.threshold("Latency")
        return max(LEAST_SECONDS, factor * usual), f"usually {usual:.2f} s at this hour"
    levels = scene.release.watch.levels_of(route)
    seconds = levels.batch_minutes * 60 if levels.batch else levels.realtime_p95_seconds
    return seconds, f"promised are {seconds:g} s"


def _is_slow(window: Window | None, limit: float) -> bool:
    return window is not None and window.ended >= FEWEST_TIMED and _p95(window) > limit


def _p95(window: Window | None) -> float:
    return (window.age(P95) or 0.0) if window else 0.0


JUDGES: Mapping[str, Any] = {
    "SuccessRate": success_rate,
    "Latency": latency,
    "NoProgress": no_progress,
    "BreakerOpen": breaker_open,
    "RouteQuiet": route_quiet,
    "RateLimit": rate_limit,
}
"""Rule -> the function that finds its causes."""

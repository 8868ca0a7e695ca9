"""Service levels: what was kept of each promise, over which period, and as what document."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tillway.clock import ManualClock
from tillway.errors import ConfigurationError
from tillway.project.alert_records import ServiceLevels, WatchSettings
from tillway.testing.journal import ROUTE
from tillway.watch.level_sheets import levels_csv
from tillway.watch.service_levels import COLUMNS, FORMULAS, levels_as_json
from unit.watch.watched import TEN, watched


async def test_a_route_keeps_its_promises_or_says_what_is_broken(tmp_path: Path) -> None:
    """199 of 200 is 99.5 %, and the budget is used up; one more dead letter breaks it."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(199), 0.4)
        await kit.fail(await kit.accept(1, store="0146"), "dead")
        await kit.watch.look()
        found = await kit.watch.service_levels("24h")
        [route] = found.routes
        assert (route.delivered, route.dead, route.success_percent) == (199, 1, 99.5)
        assert (route.budget, route.budget_left, route.budget_left_percent) == (1.0, 0.0, 0.0)
        assert 0.3 < (route.p95_seconds or 0) <= 0.5
        assert (route.worst_store, route.worst_store_dead) == ("0146", 1)
        assert not route.met, "no dead letter is promised"
        await kit.fail(await kit.accept(1), "dead")
        await kit.watch.look()
        [route] = (await kit.watch.service_levels("7d")).routes
        assert (route.success_percent or 0) < 99.5
        assert route.budget_left == pytest.approx(-0.99, abs=0.01)


async def test_each_period_holds_what_happened_in_it(tmp_path: Path) -> None:
    """A day, a week and a month differ by what is older."""
    clock = ManualClock(TEN)
    async with watched(tmp_path, clock=clock) as kit:
        for count, days in ((4, 20), (2, 5), (1, 0)):
            await kit.deliver(await kit.accept(count))
            await kit.watch.look()
            for _ in range(days):
                await kit.later(hours=24)
        counts = [
            (await kit.watch.service_levels(name)).routes[0].delivered
            for name in ("24h", "7d", "30d")
        ]
        assert counts == [1, 3, 7]
        with pytest.raises(ConfigurationError) as refused:
            await kit.watch.service_levels("8d")
        assert refused.value.code == "TW-7106"


async def test_time_without_a_hub_is_not_up(tmp_path: Path) -> None:
    """Twelve minutes of a day are half a per cent and break the promise."""
    clock = ManualClock(TEN)
    for _ in range(2):
        async with watched(tmp_path, clock=clock) as kit:
            for _ in range(24):
                await kit.later(hours=0.5)
            found = await kit.watch.service_levels("24h")
        await clock.advance(12 * 60)
    assert found.uptime_percent == pytest.approx(99.17, abs=0.05)
    assert not found.met


async def test_a_promise_of_its_own_holds_for_a_route(tmp_path: Path) -> None:
    """A batch route has half an hour; a dead letter may be allowed."""
    batch = ServiceLevels(batch=True, dead_letters=1, success_percent=50)
    async with watched(tmp_path, WatchSettings(route_levels={ROUTE: batch})) as kit:
        await kit.deliver(await kit.accept(3), 900.0)
        await kit.clock.advance(1000)
        await kit.fail(await kit.accept(1), "dead")
        await kit.watch.look()
        [route] = (await kit.watch.service_levels("24h")).routes
        assert (route.met, route.promised_p95_seconds) == (True, 1800)


async def test_how_long_a_person_took_is_measured(tmp_path: Path) -> None:
    """From the first failure to the delivery somebody brought about."""
    async with watched(tmp_path) as kit:
        positions = await kit.accept(1)
        await kit.fail(positions, "dead")
        await kit.watch.look()
        await kit.clock.advance(3 * 3600)
        await kit.mend(positions, kind="operator")
        await kit.watch.look()
        [route] = (await kit.watch.service_levels("24h")).routes
        assert (route.resolution_seconds or 0) > 7200
        assert (route.dead_letters, route.met) == (0, False)
        assert any("SuccessRate" in one or "Dead" in one for one in route.breaches) is False


async def test_the_documents_hold_every_figure_and_its_formula(tmp_path: Path) -> None:
    """JSON and CSV have the same rows; no cell of the CSV begins as a formula does."""
    async with watched(tmp_path) as kit:
        await kit.deliver(await kit.accept(2))
        await kit.watch.look()
        found = await kit.watch.service_levels("24h")
        plain = levels_as_json(found)
        [row] = plain["routes"]
        assert set(row) == set(COLUMNS)
        assert plain["formulas"] == dict(FORMULAS)
        lines = list(csv.reader(io.StringIO(levels_csv(found))))
        assert tuple(lines[0]) == COLUMNS
        assert dict(zip(lines[0], lines[1], strict=True))["delivered"] == "2"
        assert not [cell for line in lines for cell in line if cell[:1] in ("=", "+", "@")]
        assert sum(line[0].startswith("how ") for line in lines if line) == len(FORMULAS)


async def test_a_series_has_a_point_for_each_window_with_traffic(tmp_path: Path) -> None:
    """Oldest first; the route and its source are flows of their own."""
    async with watched(tmp_path) as kit:
        for _ in range(3):
            await kit.deliver(await kit.accept(2))
            await kit.later(minutes=5)
        points = await kit.watch.series(f"route/{ROUTE}", "24h")
        assert [one.ok for one in points] == [2, 2, 2]
        assert {one.flow.partition("/")[0] for one in await kit.watch.series("", "24h")} >= {
            *("route", "source")
        }

"""Service levels against figures worked out by hand, for every promise and each period.

One morning, twenty days before now and now. Then (day 1): 60 delivered within 0.4 s. Now: 119 at
0.25 s, 20 at 2.5 s, 2 dead letters of shop 0146, one of which a person brings through after 90
minutes. The steps that matter: 0.2 to 0.3 s and 2 to 3 s.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tillway.clock import ManualClock
from tillway.project.alert_records import ServiceLevels
from tillway.testing.journal import ROUTE
from tillway.watch.buckets import BOUNDS_SECONDS
from tillway.watch.level_sheets import levels_csv
from tillway.watch.service_levels import PERIODS, RouteLevel
from tillway.watch.windows import as_point
from unit.watch.watched import TEN, Kit, watched

FORMER, FAST, SLOW = 60, 119, 20


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[Kit]:
    """Give the journal of the story above."""
    async with watched(tmp_path, clock=ManualClock(TEN)) as made:
        await made.deliver(await made.accept(FORMER), 0.4)
        for _ in range(20 * 24):
            await made.clock.advance(3600)
            await made.watch.recorder.look()
        await made.deliver(await made.accept(FAST), 0.25)
        await made.deliver(await made.accept(SLOW), 2.5)
        dead = await made.accept(2, store="0146")
        await made.fail(dead, "dead", "TW-4105")
        await made.watch.recorder.look()
        for _ in range(90):
            await made.clock.advance(60)
            await made.watch.recorder.look()
        await made.mend(dead[:1], kind="operator")
        await made.watch.recorder.look()
        yield made


async def level(kit: Kit, period: str) -> RouteLevel:
    """Return the one row of a period."""
    [row] = (await kit.watch.service_levels(period)).routes
    assert row.route == ROUTE
    return row


async def test_a_day_is_what_a_pocket_calculator_says(kit: Kit) -> None:
    """Delivered 119 + 20 + 1; dead 2; success 140/142; budget 0.5 % of 142."""
    row = await level(kit, "24h")
    assert (row.delivered, row.dead, row.dead_letters) == (140, 2, 1)
    assert row.success_percent == 98.592  # 100 x 140 / 142 = 98.5915...
    assert (row.budget, row.budget_left) == (0.71, -1.29)  # 0.005 x 142, less 2
    assert row.budget_left_percent == -181.7  # 100 x -1.29 / 0.71 = -181.69...
    # 95 of 100 of 140 are 133: 119 lie below 0.3 s, so 14 of the 20 between 2 and 3 s.
    assert row.p95_seconds == 2.7
    # One solved after 5,400 s lies in the step from 1,800 to 7,200 s: 0.95 of the way.
    assert row.resolution_seconds == 1800 + 0.95 * 5400 == 6930
    assert {2.0, 3.0, 1800.0, 7200.0} <= set(BOUNDS_SECONDS)
    assert (row.worst_store, row.worst_store_dead) == ("0146", 1)
    assert not row.met


async def test_a_month_adds_what_is_older_and_a_week_does_not(kit: Kit) -> None:
    """60 more deliveries within 0.4 s, twenty days ago; the dead letters stay 2."""
    week, month = await level(kit, "7d"), await level(kit, "30d")
    assert (week.delivered, month.delivered) == (140, 200)
    assert month.success_percent == 99.01  # 100 x 200 / 202 = 99.0099...
    assert month.budget == 1.01  # 0.005 x 202
    # 190 of 200: 179 lie below 0.5 s, so 11 of the 20 between 2 and 3 s.
    assert month.p95_seconds == 2.55
    assert set(PERIODS) == {"24h", "7d", "30d"}


async def test_each_promise_alone_decides(kit: Kit) -> None:
    """Success, p95, half an hour for a batch, dead letters, and how long people took."""
    row = await level(kit, "24h")
    kept = ServiceLevels(success_percent=98, dead_letters=1)
    assert replace(row, promised=kept).met
    for broken in (
        replace(kept, success_percent=98.7),
        replace(kept, realtime_p95_seconds=2.6),
        replace(kept, dead_letters=0),
        replace(kept, resolution_minutes=115),
        replace(kept, batch=True, batch_minutes=0.04),
    ):
        assert not replace(row, promised=broken).met, broken
    assert replace(row, promised=replace(kept, batch=True, realtime_p95_seconds=1)).met


def test_the_promises_without_a_file_are_those_of_the_design() -> None:
    """99.5 %, 3 s, 30 min, 0, 99.9 %, 99.9 %, 2 h."""
    assert ServiceLevels() == ServiceLevels(99.5, 3.0, 30.0, 0, 99.9, 99.9, 120.0, batch=False)


async def test_the_sheet_and_the_trend_hold_the_same_figures(kit: Kit) -> None:
    """The CSV cell by cell, and the windows of the chart add up to the row."""
    lines = list(csv.DictReader(io.StringIO(levels_csv(await kit.watch.service_levels("24h")))))
    row = lines[0]
    assert (row["delivered"], row["success_percent"], row["p95_seconds"]) == (
        *("140", "98.592", "2.7"),
    )
    points = [as_point(one) for one in await kit.watch.series(f"route/{ROUTE}", "24h")]
    assert sum(one["ok"] or 0 for one in points) == 140
    assert sum(one["dead"] or 0 for one in points) == 2
    month = await kit.watch.series(f"route/{ROUTE}", "30d")
    assert sum(one.ok for one in month) == 200

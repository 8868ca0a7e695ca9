"""Each rule: what makes it fire, what does not, and what its alert says."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operating_world import STORES
from tillway.clock import MICROSECONDS, ManualClock
from tillway.errors import JournalFault
from tillway.journal.base import Candidate, TargetState
from tillway.project.alert_records import OpeningHours, ServiceLevels, WatchSettings
from tillway.testing.journal import ROUTE, candidate
from tillway.watch import judge_books, judge_hub, judge_routes, judge_shops
from tillway.watch.notices import link_of
from tillway.watch.rules import RULES
from unit.watch.watched import TEN, Kit, off, tills, watched

WEEK = 7 * 86400
DAY = 86400 * MICROSECONDS


def only(kit: Kit, rule: str) -> Any:
    """Return the one open alert of a rule, None without one."""
    found = [one for one in kit.watch.open_alerts() if one.rule == rule]
    assert len(found) <= 1
    return found[0] if found else None


async def trade(kit: Kit, store: str, minutes: int, step: int = 5) -> None:
    """Sell in a shop every few minutes for a while."""
    for _ in range(0, minutes, step):
        await kit.accept(2, store=store)
        await kit.clock.advance(step * 60)


@pytest.mark.parametrize(
    ("ok", "failed", "fires"),
    [(19, 1, False), (18, 2, True), (99, 5, False), (90, 6, True), (1, 2, False), (0, 3, True)],
)
async def test_success_below_95_per_cent_of_20_or_three_in_a_row(
    tmp_path: Path, ok: int, failed: int, *, fires: bool
) -> None:
    """Twenty deliveries, or three failures in a row where fewer are tried."""
    async with watched(tmp_path) as kit:
        if ok:
            await kit.deliver(await kit.accept(ok), 0)
        await kit.fail(await kit.accept(failed))
        await kit.watch.look()
        alert = only(kit, "SuccessRate")
        assert bool(alert) is fires
        if alert is not None:
            assert (alert.count, alert.code) == (failed, "TW-4106")


async def test_a_message_that_came_through_after_all_is_no_failure(tmp_path: Path) -> None:
    """Only the latest attempt of each delivery counts, over all five minutes."""
    async with watched(tmp_path) as kit:
        positions = await kit.accept(6)
        await kit.fail(positions)
        await kit.clock.advance(90)
        await kit.mend(positions)
        await kit.watch.look()
        assert only(kit, "SuccessRate") is None


async def test_failures_of_long_ago_do_not_count(tmp_path: Path) -> None:
    """What is older than the window is over."""
    async with watched(tmp_path) as kit:
        await kit.fail(await kit.accept(5))
        await kit.clock.advance(400)
        await kit.watch.look()
        assert only(kit, "SuccessRate") is None


async def test_before_there_is_history_the_promise_is_the_limit(tmp_path: Path) -> None:
    """Two windows slower than promised fire, and the promise of a route may be its own."""
    patient = ServiceLevels(realtime_p95_seconds=20)
    for settings, fires in (
        (WatchSettings(), True),
        (WatchSettings(route_levels={ROUTE: patient}), False),
    ):
        folder = tmp_path / str(fires)
        folder.mkdir()
        async with watched(folder, settings) as kit:
            for _ in range(2):
                await kit.deliver(await kit.accept(10), 8.0)
                await kit.clock.advance(300)
            await kit.watch.look()
            assert bool(only(kit, "Latency")) is fires


async def test_work_that_waits_while_nothing_is_tried_is_no_progress(tmp_path: Path) -> None:
    """A minute without a call while messages wait; a call, or an open circuit, makes it none."""
    async with watched(tmp_path) as kit:
        await kit.accept(3)
        await kit.later(seconds=50)
        assert only(kit, "NoProgress") is None
        await kit.later(seconds=20)
        alert = only(kit, "NoProgress")
        assert alert is not None
        assert (alert.priority, alert.count, alert.money) == ("P1", 3, {"EUR": 3750})
        await kit.deliver([1, 2, 3])
        await kit.watch.look()
        assert only(kit, "NoProgress") is None
        await kit.accept(1)
        await kit.journal.save_target_state(TargetState("erp", "open", kit.clock.now()))
        await kit.later(minutes=3)
        assert only(kit, "NoProgress") is None


async def test_a_circuit_open_for_five_minutes_names_what_waits(tmp_path: Path) -> None:
    """Not before, and with the shops and money behind it."""
    async with watched(tmp_path) as kit:
        await kit.accept(2)
        await kit.journal.save_target_state(
            TargetState("erp", "open", kit.clock.now(), 5, 0, "TW-4101", "no connection")
        )
        await kit.later(minutes=4)
        assert only(kit, "BreakerOpen") is None
        await kit.later(minutes=2)
        alert = only(kit, "BreakerOpen")
        assert alert is not None
        assert (alert.subject, alert.count, alert.code) == ("erp", 2, "TW-4101")
        await kit.journal.save_target_state(TargetState("erp", "closed", kit.clock.now()))
        await kit.watch.look()
        assert only(kit, "BreakerOpen") is None


async def test_a_source_far_below_its_usual_hour_is_quiet(tmp_path: Path) -> None:
    """Two windows in a row below a fifth of what four weeks know; without history never."""
    clock = ManualClock(TEN - 4 * WEEK * MICROSECONDS)
    async with watched(tmp_path, clock=clock) as kit:
        for _ in range(4):
            await _bulk(kit, 400)
            await kit.watch.look()
            await kit.clock.advance(WEEK)
        await _bulk(kit, 40)
        await kit.later(minutes=5)
        assert only(kit, "RouteQuiet") is None
        await kit.accept(1)
        await kit.later(minutes=5)
        assert only(kit, "RouteQuiet") is None, "one quiet window is not yet silence"
        await kit.later(minutes=5)
        alert = only(kit, "RouteQuiet")
        assert alert is not None
        assert "usually about 33" in alert.headline


async def _bulk(kit: Kit, count: int) -> None:
    """Accept many sales at once."""
    made: list[Candidate] = []
    for _ in range(count):
        kit.position += 1
        one = candidate(kit.position)
        envelope = msgspec.structs.replace(one.envelope, received_at=kit.clock.now())
        made.append(msgspec.structs.replace(one, envelope=envelope))
    await kit.journal.append(made)


async def test_shops_that_are_silent_together_are_one_alert_of_the_highest_priority(
    tmp_path: Path,
) -> None:
    """All three shops of a system at once: P1, told once; one alone: P2 with its number."""
    async with watched(tmp_path) as kit:
        for _ in range(16):
            for store in STORES:
                await kit.accept(1, store=store)
            await kit.clock.advance(300)
        await kit.later(minutes=14)
        alert = only(kit, "StoreSilent")
        assert alert is not None
        assert (alert.priority, alert.count) == ("P1", 3)
        assert link_of(alert, "") == "/stores?state=silent"
        await kit.accept(1, store="0145")
        await kit.accept(1, store="0146")
        await kit.watch.look()
        alert = only(kit, "StoreSilent")
        assert alert is not None
        assert (alert.priority, alert.subject) == ("P2", "0147")


async def test_a_shop_outside_its_hours_is_not_silent(tmp_path: Path) -> None:
    """Hours that are written down decide; before they open and after they close nothing is due."""
    hours = {"": OpeningHours(time(11), time(20)), "0146": OpeningHours(time(6), time(12))}
    async with watched(tmp_path, WatchSettings(opening=hours)) as kit:
        await kit.accept(1, store="0145")
        await kit.accept(1, store="0146")
        await kit.later(minutes=70)
        alert = only(kit, "StoreSilent")
        assert alert is not None
        assert alert.subject == "0145", "0146 has closed"
        await kit.later(hours=11)
        assert only(kit, "StoreSilent") is None


async def test_a_shop_that_usually_takes_breaks_is_given_them(tmp_path: Path) -> None:
    """Its longest silence of the day and half of it again, not a quarter of an hour."""
    async with watched(tmp_path) as kit:
        await trade(kit, "0145", 40)
        await kit.clock.advance(30 * 60)
        await trade(kit, "0145", 40)
        await kit.later(minutes=30)
        assert only(kit, "StoreSilent") is None
        await kit.later(minutes=30)
        assert only(kit, "StoreSilent") is not None


async def test_after_the_last_sale_of_the_day_a_shop_is_not_silent(tmp_path: Path) -> None:
    """The end of day says that it is shut."""
    async with watched(tmp_path) as kit:
        await trade(kit, "0145", 70)
        await kit.accept(1, store="0145", message_type="business_day.closed", amount=None)
        await kit.later(hours=2)
        assert only(kit, "StoreSilent") is None


async def test_what_stands_in_the_ledger_is_told_by_cause(tmp_path: Path) -> None:
    """A second content, an unknown outcome after its settle time, and a missed deadline."""
    async with watched(tmp_path) as kit:
        [first, second, third] = await kit.accept(3)
        await kit.fail([first], "in_doubt")
        await kit.fail([second, third], "dead", "TW-4002")
        other = candidate(1, amount=9, record=b"x")
        envelope = msgspec.structs.replace(other.envelope, received_at=kit.clock.now())
        await kit.journal.append([msgspec.structs.replace(other, envelope=envelope)])
        await kit.watch.look()
        assert only(kit, "InDoubt") is None, "its settle time has not passed"
        await kit.later(minutes=1)
        for rule, count, subject in (
            ("InDoubt", 1, ROUTE),
            ("RetryHorizon", 2, ROUTE),
            ("KeyConflict", 1, "quayside"),
            ("DeadLetters", 2, f"{ROUTE} TW-4002"),
        ):
            alert = only(kit, rule)
            assert alert is not None, rule
            assert (alert.count, alert.subject) == (count, subject)


async def test_the_hub_tells_on_itself(tmp_path: Path) -> None:
    """Closed intake, a fault, a broken chain, an old backup, a full disk, a certificate."""
    async with watched(tmp_path) as kit:
        kit.facts.update(
            intake_closed="free disk space is below the floor",
            fault="TW-5001",
            audit_broken="entry 7 is gone",
            backup_at=kit.clock.now() - 25 * 3600 * MICROSECONDS,
            certificates={"erp": kit.clock.now() + 5 * 86400 * MICROSECONDS},
        )
        await kit.watch.look()
        assert sorted(kit.names()) == [
            *("AuditChainBroken", "BackupOld", "DiskDays", "IntakeClosed", "JournalFault")
        ]


async def test_a_hub_on_trial_is_not_asked_for_a_backup(tmp_path: Path) -> None:
    """Without any backup only one that others reach is told, and only after a day."""
    async with watched(tmp_path) as kit:
        await kit.later(hours=30)
        assert only(kit, "BackupOld") is None
        kit.facts["guarded"] = True
        await kit.watch.look()
        assert only(kit, "BackupOld") is not None


async def test_every_rule_has_one_judge() -> None:
    """A rule nobody asks would never fire, and a judge without a rule has no words."""
    asked = [
        *judge_hub.JUDGES,
        *judge_routes.JUDGES,
        *judge_shops.JUDGES,
        *judge_books.JUDGES,
    ]
    assert sorted(asked) == sorted(RULES)


async def test_a_fault_in_a_look_is_told_and_ends_the_watch(tmp_path: Path) -> None:
    """The watch of a journal that failed says so and stops."""
    async with watched(tmp_path) as kit:

        async def broken() -> None:
            raise JournalFault("TW-5001", "the journal could not write")

        kit.watch.recorder.look = broken  # type: ignore[method-assign]
        await kit.watch.run()
        assert kit.names() == ["JournalFault"]
        assert len(kit.pager.sent) == 1


async def test_the_clock_of_a_till_may_be_off_by_five_minutes(tmp_path: Path) -> None:
    """The worst till of a shop counts; ahead or behind; one not heard of for a day does not."""
    clocks = (off("0145", 5), off("0145", 12, "04"), off("0146", -5), off("0147", 6, at=TEN - DAY))
    async with watched(tmp_path, prepare=tills(*clocks)) as kit:
        await kit.watch.look()
        alert = only(kit, "ClockSkew")
        assert alert is not None
        assert (alert.priority, alert.subject, alert.stores) == ("P3", "0145", ("0145",))
        assert alert.headline.endswith("the clock of till 04 is ahead by 12 min")
        assert link_of(alert, "") == "/stores/0145"
        await kit.later(hours=25)
        assert only(kit, "ClockSkew") is None


async def test_a_till_that_is_behind_may_also_be_late(tmp_path: Path) -> None:
    """Nobody can tell the two apart from here, so both are said."""
    async with watched(tmp_path, prepare=tills(off("0146", -9))) as kit:
        await kit.watch.look()
        alert = only(kit, "ClockSkew")
        assert alert is not None
        assert alert.headline.endswith("the clock of till 03 is behind by 9 min")
        assert alert.detail == "or it sends its sales so late"


async def test_most_shops_at_once_are_one_alert(tmp_path: Path) -> None:
    """Then it is the hub's own clock; the link leads to the list, not to a shop of that name."""
    clocks = [off(store, 7) for store in STORES]
    async with watched(tmp_path, prepare=tills(*clocks)) as kit:
        await kit.watch.look()
        alert = only(kit, "ClockSkew")
        assert alert is not None
        assert (alert.count, len(alert.stores)) == (3, 3)
        assert link_of(alert, "") == "/stores"

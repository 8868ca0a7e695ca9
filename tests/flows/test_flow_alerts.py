"""From a failing ERP to a mail, and the other incident stories: who hears what, when, how often.

Surprising: the clock is turned, so a morning of trade takes no time; only a slow ERP is real.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.alert_receivers import PASSWORD, USER, Hook, PostOffice, post_office, web_hook
from flows.tills import quayside
from flows.turned_clock import TurnedClock
from flows.world import ROUTE, Running, World
from tillway.watch import Alert, Watch

MORNING = "2026-11-20T10:00:00+01:00"
SECRET = "whsec_" + base64.b64encode(b"a secret of the pager, 32 bytes!").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret that is being replaced").decode()
MAIL = """\
kind = "email"
host = "127.0.0.1"
port = {port}
user = "{user}"
password = "${{secret:mail_password}}"
from = "tillway@example.com"
to = ["operations@example.com"]
ca_file = "../mail.pem"
"""
PAGER = """\
kind = "webhook"
url = "{url}/alerts"
secrets = ["${{secret:pager_old}}", "${{secret:pager}}"]
"""
RULES = """\
console_url = "https://hub.example.com"
heartbeat_url = "{url}/beat"
"""


@dataclass(slots=True)
class Desk:
    """A hub whose clock is turned by hand, and the two that are told."""

    world: World
    running: Running
    clock: TurnedClock
    mail: PostOffice
    hook: Hook
    number: int = 0

    @property
    def watch(self) -> Watch:
        """Return the watch of the hub."""
        return self.running.hub.watch

    def at(self, moment: str) -> None:
        """Turn the clock to a time of the day."""
        self.clock.turn_to(f"2026-11-20T{moment}+01:00")

    async def later(self, **more: float) -> None:
        """Turn the clock on, and let the watch look."""
        moment = datetime.fromtimestamp(self.clock.now() / 1e6).astimezone()
        self.clock.turn_to((moment + timedelta(**more)).isoformat())
        await self.watch.look()

    async def sell(self, count: int, store: str = "0002", method: str = "CASH") -> None:
        """Sell so many notebooks in one shop and wait until delivery has nothing left to do."""
        for _ in range(count):
            self.number += 1
            sale = quayside(self.number, store, payments=[{"method": method, "amt": "4.00"}])
            answer = await self.running.sell(sale)
            assert answer.status == 202, answer.text
        await self.running.settled()

    def open(self, rule: str) -> list[Alert]:
        """Return the open alerts of a rule."""
        return [one for one in self.watch.open_alerts() if one.rule == rule]


def prepared(world: World, monkeypatch: pytest.MonkeyPatch, mail: PostOffice, hook: Hook) -> None:
    """Write who is told into the project."""
    for name, value in (
        ("MAIL_PASSWORD", PASSWORD),
        ("PAGER", SECRET),
        ("PAGER_OLD", OLD_SECRET),
    ):
        monkeypatch.setenv(f"TILLWAY_SECRET_{name}", value)
    folder = world.folder / "alerts"
    folder.mkdir(exist_ok=True)
    (folder / "operations.toml").write_text(MAIL.format(port=mail.port, user=USER))
    (folder / "pager.toml").write_text(PAGER.format(url=hook.url))
    (folder / "rules.toml").write_text(RULES.format(url=hook.url))


@asynccontextmanager
async def desk_of(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Run the hub on a morning, with a mail server and a web service beside it."""
    clock = TurnedClock(MORNING)
    async with post_office(tmp_path) as mail, web_hook(SECRET) as hook:
        hook.now = lambda: clock.now() / 1e6
        prepared(world, monkeypatch, mail, hook)
        async with world.running(clock) as running:
            yield Desk(world, running, clock, mail, hook)


@pytest.fixture
async def desk(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Give a hub that is watched."""
    async with desk_of(world, tmp_path, monkeypatch) as made:
        yield made


async def test_a_tender_the_erp_refuses_is_told_within_a_minute_and_once(desk: Desk) -> None:
    """The mail says impact, cause and what to do; retried, it recovers with one more notice."""
    await desk.sell(20)
    await desk.watch.look()
    assert desk.watch.open_alerts() == []
    await desk.world.erp_mode("up", reject_tender_types=["cash"])
    await desk.sell(4)
    await desk.sell(1, store="0005")
    await desk.watch.look()
    [alert] = desk.open("SuccessRate")
    assert (alert.priority, alert.subject, alert.count) == ("P1", ROUTE, 5)
    assert (alert.stores, alert.money) == (("0002", "0005"), {"EUR": 2000})
    [mail] = [one for one in desk.mail.mails if one["Subject"].startswith("[P1]")]
    text = mail.get_content()
    for told in (
        "5 of 25 deliveries fail from 2 stores",
        "2 stores (0002, 0005); 5 in all; 20.00 EUR",
        f"https://hub.example.com/problems?route={ROUTE}",
        "docs/operating/alerts/success-rate.md",
        "TW-4107",
    ):
        assert told in text, text
    assert desk.hook.types == ["alert.opened"]
    assert desk.hook.taken[0]["data"]["alerts"][0]["money"] == {"EUR": "20.00"}
    assert desk.hook.refused == []
    await desk.later(seconds=10)
    assert len(desk.mail.mails) == 1, "the same cause is told once"
    await desk.world.erp_mode("up", reject_tender_types=[])
    dead = await desk.running.positions("dead")
    await desk.running.operations.retry(ROUTE, dead, "ann", "the ERP knows the tender now")
    await desk.running.settled()
    await desk.watch.look()
    assert desk.open("SuccessRate"), "ten minutes of success are still to come"
    await desk.later(minutes=11)
    assert desk.open("SuccessRate") == []
    assert [one for one in desk.hook.types if one != "alert.summary"] == [
        "alert.opened",
        "alert.recovered",
    ]


async def test_a_silent_store_is_told_and_recovers_by_itself(desk: Desk) -> None:
    """A shop that sold every few minutes and stops is told with its age; one more sale ends it."""
    for minute in range(54, 126, 6):
        desk.at(f"{8 + minute // 60:02}:{minute % 60:02}:00")
        await desk.sell(1)
        await desk.sell(1, store="0005")
    desk.at("10:14:00")
    await desk.sell(1, store="0005")
    await desk.watch.look()
    assert desk.open("StoreSilent") == [], "fourteen minutes are no silence"
    desk.at("10:17:00")
    await desk.sell(1, store="0005")
    await desk.watch.look()
    [alert] = desk.open("StoreSilent")
    assert (alert.priority, alert.subject, alert.stores) == ("P2", "0002", ("0002",))
    assert "has been silent for 17 min" in alert.headline
    assert any("store 0002" in subject for subject in desk.mail.subjects)
    await desk.sell(1)
    await desk.watch.look()
    assert desk.open("StoreSilent") == []
    assert any("recovered: store 0002" in subject for subject in desk.mail.subjects)


async def test_a_target_twice_as_slow_as_usual_is_told_once_and_resolves_once(desk: Desk) -> None:
    """Four Fridays know what is usual; two slow windows name the target, two fast ones end it."""
    for day in ("2026-10-23", "2026-10-30", "2026-11-06", "2026-11-13"):
        desk.clock.turn_to(f"{day}T10:02:00+01:00")
        await desk.sell(21)
        await desk.watch.look()
    desk.at("10:01:00")
    await desk.world.erp_mode("slow", delay_seconds=1.3)
    await desk.sell(6)
    desk.at("10:06:00")
    await desk.watch.look()
    assert desk.open("Latency") == [], "one slow window is not yet a trend"
    await desk.sell(6)
    desk.at("10:11:00")
    await desk.watch.look()
    [alert] = desk.open("Latency")
    assert alert.priority == "P2"
    assert alert.headline.startswith("erp is slow")
    await desk.world.erp_mode("up")
    await desk.sell(6)
    desk.at("10:16:00")
    await desk.watch.look()
    assert desk.open("Latency"), "one fast window is not yet an end"
    await desk.sell(6)
    desk.at("10:21:00")
    await desk.watch.look()
    assert desk.open("Latency") == []
    told = [one for one in desk.mail.subjects if "erp is slow" in one]
    assert [one.startswith("[P2] flows: recovered") for one in told] == [False, True]


async def test_a_missing_number_at_the_end_of_the_day_is_told(desk: Desk) -> None:
    """A number nobody sent is one alert of its store, raised once the day is past its cut-off."""
    await desk.sell(2)
    desk.number += 1
    await desk.sell(2)
    desk.at("10:05:00")
    bookkeeper = desk.running.hub.bookkeeper
    assert bookkeeper is not None
    await bookkeeper.catch_up()
    await desk.watch.look()
    [alert] = desk.open("SequenceGap")
    assert alert.stores == ("0002",)
    assert "2026-11-20" in alert.headline
    desk.clock.turn_to("2026-11-21T12:00:00+01:00")
    await bookkeeper.catch_up()
    await desk.watch.look()
    [missing] = [one for one in desk.open("DocumentMissing") if "NOT_CLOSED" in one.subject]
    assert "0002" in missing.stores
    assert desk.open("SequenceGap")


async def test_what_was_not_taken_is_told_after_a_restart_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spool keeps letters, acknowledgement and mutes; a mail server that is back gets one."""
    clock = TurnedClock(MORNING)
    async with post_office(tmp_path) as mail, web_hook(SECRET) as hook:
        hook.now = lambda: clock.now() / 1e6
        mail.broken = True
        prepared(world, monkeypatch, mail, hook)
        await world.erp_mode("reject")
        async with world.running(clock) as running:
            desk = Desk(world, running, clock, mail, hook)
            await desk.sell(3)
            await desk.watch.look()
            [alert] = desk.open("SuccessRate")
            await desk.watch.acknowledge(alert.name, "ann", "on it")
            await desk.watch.mute("KeyConflict", "", clock.now() + 10**9, "ann", "known")
            assert (mail.mails, hook.types) == ([], ["alert.opened"])
        mail.broken = False
        async with world.running(clock) as running:
            desk = Desk(world, running, clock, mail, hook, number=3)
            [again] = desk.open("SuccessRate")
            assert (again.name, again.acked_by, again.told) == (alert.name, "ann", True)
            assert [one.rule for one in desk.watch.state.book.mutes] == ["KeyConflict"]
            await desk.later(minutes=2)
            assert [one.startswith("[P1]") for one in mail.subjects] == [True]
            assert hook.types == ["alert.opened"]
            await desk.later(minutes=40)
            assert len(mail.mails) == 1, "acknowledged, it is not repeated"


async def test_each_channel_can_be_tried_and_the_heart_beats(desk: Desk) -> None:
    """A marked message reaches mail and hook at once; the outside monitor hears of the hub."""
    assert await desk.watch.test([], "ann") == {"operations": "", "pager": ""}
    assert desk.hook.types[-1] == "alert.test"
    assert "test: this is a test of the channel" in desk.mail.subjects[-1]
    desk.mail.broken = True
    found = await desk.watch.test(["operations"], "ann")
    assert "451 come back later" in found["operations"]
    await desk.watch.look()
    assert desk.hook.beats >= 1


async def test_control_a_changed_notice_is_refused(desk: Desk) -> None:
    """The receiver checks for itself: with another secret it takes nothing."""
    desk.hook.secret = "whsec_" + base64.b64encode(b"not the secret of the pager").decode()
    found = await desk.watch.test(["pager"], "ann")
    assert found == {"pager": "it answered 401"}
    assert desk.hook.refused == ["wrong signature"]

"""The book of alerts and the notifier: told once, repeated, escalated, muted, recovered."""

from __future__ import annotations

import json
from datetime import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from tillway.clock import MICROSECONDS, ManualClock
from tillway.errors import ConfigurationError
from tillway.project.alert_records import (
    Escalation,
    QuietHours,
    Receiver,
    RuleChoice,
    WatchSettings,
)
from tillway.security.signatures import SignatureRule, signature_stands
from tillway.watch.alerts import Book
from tillway.watch.rules import RULES, RuleBook, check_names
from tillway.watch.scene import Sighting
from unit.watch.watched import PAGER, TEN, Pager, watched

MINUTE = 60 * MICROSECONDS
RULES_HERE = RuleBook({})
BOSS = Receiver("boss", "webhook", url="https://boss.example/", secrets=("two",))


def seen(rule: str = "BreakerOpen", subject: str = "erp", **more: object) -> Sighting:
    """Return a sighting."""
    return Sighting(rule, subject, f"{subject} is in trouble", **more)  # type: ignore[arg-type]


def told(book: Book, now: int, *escalations: Escalation) -> list[tuple[str, str]]:
    """Return kind and subject of what is due."""
    return [(one.kind, one.alerts[0].subject) for one in book.due(escalations, now)]


def types(pager: Pager, address: str = "pager") -> list[str]:
    """Return what was sent to an address, oldest first."""
    return [json.loads(body)["type"] for url, _, body in pager.sent if address in url]


def test_one_cause_is_told_once_while_its_count_changes() -> None:
    """A thousand messages of one cause are one notice; the figures inside stay current."""
    book = Book()
    for count in range(1, 1000):
        assert book.take("BreakerOpen", [seen(count=count)], RULES_HERE, TEN + count) == []
        assert told(book, TEN + count) == ([("opened", "erp")] if count == 1 else [])
    [alert] = book.open.values()
    assert alert.count == 999


def test_an_end_is_told_once_and_only_to_those_who_heard_of_the_beginning() -> None:
    """What was never told needs no end; what was, has one."""
    book = Book()
    book.take("BreakerOpen", [seen()], RULES_HERE, TEN)
    assert book.take("BreakerOpen", [], RULES_HERE, TEN + 1) == []
    book.take("BreakerOpen", [seen()], RULES_HERE, TEN + 2)
    told(book, TEN + 2)
    [notice] = book.take("BreakerOpen", [], RULES_HERE, TEN + 3)
    assert (notice.kind, book.open) == ("recovered", {})
    assert book.take("BreakerOpen", [], RULES_HERE, TEN + 4) == []


def test_a_p1_is_over_after_ten_good_minutes_only() -> None:
    """One bad look in between begins the ten minutes anew; a middling one as well."""
    book = Book()
    bad, fair = seen("SuccessRate", "r"), seen("SuccessRate", "r", lingering=True)
    book.take("SuccessRate", [fair], RULES_HERE, TEN)
    assert book.open == {}, "fair is not bad enough to begin"
    book.take("SuccessRate", [bad], RULES_HERE, TEN)
    told(book, TEN)
    for minute, sightings in ((1, []), (9, [fair]), (10, []), (19, [])):
        assert book.take("SuccessRate", sightings, RULES_HERE, TEN + minute * MINUTE) == []
    assert [one.kind for one in book.take("SuccessRate", [], RULES_HERE, TEN + 20 * MINUTE)] == [
        "recovered"
    ]


def test_a_p1_is_repeated_until_somebody_has_it_and_escalates_all_the_same() -> None:
    """Acknowledging stops repeats, not the next escalation."""
    book, step = Book(), Escalation(45, ("boss",))
    book.take("SuccessRate", [seen("SuccessRate", "r")], RULES_HERE, TEN)
    assert told(book, TEN, step) == [("opened", "r")]
    assert told(book, TEN + 29 * MINUTE, step) == []
    assert told(book, TEN + 30 * MINUTE, step) == [("repeated", "r")]
    next(iter(book.open.values())).acked_at = TEN
    assert told(book, TEN + 44 * MINUTE, step) == []
    assert told(book, TEN + 61 * MINUTE, step) == [("escalated", "r")]
    assert told(book, TEN + 200 * MINUTE, step) == []


def test_a_worse_case_of_the_same_cause_is_told() -> None:
    """A store alone is P2; its whole country at once is P1 and said so."""
    book = Book()
    book.take("SequenceGap", [seen("SequenceGap", "0145", priority="P3")], RULES_HERE, TEN)
    told(book, TEN)
    worse = [seen("SequenceGap", "0145", priority="P2")]
    assert [one.kind for one in book.take("SequenceGap", worse, RULES_HERE, TEN + 1)] == ["raised"]
    assert book.take("SequenceGap", worse, RULES_HERE, TEN + 2) == []


async def test_a_mute_holds_back_and_what_is_still_open_is_told_at_its_end(tmp_path: Path) -> None:
    """A mute needs a reason and an end; it covers its rule and subject only."""
    async with watched(tmp_path) as kit:
        kit.facts["intake_closed"] = "disk"
        until = kit.clock.now() + 10 * MINUTE
        await kit.watch.mute("IntakeClosed", "", until, "ann", "disk is being changed")
        await kit.watch.look()
        assert (kit.names(), kit.pager.sent) == (["IntakeClosed"], [])
        await kit.later(minutes=11)
        assert types(kit.pager) == ["alert.opened"]
        for wrong in (kit.clock.now(), kit.clock.now() + 40 * 86400 * MICROSECONDS):
            with pytest.raises(ConfigurationError) as refused:
                await kit.watch.mute("", "", wrong, "ann", "x")
            assert refused.value.code == "TW-7103"
        with pytest.raises(ConfigurationError) as refused:
            await kit.watch.mute("", "", kit.clock.now() + MINUTE, "ann", " ")
        assert refused.value.code == "TW-7007"
        with pytest.raises(ConfigurationError) as refused:
            await kit.watch.mute("IntakeClose", "", kit.clock.now() + MINUTE, "ann", "x")
        wrong_name = refused.value
        assert (wrong_name.code, wrong_name.path, wrong_name.where) == ("TW-7101", "rule", {})
        [action] = [one for one in await kit.journal.actions(5) if one.verb == "alert.mute"]
        assert (action.who, action.subject) == ("ann", "IntakeClosed")


async def test_who_looks_after_an_alert_is_on_record(tmp_path: Path) -> None:
    """The first digits of its name are enough; an unknown name is refused."""
    async with watched(tmp_path) as kit:
        kit.facts["intake_closed"] = "disk"
        await kit.watch.look()
        [alert] = kit.watch.open_alerts()
        await kit.watch.acknowledge(alert.name[:4], "ann", "on it")
        assert (alert.acked_by, alert.acked_because) == ("ann", "on it")
        assert [one.verb for one in await kit.journal.actions(5)] == ["alert.ack"]
        with pytest.raises(ConfigurationError) as refused:
            await kit.watch.acknowledge("ffff", "ann", "on it")
        assert refused.value.code == "TW-7102"


async def test_a_letter_is_tried_again_later_and_later_and_in_order(tmp_path: Path) -> None:
    """The end never overtakes the beginning, and one id stays the same through all tries."""
    async with watched(tmp_path) as kit:
        kit.pager.broken = True
        kit.facts["intake_closed"] = "disk"
        await kit.watch.look()
        [letter] = kit.watch.state.letters
        pauses = []
        for _ in range(4):
            pauses.append((letter.next_at - kit.clock.now()) // MICROSECONDS)
            await kit.later(seconds=pauses[-1])
        assert pauses == [5, 15, 60, 180]
        del kit.facts["intake_closed"]
        await kit.watch.look()
        kit.pager.broken = False
        await kit.later(minutes=20)
        assert types(kit.pager) == ["alert.opened", "alert.recovered"]
        assert kit.pager.sent[0][1]["webhook-id"] == letter.letter_id


async def test_quiet_hours_hold_back_what_may_wait_and_never_a_p1(tmp_path: Path) -> None:
    """A P3 of the night is told when the night is over; a P1 at once."""
    quiet = replace(PAGER, quiet=QuietHours(time(22), time(7)))
    night = TEN + 12 * 3600 * MICROSECONDS
    settings = WatchSettings(receivers={"pager": quiet})
    async with watched(tmp_path, settings, start=night) as kit:
        kit.facts.update(backup_at=1, intake_closed="disk")
        await kit.watch.look()
        assert kit.names() == ["IntakeClosed", "BackupOld"]
        assert [json.loads(one[2])["data"]["priority"] for one in kit.pager.sent] == ["P1"]
        del kit.facts["intake_closed"]
        await kit.later(hours=8)
        assert [json.loads(one[2])["data"]["priority"] for one in kit.pager.sent] == [
            *["P1", "P3", "P1"]
        ]


async def test_those_after_an_escalation_hear_nothing_before(tmp_path: Path) -> None:
    """They hear of the alert when it is time, and then of its end."""
    settings = WatchSettings(
        receivers={"pager": PAGER, "boss": BOSS}, escalations=(Escalation(30, ("boss",)),)
    )
    async with watched(tmp_path, settings) as kit:
        kit.facts["intake_closed"] = "disk"
        await kit.watch.look()
        assert types(kit.pager, "boss") == []
        await kit.later(minutes=31)
        assert types(kit.pager, "boss") == ["alert.escalated"]
        del kit.facts["intake_closed"]
        await kit.watch.look()
        assert types(kit.pager, "boss") == ["alert.escalated", "alert.recovered"]


async def test_dead_letters_are_summed_up_at_the_full_hour_when_something_changed(
    tmp_path: Path,
) -> None:
    """Groups with count, stores and money; the same again is not told again."""
    async with watched(tmp_path) as kit:
        await kit.fail(await kit.accept(3), "dead", "TW-4105")
        await kit.watch.look()
        await kit.watch.mute("SuccessRate", "", kit.clock.now() + 600 * MINUTE, "ann", "known")
        kit.pager.sent.clear()
        await kit.later(minutes=30)
        assert types(kit.pager) == []
        await kit.later(minutes=31)
        assert types(kit.pager) == ["alert.summary"]
        [group] = json.loads(kit.pager.sent[0][2])["data"]["alerts"]
        assert (group["count"], group["stores"], group["money"]) == (3, ["0145"], {"EUR": "37.50"})
        await kit.later(minutes=60)
        assert types(kit.pager) == ["alert.summary"], "nothing changed"
        await kit.fail(await kit.accept(1), "dead", "TW-4105")
        await kit.later(minutes=60)
        assert types(kit.pager) == ["alert.summary", "alert.summary"]


async def test_capacity_is_reported_once_a_day_in_the_morning(tmp_path: Path) -> None:
    """08:00 in the zone of the company, with the date on which the disk is full."""
    night = TEN - 9 * 3600 * MICROSECONDS
    async with watched(tmp_path, start=night) as kit:
        kit.facts.update(disk_free=10**9, disk_total=10**10, journal_bytes=10**9)
        await kit.watch.look()
        await kit.clock.advance(5 * 3600)
        kit.facts["journal_bytes"] = 10**9 + 5 * 10**7
        await kit.later(hours=1)
        assert kit.names() == ["DiskDays"]
        assert types(kit.pager) == ["alert.summary"]
        assert "full in 5 days" in kit.pager.sent[0][2].decode()
        await kit.later(hours=2)
        assert types(kit.pager) == ["alert.summary"]


async def test_a_test_of_the_channels_says_what_each_answered(tmp_path: Path) -> None:
    """A receiver that does not exist is named; one that is broken says so."""
    async with watched(tmp_path) as kit:
        assert await kit.watch.test([], "ann") == {"pager": ""}
        kit.pager.broken = True
        assert await kit.watch.test(["pager"], "ann") == {"pager": "it answered 503"}
        with pytest.raises(ConfigurationError) as refused:
            await kit.watch.test(["pagr"], "ann")
        assert refused.value.code == "TW-7105"
        assert "pager" in refused.value.advice
    with pytest.raises(ConfigurationError) as refused:
        async with watched(tmp_path, WatchSettings()) as kit:
            await kit.watch.test([], "ann")
    assert refused.value.code == "TW-7105"


async def test_a_webhook_carries_a_signature_for_each_live_secret(tmp_path: Path) -> None:
    """Old and new secret both stand, a third does not: the rotation loses nothing."""
    settings = WatchSettings(receivers={"pager": replace(PAGER, secrets=("old", "new"))})
    rule = SignatureRule(
        *("webhook-signature", "base64", "v1,", "id.timestamp.body"),
        timestamp_header="webhook-timestamp",
        id_header="webhook-id",
    )
    async with watched(tmp_path, settings) as kit:
        await kit.watch.test([], "ann")
        [(_, headers, body)] = kit.pager.sent
        stands = [
            signature_stands(rule, [secret], headers, body, kit.clock.now())
            for secret in ("old", "new", "other")
        ]
        assert stands == [True, True, False]


async def test_a_damaged_spool_is_put_aside(tmp_path: Path) -> None:
    """The hub starts and watches; the file stays for whoever wants to read it."""
    (tmp_path / "journal.db.alerts.json").write_text("{no")
    async with watched(tmp_path) as kit:
        await kit.watch.look()
        assert kit.watch.open_alerts() == []
    assert (tmp_path / "journal.db.alerts.damaged").read_text() == "{no"


async def test_a_rule_can_be_turned_off_raised_and_set(tmp_path: Path) -> None:
    """Off is never seen; threshold and priority of the project stand; a wrong name is refused."""
    choices = {"IntakeClosed": RuleChoice(off=True), "BackupOld": RuleChoice(1.0, "P1")}
    async with watched(tmp_path, WatchSettings(rules=choices)) as kit:
        kit.facts.update(intake_closed="disk", backup_at=kit.clock.now() - 90 * MINUTE)
        await kit.watch.look()
        assert [(one.rule, one.priority) for one in kit.watch.open_alerts()] == [
            ("BackupOld", "P1")
        ]
    with pytest.raises(ConfigurationError) as refused:
        check_names(["BackupOldd"])
    assert refused.value.code == "TW-7101"
    assert refused.value.where == {"at": "alerts/rules.toml"}
    assert "BackupOld" in refused.value.advice


async def test_a_fault_of_the_journal_is_told_without_the_journal(tmp_path: Path) -> None:
    """The letter goes out, and what cannot go waits in the spool for the next start."""
    from tillway.errors import JournalFault

    clock, pager = ManualClock(TEN), Pager()
    async with watched(tmp_path, clock=clock, pager=pager) as kit:
        pager.broken = True
        await kit.watch.tell_fault(JournalFault("TW-5001", "the journal could not write"))
    pager.broken = False
    async with watched(tmp_path, clock=clock, pager=pager) as kit:
        await kit.later(minutes=1)
        assert types(pager) == ["alert.opened", "alert.recovered"]


def test_every_rule_says_what_to_do() -> None:
    """Nothing is left empty, and runbooks are one page each."""
    assert len({rule.runbook for rule in RULES.values()}) == len(RULES)
    for rule in RULES.values():
        assert rule.fires
        assert rule.likely
        assert rule.advice
        assert rule.screen.startswith("/")

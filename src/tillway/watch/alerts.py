"""The book of alerts: one entry per cause, told when it changes state, and never per message.

Pure: what was sighted and the moment go in, what somebody must be told comes out. The count inside
an open alert is kept current without telling anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from tillway.clock import MICROSECONDS
from tillway.project.alert_records import Escalation, Priority
from tillway.watch.rules import REPEAT_SECONDS, RULES, RuleBook
from tillway.watch.scene import Sighting

Kind = Literal["opened", "raised", "repeated", "escalated", "recovered", "summary", "test"]
NAME_DIGITS = 8
KEPT_CLOSED = 200


class Alert(msgspec.Struct, kw_only=True):
    """One cause, from its first sighting to its end. Times are microseconds UTC, 0 for not yet.

    money: currency -> minor units without signs. told: somebody was told that it is open; steps:
    how many escalations were. gone_since: since when nobody sees it any more.
    """

    name: str
    rule: str
    subject: str
    priority: Priority
    headline: str
    state: Literal["open", "closed"] = "open"
    count: int = 0
    stores: tuple[str, ...] = ()
    money: dict[str, int] = {}
    since: int = 0
    first: str = ""
    code: str = ""
    detail: str = ""
    opened_at: int = 0
    changed_at: int = 0
    closed_at: int = 0
    gone_since: int = 0
    told: bool = False
    repeat_at: int = 0
    steps: int = 0
    acked_at: int = 0
    acked_by: str = ""
    acked_because: str = ""


class Mute(msgspec.Struct, frozen=True):
    """A while in which nobody is told of a rule, or of one of its subjects ("" for all)."""

    rule: str
    subject: str
    until: int
    who: str
    reason: str
    at: int

    def covers(self, alert: Alert, now: int) -> bool:
        """Say whether it holds an alert back now."""
        return (
            now < self.until
            and self.rule in ("", alert.rule)
            and self.subject
            in (
                "",
                alert.subject,
            )
        )


class Summary(msgspec.Struct):
    """When a summary was told last, and what stood in it."""

    at: int = 0
    digest: str = ""


class Notice(msgspec.Struct, frozen=True):
    """Something to tell. receivers: only these ("" for everybody who hears its priority)."""

    kind: Kind
    priority: Priority
    alerts: tuple[Alert, ...]
    receivers: tuple[str, ...] = ()


class Book(msgspec.Struct):
    """Everything that must survive a restart about alerts."""

    open: dict[str, Alert] = {}
    closed: list[Alert] = []
    mutes: list[Mute] = []
    summaries: dict[str, Summary] = {}

    def take(
        self,
        rule: str,
        sightings: Iterable[Sighting],
        book: RuleBook,
        now: int,
    ) -> list[Notice]:
        """Compare what a rule sees now with what is open; return what must be told."""
        notices = []
        seen = {name_of(rule, one.subject): one for one in sightings}
        for name, one in seen.items():
            alert = self.open.get(name)
            if alert is None:
                if not one.lingering:
                    self.open[name] = _opened(name, one, book, now)
                continue
            alert.gone_since = 0
            if not one.lingering:
                notices += self._seen_again(alert, one, book, now)
        for alert in [one for one in self.open.values() if one.rule == rule]:
            if alert.name not in seen:
                notices += self._gone(alert, now)
        return notices

    def due(self, escalations: tuple[Escalation, ...], now: int) -> list[Notice]:
        """Return what is due by time: first notices, repeats and escalations."""
        self.mutes = [one for one in self.mutes if now < one.until]
        notices = []
        for alert in self.open.values():
            if RULES[alert.rule].told != "at once" or self.is_muted(alert, now):
                continue
            if not alert.told:
                alert.told = True
                alert.repeat_at = now + round(REPEAT_SECONDS * MICROSECONDS)
                notices.append(Notice("opened", alert.priority, (_copy(alert),)))
            elif alert.priority == "P1" and not alert.acked_at and now >= alert.repeat_at:
                alert.repeat_at = now + round(REPEAT_SECONDS * MICROSECONDS)
                notices.append(Notice("repeated", alert.priority, (_copy(alert),)))
            if alert.priority in ("P1", "P2"):
                notices += self._escalated(alert, escalations, now)
        return notices

    def summary(self, told: str, period: int, now: int) -> list[Notice]:
        """Return the summary of a period (any rising number), once, if there is something new."""
        last = self.summaries.setdefault(told, Summary())
        if period <= last.at:
            return []
        first, last.at = last.at == 0, period
        alerts = [
            one
            for one in self.open.values()
            if RULES[one.rule].told == told and not self.is_muted(one, now)
        ]
        digest, before = _digest(alerts), last.digest
        if first:
            return []
        if not alerts or (told == "hourly" and digest == before):
            last.digest = digest
            return []
        last.digest = digest
        for one in alerts:
            one.told = True
        alerts.sort(key=lambda one: (-one.count, one.name))
        return [Notice("summary", alerts[0].priority, tuple(_copy(one) for one in alerts))]

    def is_muted(self, alert: Alert, now: int) -> bool:
        """Say whether nobody is told of an alert now."""
        return any(one.covers(alert, now) for one in self.mutes)

    def shift(self, microseconds: int) -> None:
        """Move what is due earlier, after the clock was set back by so much."""
        for alert in self.open.values():
            for name in ("opened_at", "gone_since", "repeat_at"):
                if moment := getattr(alert, name):
                    setattr(alert, name, moment - microseconds)

    def _seen_again(self, alert: Alert, one: Sighting, book: RuleBook, now: int) -> list[Notice]:
        priority = book.priority(alert.rule, one.priority)
        raised = priority < alert.priority
        figures = (alert.count, alert.stores, alert.money)
        alert.count, alert.stores, alert.money = one.count, one.stores, dict(one.money)
        alert.headline, alert.first, alert.code = one.headline, one.first, one.code
        alert.detail = one.detail
        alert.since = min(one.since, alert.since) if alert.since and one.since else one.since
        if raised or figures != (alert.count, alert.stores, alert.money):
            alert.changed_at = now
        if not raised:
            return []
        alert.priority = priority
        if not alert.told or self.is_muted(alert, now) or RULES[alert.rule].told != "at once":
            return []
        return [Notice("raised", priority, (_copy(alert),))]

    def _gone(self, alert: Alert, now: int) -> list[Notice]:
        if not alert.gone_since or alert.gone_since > now:
            alert.gone_since = now
        wait = RULES[alert.rule].clear_seconds * MICROSECONDS
        if now - alert.gone_since < wait:
            return []
        del self.open[alert.name]
        alert.state, alert.closed_at = "closed", now
        self.closed = [alert, *self.closed][:KEPT_CLOSED]
        quiet = self.is_muted(alert, now) or RULES[alert.rule].told != "at once"
        if not alert.told or quiet:
            return []
        return [Notice("recovered", alert.priority, (_copy(alert),))]

    def _escalated(
        self, alert: Alert, escalations: tuple[Escalation, ...], now: int
    ) -> list[Notice]:
        notices = []
        for step, one in enumerate(escalations, 1):
            due = alert.opened_at + round(one.after_minutes * 60 * MICROSECONDS)
            if step > alert.steps and now >= due:
                alert.steps = step
                notices.append(Notice("escalated", alert.priority, (_copy(alert),), one.receivers))
        return notices


def name_of(rule: str, subject: str) -> str:
    """Return the short name of a cause, the same in every process."""
    digest = hashlib.blake2b(f"{rule}\x1f{subject}".encode(), digest_size=NAME_DIGITS // 2)
    return digest.hexdigest()


def _opened(name: str, one: Sighting, book: RuleBook, now: int) -> Alert:
    return Alert(
        name=name,
        rule=one.rule,
        subject=one.subject,
        priority=book.priority(one.rule, one.priority),
        headline=one.headline,
        count=one.count,
        stores=one.stores,
        money=dict(one.money),
        since=one.since or now,
        first=one.first,
        code=one.code,
        detail=one.detail,
        opened_at=now,
        changed_at=now,
    )


def _copy(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert)


def _digest(alerts: Iterable[Alert]) -> str:
    text = "\n".join(sorted(f"{one.name} {one.count}" for one in alerts))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

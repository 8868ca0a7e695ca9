"""The watch over one hub: it looks every few seconds, judges, and tells whoever must know.

`look` does everything of one round and can be called by hand; a test turns the clock and calls it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tillway.clock import MICROSECONDS, Clock
from tillway.connect.http_client import HttpClient
from tillway.errors import ConfigurationError, JournalFault, TillwayError
from tillway.journal.base import Action
from tillway.journal.projection import Change, ProjectingJournal
from tillway.project.records import Release
from tillway.spelling import nearest
from tillway.watch import judge_books, judge_hub, judge_routes, judge_shops
from tillway.watch.alerts import Alert, Mute
from tillway.watch.flows import Recorder
from tillway.watch.growth import note_size
from tillway.watch.log_messages import MessageLog
from tillway.watch.notifier import Notifier
from tillway.watch.readings import readings
from tillway.watch.rules import RULES, RuleBook, check_names
from tillway.watch.scene import HubFacts, Scene, Sighting
from tillway.watch.service_levels import Levels, series, service_levels
from tillway.watch.shops import Shop
from tillway.watch.spool import Spool, State
from tillway.watch.tallies import Tallies
from tillway.watch.tracing import tracer_of
from tillway.watch.windows import Window

LOOK_SECONDS = 10.0
SLOW_SECONDS = 60.0
"""Rules that read more than the last minutes are asked this often."""
HEARTBEAT_SECONDS = 60.0
SET_BACK_SECONDS = 60.0
SCRAPE_SECONDS = 1.0
LONGEST_MUTE_DAYS = 30
QUICK = frozenset({"SuccessRate", "NoProgress", "IntakeClosed", "JournalFault", "AuditChainBroken"})
Judge = Callable[[Scene], Awaitable[list[Sighting]]]
JUDGES: dict[str, Judge] = {
    **judge_hub.JUDGES,
    **judge_routes.JUDGES,
    **judge_shops.JUDGES,
    **judge_books.JUDGES,
}
_log = logging.getLogger(__name__)


class Watch:
    """Everything about one hub that watches it. facts: asked at each look."""

    def __init__(
        self,
        release: Release,
        journal: ProjectingJournal,
        clock: Clock,
        spool: Spool,
        facts: Callable[[], HubFacts],
        new_id: Callable[[], str],
        client: HttpClient | None = None,
    ) -> None:
        self.release = release
        self.journal = journal
        self.recorder = Recorder(release, journal, clock)
        self.rules = RuleBook(release.watch.rules)
        self.spool = spool
        self.state: State = spool.load()
        self.notifier = Notifier(release, self.state, new_id, client)
        self.facts = HubFacts()
        self._ask_facts = facts
        self._clock = clock
        self.tallies = Tallies(clock)
        self.log = MessageLog(release, journal) if release.hub.log == "json" else None
        self.tracer = tracer_of(release, journal, clock, self.tallies.spans)
        self._cancel: Callable[[], None] | None = None
        self._metrics: tuple[float, bytes] = (0.0, b"")
        self._opened = False
        self._slow_at = 0
        self._beat_at = -HEARTBEAT_SECONDS
        self._last: tuple[int, float] | None = None
        self._set_back: tuple[int, float] = (0, 0.0)
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Create the tables, and begin to read from here on."""
        if not self._opened:
            await self.recorder.open()
            self._cancel = self.journal.subscribe(self.tallies.heard)
            if self.log is not None:
                await self.log.open()
            if self.tracer is not None:
                await self.tracer.open()
            self._opened = True

    async def run(self) -> None:
        """Look until cancelled; a round that fails is tried again with the next."""
        while True:
            try:
                await self.look(everything=False)
            except JournalFault as fault:
                await self.tell_fault(fault)
                return
            except (TillwayError, OSError) as error:
                _log.warning("a look at the hub failed and is tried again: %s", error)
            await self._clock.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Keep what is known, and let go of connections."""
        if self._cancel is not None:
            self._cancel()
        self.spool.save(self.state)
        if self.log is not None:
            with contextlib.suppress(TillwayError):
                await self.log.look()
        if self.tracer is not None:
            await self.tracer.close()
        await self.notifier.close()

    async def look(self, *, everything: bool = True) -> None:
        """Read what is new, ask every rule that is due, and send what must be told."""
        async with self._one_at_a_time:
            await self.open()
            now = self._clock.now()
            self._mind_the_clock(now)
            await self.recorder.look()
            if self.log is not None:
                await self.log.look()
            self._learn_facts()
            change = await note_size(self.journal, now, self.facts)
            if change.statements:
                await self.journal.project(change)
            await self._judge(now, everything=everything)
            self._summaries(now)
            self.notifier.post(self.state.book.due(self.release.watch.escalations, now), now)
            await self._send(now)

    async def tell_fault(self, fault: JournalFault) -> None:
        """Say that the journal failed, with the little time that is left, or at the next start."""
        now = self._clock.now()
        seen = [Sighting("JournalFault", "hub", f"the journal failed: {fault}", detail=str(fault))]
        self._take("JournalFault", seen, now)
        self.notifier.post(self.state.book.due(self.release.watch.escalations, now), now)
        await self._send(now)

    @property
    def now(self) -> int:
        """Return the wall time of the hub, microseconds UTC."""
        return self._clock.now()

    def open_alerts(self) -> list[Alert]:
        """Return what is open: the most urgent first, then the oldest."""
        found = self.state.book.open.values()
        return sorted(found, key=lambda one: (one.priority, one.opened_at, one.name))

    async def service_levels(self, period: str) -> Levels:
        """Return what was promised and kept in a period. Raises ConfigurationError TW-7106."""
        book = self.state.book
        alerts = [*book.open.values(), *book.closed]
        return await service_levels(self.journal, self.release, period, self.now, alerts)

    async def series(self, flow: str, period: str) -> list[Window]:
        """Return the windows of one flow, or of all (""). Raises ConfigurationError TW-7106."""
        return await series(self.journal, flow, period, self.now)

    async def metrics(self) -> bytes:
        """Return a scrape as Prometheus text, at most a moment old."""
        async with self._one_at_a_time:
            await self.open()
            at, text = self._metrics
            if not text or self._clock.monotonic() - at >= SCRAPE_SECONDS:
                self._learn_facts()
                from tillway.watch.exposition import prometheus_text

                text = prometheus_text(await readings(self))
                self._metrics = (self._clock.monotonic(), text)
            return text

    def known_shops(self) -> Iterable[Shop]:
        """Return every shop that ever sent something."""
        return self.recorder.shops.known.values()

    def held_lanes(self) -> dict[str, int]:
        """Return route -> lanes that are held."""
        return dict(self.facts.held_lanes)

    async def acknowledge(self, name: str, who: str, reason: str) -> Alert:
        """Note that somebody looks after an alert: it is not repeated any more.

        Raises ConfigurationError TW-7102, and TW-7007 without a reason.
        """
        alert = self._named(name)
        _need_reason(reason)
        now = self._clock.now()
        alert.acked_at, alert.acked_by, alert.acked_because = now, who, reason
        await self._note(Action(now, who, "alert.ack", f"{alert.rule} {alert.subject}", reason))
        return alert

    async def mute(self, rule: str, subject: str, until: int, who: str, reason: str) -> Mute:
        """Hold notices of a rule, or of one of its subjects, back until a moment.

        Raises ConfigurationError TW-7101 for an unknown rule, TW-7103 for a wrong end, TW-7007.
        """
        if rule:
            check_names([rule], asked="rule")
        _need_reason(reason)
        now = self._clock.now()
        if not now < until <= now + LONGEST_MUTE_DAYS * 86400 * MICROSECONDS:
            raise ConfigurationError("TW-7103", "a mute ends in the future", path="until")
        muted = Mute(rule, subject, until, who, reason, now)
        self.state.book.mutes.append(muted)
        await self._note(Action(now, who, "alert.mute", f"{rule} {subject}".strip(), reason))
        return muted

    async def test(self, names: Iterable[str], who: str) -> dict[str, str]:
        """Send a marked message through every channel; return receiver -> "" or why not."""
        now = self._clock.now()
        found = await self.notifier.test(list(names), now)
        await self._note(Action(now, who, "alert.test", " ".join(found), "test of the channels"))
        return found

    async def _judge(self, now: int, *, everything: bool) -> None:
        slow = everything or abs(now - self._slow_at) >= SLOW_SECONDS * MICROSECONDS
        if slow:
            self._slow_at = now
        carried = {name: route.messages for name, route in self.release.routes.items()}
        scene = Scene(
            now=now,
            release=self.release,
            book=self.rules,
            journal=self.journal,
            recorder=self.recorder,
            facts=self.facts,
            standings=tuple(await self.journal.standing(carried)),
            set_back_seconds=self._set_back_seconds(now),
        )
        for name, judge in JUDGES.items():
            if not self.rules.is_on(name):
                self._take(name, [], now)
            elif slow or name in QUICK:
                self._take(name, await judge(scene), now)

    def _take(self, rule: str, sightings: list[Sighting], now: int) -> None:
        self.notifier.post(self.state.book.take(rule, sightings, self.rules, now), now)

    def _summaries(self, now: int) -> None:
        local = datetime.fromtimestamp(now / MICROSECONDS, ZoneInfo(self.release.hub.time_zone))
        day = local.date().toordinal() - (local.time() < self.release.watch.report_at)
        book = self.state.book
        self.notifier.post(book.summary("hourly", now // (3600 * MICROSECONDS), now), now)
        self.notifier.post(book.summary("daily", day, now), now)

    async def _send(self, now: int) -> None:
        """Keep what must be told before it is told, and again what was."""

        async def keep() -> None:
            await asyncio.to_thread(self.spool.save, self.state)

        await keep()
        await self.notifier.deliver(now, keep)
        if self._clock.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
            self._beat_at = self._clock.monotonic()
            await self.notifier.beat()

    def _learn_facts(self) -> None:
        self.facts = self._ask_facts()
        self.tallies.timed(self.facts.timings)

    def _mind_the_clock(self, now: int) -> None:
        """Notice a clock that was set back, and move what is due with it."""
        elapsed = self._clock.monotonic()
        if self._last is not None:
            back = (elapsed - self._last[1]) - (now - self._last[0]) / MICROSECONDS
            if back > SET_BACK_SECONDS:
                self._set_back = (now, back)
                self.state.book.shift(round(back * MICROSECONDS))
        self._last = (now, elapsed)

    def _set_back_seconds(self, now: int) -> float:
        at, seconds = self._set_back
        return seconds if 0 <= now - at < 3600 * MICROSECONDS else 0.0

    def _named(self, name: str) -> Alert:
        known = self.state.book.open
        matching = [one for key, one in known.items() if name and key.startswith(name)]
        if len(matching) == 1:
            return matching[0]
        advice = f"{nearest(name, known)}`tillway alerts list` shows what is open."
        raise ConfigurationError("TW-7102", f'no open alert "{name}"', value=name, advice=advice)

    async def _note(self, action: Action) -> None:
        await self.journal.project(Change(actions=[action]))
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.spool.save, self.state)


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise ConfigurationError(
            "TW-7007", "this goes to the audit log and needs a reason", path="reason"
        )


def rule_as_json(name: str, rules: RuleBook) -> dict[str, Any]:
    """Return one rule as a project has it."""
    rule = RULES[name]
    return {
        "rule": name,
        "priority": rules.priority(name),
        "fires": rule.fires,
        "threshold": rules.threshold(name),
        "unit": rule.unit,
        "over": rule.over,
        "on": rules.is_on(name),
    }

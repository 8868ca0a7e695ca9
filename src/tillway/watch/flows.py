"""The recorder: windows of what every route delivered and every source sent, read from the ledger.

Surprising: it adds nothing to the path of a message. It reads what was settled since it looked
last, by position and by the number of an attempt, and commits the sums together with how far it
read. So a restart counts nothing twice, and a clock set back only files a delivery elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import msgspec

from tillway.clock import MICROSECONDS, Clock
from tillway.journal.projection import Change, ProjectingJournal
from tillway.project.records import Release
from tillway.watch.buckets import STEPS, step_of
from tillway.watch.shops import Arrived, Shops
from tillway.watch.tables import of_journal, read, tables, write

MINUTE, FIVE_MINUTES, HOUR = 60, 300, 3600
SPANS = (MINUTE, FIVE_MINUTES, HOUR)
TOTAL = 0
"""The span of what is counted since the watch began, for counters that never go back."""
KEPT_SECONDS = {MINUTE: 3 * 3600, FIVE_MINUTES: 9 * 86400, HOUR: 400 * 86400}
PAGE_POSITIONS = 5_000
PAGE_ATTEMPTS = 2_000
PRUNE_SECONDS = 3600.0
AWAY_SECONDS = 120
"""A hub that was not seen for so long was not up."""
SEEN_SECONDS = 60
BEFORE_SECONDS = 300
"""How far back the rules look at single attempts."""


class _Window(msgspec.Struct):
    """What is added to one window."""

    ok: int = 0
    failed: int = 0
    dead: int = 0
    last_ok: int = 0
    steps: list[int] = msgspec.field(default_factory=lambda: [0] * STEPS)


class _Sums:
    """What one look adds to the windows, by span, flow and start."""

    def __init__(self) -> None:
        self.windows: defaultdict[tuple[int, str, int], _Window] = defaultdict(_Window)
        self.money: defaultdict[tuple[int, str, int, str], int] = defaultdict(int)

    def at(self, flow: str, moment: int) -> list[_Window]:
        """Return the windows of a moment (microseconds), one of each span, and the total."""
        found = [self.windows[span, flow, start_of(moment, span)] for span in SPANS]
        return [*found, self.windows[TOTAL, flow, 0]]

    def pay(self, flow: str, moment: int, currency: str, amount_minor: int) -> None:
        """Add money to the longer windows of a moment."""
        if currency and amount_minor:
            for span in (FIVE_MINUTES, HOUR):
                self.money[span, flow, start_of(moment, span), currency] += amount_minor

    def write(self, change: Change) -> None:
        """Add everything to a change."""
        change.run(
            write("flow"),
            *(
                (*place, one.ok, one.failed, one.dead, one.last_ok, *one.steps)
                for place, one in self.windows.items()
            ),
        )
        change.run(write("money"), *((*place, minor) for place, minor in self.money.items()))


class Recorder:
    """Keeps the windows of one journal; `look` reads what is new."""

    def __init__(self, release: Release, journal: ProjectingJournal, clock: Clock) -> None:
        self.shops = Shops(release.stores, release.hub.time_zone)
        self._journal = journal
        self._clock = clock
        self._marks: dict[str, int] = {}
        self._pruned = -PRUNE_SECONDS
        self._lately: list[tuple[int, int]] = []

    async def open(self) -> None:
        """Create the tables; a journal that is watched for the first time is read from now on."""
        await self._journal.open_tables(tables())
        self._marks = dict(await self._journal.ask(read("marks")))
        await self.shops.open(self._journal)
        change = Change()
        now = self._clock.now()
        if "message" not in self._marks:
            [(position, attempt, invalid)] = await self._journal.ask(of_journal("newest"))
            marks = {"message": position, "attempt": attempt, "invalid": invalid, "since": now}
            for name, _, _, cursor in await self._journal.ask(of_journal("routes")):
                marks[f"route/{name}"] = cursor
            self._put(change, **marks)
        elif now - self._marks.get("seen", now) > AWAY_SECONDS * MICROSECONDS:
            change.run(write("outage"), (self._marks["seen"], now))
        self._put(change, seen=now)
        await self._journal.project(change)

    @property
    def since(self) -> int:
        """Return since when this journal is watched, microseconds UTC."""
        return self._marks.get("since", 0)

    @property
    def low_attempt(self) -> int:
        """Return a number that no attempt of the last minutes is below."""
        return self._marks.get("low_attempt", 0)

    async def look(self) -> None:
        """Read everything that was settled or accepted since the last look."""
        for name, route_id, start, cursor in await self._journal.ask(of_journal("routes")):
            await self._read_route(name, route_id, start, cursor)
        while await self._read_attempts():
            pass
        while await self._read_messages():
            pass
        await self._keep_time()

    async def _read_route(self, name: str, route_id: int, start: int, cursor: int) -> None:
        mark, flow = f"route/{name}", f"route/{name}"
        after = self._marks.get(mark, start)
        while after < cursor:
            upto = min(cursor, after + PAGE_POSITIONS)
            rows = await self._journal.ask(of_journal("settled"), (route_id, after, upto, name))
            sums = _Sums()
            for minute, delivered, step, took, currency, count, minor, last in rows:
                calls = sums.windows[TOTAL, f"calls/{name}", 0]
                calls.steps[took] += count
                calls.ok += count
                moment = minute * MINUTE * MICROSECONDS
                for window in sums.at(flow, moment):
                    if delivered:
                        window.ok += count
                        window.steps[step] += count
                        window.last_ok = max(window.last_ok, last)
                    else:
                        window.failed += count
                        window.dead += count
                once = sums.windows[MINUTE, f"once/{name}", moment]
                once.ok += count if delivered else 0
                once.failed += 0 if delivered else count
                once.last_ok = max(once.last_ok, last if delivered else 0)
                if delivered:
                    sums.pay(flow, moment, currency, minor)
            await self._commit(sums, Change(), **{mark: upto})
            after = upto
            await asyncio.sleep(0)

    async def _read_attempts(self) -> bool:
        after = self._marks["attempt"]
        rows = await self._journal.ask(of_journal("attempts"), (after, PAGE_ATTEMPTS))
        if not rows:
            return False
        sums = _Sums()
        newest = {(row[1], row[2]): row[0] for row in rows}
        told = {row[0]: (row[3], row[4]) for row in rows}
        for row in rows:
            before = await self._before(row[9], told)
            _add_attempt(sums, row, before, is_newest=newest[row[1], row[2]] == row[0])
            if row[4] == "delivered" and row[10] == "operator" and before[0]:
                await self._add_solved(sums, row)
        await self._commit(sums, Change(), attempt=rows[-1][0])
        return len(rows) == PAGE_ATTEMPTS

    async def _add_solved(self, sums: _Sums, row: tuple[Any, ...]) -> None:
        """Count how long it took a person to bring a message through that had failed."""
        _, route, position, ended, *_ = row
        rows = await self._journal.ask(of_journal("first_failure"), (position, route))
        if rows and rows[0][0]:
            waited = max(0, ended - rows[0][0]) / MICROSECONDS
            for window in sums.at(f"solved/{route}", ended):
                window.ok += 1
                window.steps[step_of(waited)] += 1

    async def _before(self, number: int, told: dict[int, tuple[int, str]]) -> tuple[int, str]:
        """Return when the attempt before this one ended, and how; (0, "") when there is none."""
        if not number:
            return 0, ""
        if number not in told:
            rows = await self._journal.ask(of_journal("attempt"), (number,))
            told[number] = rows[0] if rows else (0, "")
        return told[number]

    async def _read_messages(self) -> bool:
        after = self._marks["message"]
        newest = int((await self._journal.ask(of_journal("newest")))[0][0])
        if newest <= after:
            return False
        upto = min(newest, after + PAGE_POSITIONS)
        sums, change = _Sums(), Change()
        arrived = []
        for row in await self._journal.ask(of_journal("arrived"), (after, upto)):
            system, store, minute, count, last, first, gap, closed, position = row
            arrived.append(
                Arrived(system, store, minute, count, last, first, gap, closed=closed == position)
            )
            for window in sums.at(f"source/{system}", minute * MINUTE * MICROSECONDS):
                window.ok += count
                window.last_ok = max(window.last_ok, last)
        for system, minute, currency, minor in await self._journal.ask(
            of_journal("arrived_money"), (after, upto)
        ):
            sums.pay(f"source/{system}", minute * MINUTE * MICROSECONDS, currency, minor)
        self.shops.take(arrived, change)
        await self._commit(sums, change, message=upto)
        return upto < newest

    async def _keep_time(self) -> None:
        """Note that the hub is up, and how far back single attempts have to be looked at."""
        now = self._clock.now()
        self._lately = [one for one in self._lately if one[0] <= now]
        self._lately.append((now, self._marks["attempt"]))
        horizon = now - (BEFORE_SECONDS + MINUTE) * MICROSECONDS
        while len(self._lately) > 1 and self._lately[1][0] <= horizon:
            self._lately.pop(0)
        low = self._lately[0][1] if self._lately[0][0] <= horizon else self.low_attempt
        seen = self._marks.get("seen", 0)
        change = Change()
        if abs(now - seen) >= SEEN_SECONDS * MICROSECONDS or low != self.low_attempt:
            self._put(change, seen=now, low_attempt=low)
        if self._clock.monotonic() - self._pruned >= PRUNE_SECONDS:
            self._pruned = self._clock.monotonic()
            self._prune(change, now)
        if change.statements:
            await self._journal.project(change)

    def _prune(self, change: Change, now: int) -> None:
        for span, seconds in KEPT_SECONDS.items():
            before = start_of(now - seconds * MICROSECONDS, span)
            change.run(write("prune_flow"), (span, before))
            change.run(write("prune_money"), (span, before))
        change.run(write("prune_outages"), (now - KEPT_SECONDS[HOUR] * MICROSECONDS,))

    async def _commit(self, sums: _Sums, change: Change, **marks: int) -> None:
        sums.write(change)
        self._put(change, **marks)
        await self._journal.project(change)

    def _put(self, change: Change, **marks: int) -> None:
        change.run(write("mark"), *marks.items())
        self._marks.update(marks)


def start_of(moment: int, span: int) -> int:
    """Return when the window of a moment began; both in microseconds, span in seconds."""
    return moment - moment % (span * MICROSECONDS)


def _add_attempt(
    sums: _Sums, row: tuple[Any, ...], before: tuple[int, str], *, is_newest: bool
) -> None:
    """Count one attempt; only the latest of a delivery counts within a window."""
    _, route, _, ended, outcome, received, currency, minor, state, _, _, code, took = row
    flow = f"route/{route}"
    before_at, before_outcome = before
    delivered = outcome == "delivered"
    for span in SPANS:
        window = sums.windows[span, flow, start_of(ended, span)]
        if delivered:
            window.ok += 1
            window.steps[step_of(max(0, ended - received) / MICROSECONDS)] += 1
            window.last_ok = max(window.last_ok, ended)
        else:
            window.failed += 1
            window.dead += is_newest and state == "dead"
        if before_at and start_of(before_at, span) == start_of(ended, span):
            if before_outcome == "delivered":
                window.ok -= 1
            else:
                window.failed -= 1
    total = sums.windows[TOTAL, flow, 0]
    calls = sums.windows[TOTAL, f"calls/{route}", 0]
    calls.ok += 1
    calls.steps[step_of(took / MICROSECONDS)] += 1
    if delivered:
        total.ok += 1
        total.steps[step_of(max(0, ended - received) / MICROSECONDS)] += 1
        sums.pay(flow, ended, currency, minor)
        return
    total.failed += 1
    total.dead += is_newest and state == "dead"
    sums.windows[TOTAL, f"cause/{route}/{code}", 0].ok += 1

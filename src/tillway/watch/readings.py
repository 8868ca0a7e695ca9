"""Reads the figures behind every metric, at one moment and from what is kept anyway.

The names come from `metrics`; a sample under any other name is a mistake that a test finds.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import apsw
import msgspec

from tillway import __version__
from tillway.clock import MICROSECONDS
from tillway.journal.projection import ProjectingJournal
from tillway.journal.queries import RouteStanding
from tillway.observe.amounts import amount_of
from tillway.project.alert_records import PRIORITIES
from tillway.project.records import Release
from tillway.reconcile import (
    by_rule,
    findings,
    furthest_off,
    is_kept,
    last_days,
    local_date,
    store_days,
    till_clocks,
)
from tillway.watch.alerts import Alert
from tillway.watch.buckets import BOUNDS_SECONDS
from tillway.watch.flows import TOTAL
from tillway.watch.growth import days_left
from tillway.watch.scene import HubFacts
from tillway.watch.shops import Shop
from tillway.watch.tallies import Tallies
from tillway.watch.windows import Window, sums

CIRCUITS = {"closed": 0, "half_open": 1, "open": 2}
SETTLED = ("delivered", "abandoned")
MATRIX_DAYS = 14


class Sample(msgspec.Struct, frozen=True):
    """One figure: a number, or cumulative counts by upper bound with their sum."""

    name: str
    labels: tuple[str, ...]
    value: float = 0.0
    buckets: tuple[tuple[str, float], ...] = ()


class Watched(Protocol):
    """What the readings need of a watch."""

    release: Release
    journal: ProjectingJournal
    facts: HubFacts
    tallies: Tallies

    @property
    def now(self) -> int:
        """Return the wall time of the hub."""
        ...

    def open_alerts(self) -> list[Alert]:
        """Return what is open."""
        ...

    def known_shops(self) -> Iterable[Shop]:
        """Return every shop that ever sent something."""
        ...

    def held_lanes(self) -> dict[str, int]:
        """Return route -> lanes that are held."""
        ...


async def readings(watch: Watched) -> list[Sample]:
    """Return every sample there is now."""
    carried = {name: route.messages for name, route in watch.release.routes.items()}
    standings = await watch.journal.standing(carried)
    found = [
        *await _received(watch.journal),
        *_books(standings, watch.now),
        *await _flows(watch),
        *await _circuits(watch),
        *_shops(watch, standings),
        *await _recon(watch),
        *_commits(watch.tallies),
        *(
            Sample("tillway_trace_spans_total", (name,), watch.tallies.spans[name])
            for name in ("exported", "dropped")
        ),
        *await _hub(watch),
    ]
    counted = Counter(one.priority for one in watch.open_alerts())
    found += [Sample("tillway_alerts_open", (name,), counted[name]) for name in PRIORITIES]
    python = ".".join(str(part) for part in sys.version_info[:3])
    build = (__version__, python, apsw.sqlite_lib_version())
    return [*found, Sample("tillway_build_info", build, 1)]


async def _received(journal: ProjectingJournal) -> Iterable[Sample]:
    counts: Counter[tuple[str, str]] = Counter()
    for total in await journal.outcome_totals():
        counts[total.message_type, total.group] += total.count
    found = [Sample("tillway_messages_received_total", key, count) for key, count in counts.items()]
    broken: Counter[str] = Counter()
    for (contract, outcome), count in counts.items():
        if outcome == "quarantined":
            broken[contract] += count
    violations = "tillway_contract_violations_total"
    return found + [Sample(violations, (name,), count) for name, count in broken.items()]


def _books(standings: Sequence[RouteStanding], now: int) -> Iterator[Sample]:
    for one in standings:
        settled: Counter[str] = Counter()
        for total in one.settled:
            settled[total.group] += total.count
        for outcome in SETTLED:
            labels = (one.route, outcome)
            yield Sample("tillway_messages_settled_total", labels, settled[outcome])
        passed = sum(total.count for total in one.filtered)
        yield Sample("tillway_messages_settled_total", (one.route, "filtered"), passed)
        if one.former:
            continue
        counts: Counter[str] = Counter()
        money: Counter[tuple[str, str]] = Counter()
        for cell in one.waiting:
            counts[cell.state] += cell.count
            if cell.currency:
                money[cell.state, cell.currency] += cell.amount_minor
        for state in ("pending", "held", "in_doubt", "dead"):
            yield Sample("tillway_messages_waiting", (one.route, state), counts[state])
        for (state, currency), minor in money.items():
            amount = float(amount_of(minor, currency))
            yield Sample("tillway_waiting_amount", (one.route, state, currency), amount)
        oldest = min((cell.oldest_at for cell in one.waiting if cell.count), default=now)
        age = max(0, now - oldest) / MICROSECONDS
        yield Sample("tillway_oldest_unsent_seconds", (one.route,), age)


async def _flows(watch: Watched) -> list[Sample]:
    found = []
    attempts: Counter[tuple[str, str]] = Counter()
    causes: Counter[tuple[str, str]] = Counter()
    calls: dict[str, list[int]] = {}
    for flow, total in (await sums(watch.journal, TOTAL, 0, 1)).items():
        kind, _, rest = flow.partition("/")
        route, _, code = rest.partition("/")
        if route not in watch.release.routes:
            continue
        target = watch.release.routes[route].target
        if kind == "route":
            attempts[target, "ok"] += total.ok
            attempts[target, "dead"] += total.dead
            attempts[target, "retry"] += total.failed - total.dead
            found.append(_histogram("tillway_end_to_end_seconds", route, total))
            progress = "tillway_worker_last_progress_timestamp_seconds"
            found.append(Sample(progress, (route,), total.last_ok / MICROSECONDS))
        elif kind == "cause":
            causes[target, code] += total.ok
        elif kind == "calls":
            before = calls.get(target, [0] * len(total.steps))
            calls[target] = [one + more for one, more in zip(before, total.steps, strict=True)]
    for target, steps in calls.items():
        name = "tillway_delivery_duration_seconds"
        found.append(Sample(name, (target,), _sum(steps), _cumulated(steps)))
    for name, counts in (
        ("tillway_delivery_attempts_total", attempts),
        ("tillway_failures_total", causes),
    ):
        found += [Sample(name, labels, count) for labels, count in counts.items()]
    return found


async def _circuits(watch: Watched) -> list[Sample]:
    states = {one.target: one.state for one in await watch.journal.target_states()}
    held = watch.held_lanes()
    return [
        *(
            Sample("tillway_circuit_state", (name,), CIRCUITS[states.get(name, "closed")])
            for name in watch.release.targets
        ),
        *(
            Sample("tillway_lanes_held", (name,), held.get(name, 0))
            for name in watch.release.routes
        ),
    ]


def _shops(watch: Watched, standings: Sequence[RouteStanding]) -> Iterator[Sample]:
    for shop in watch.known_shops():
        if shop.store in watch.release.stores:
            seen = shop.last_at / MICROSECONDS
            yield Sample("tillway_store_last_seen_timestamp_seconds", (shop.store,), seen)
    unsent: Counter[str] = Counter()
    for one in standings:
        for cell in one.waiting:
            unsent[cell.store] += cell.count
    for store, count in unsent.items():
        if store in watch.release.stores:
            yield Sample("tillway_store_unsent_messages", (store,), count)


async def _recon(watch: Watched) -> list[Sample]:
    if watch.release.reconciliation is None or not await is_kept(watch.journal):
        return []
    found = []
    for group in by_rule(await findings(watch.journal)):
        for currency, amount in group.money.items():
            labels = (group.rule, currency)
            found.append(Sample("tillway_recon_difference_amount", labels, float(amount)))
    found += [
        Sample("tillway_store_clock_offset_seconds", (store,), clock.offset_seconds)
        for store, clock in furthest_off(await till_clocks(watch.journal)).items()
        if store in watch.release.stores
    ]
    today = local_date(watch.now, watch.release.hub.time_zone).isoformat()
    first, last = last_days(today, MATRIX_DAYS)
    states = Counter(day.state for day in await store_days(watch.journal, first=first, last=last))
    found += [Sample("tillway_recon_store_days", (name,), n) for name, n in states.items()]
    return found


def _commits(tallies: Tallies) -> Iterator[Sample]:
    for name, one in (
        ("tillway_intake_ack_seconds", tallies.ack),
        ("tillway_journal_commit_seconds", tallies.commit),
        ("tillway_journal_commit_rows", tallies.rows),
    ):
        yield Sample(name, (), one.total, _cumulated(one.counts, one.bounds))


async def _hub(watch: Watched) -> list[Sample]:
    facts = watch.facts
    found = [
        Sample("tillway_journal_bytes", (), facts.journal_bytes),
        Sample("tillway_wal_bytes", (), facts.wal_bytes),
        Sample("tillway_disk_free_bytes", (), facts.disk_free),
    ]
    left = await days_left(watch.journal, watch.now, facts)
    if left is not None:
        found.append(Sample("tillway_disk_days_left", (), left))
    if facts.backup_at:
        backup = "tillway_backup_last_success_timestamp_seconds"
        found.append(Sample(backup, (), facts.backup_at / MICROSECONDS))
    for name, ends in facts.certificates.items():
        expiry = "tillway_certificate_expiry_timestamp_seconds"
        found.append(Sample(expiry, (name,), ends / MICROSECONDS))
    return found


def _histogram(name: str, label: str, total: Window) -> Sample:
    return Sample(name, (label,), _sum(total.steps), _cumulated(total.steps))


def _cumulated(
    counts: Sequence[int], bounds: Sequence[float] = BOUNDS_SECONDS
) -> tuple[tuple[str, float], ...]:
    reached, found = 0, []
    for bound, count in zip((*bounds, None), counts, strict=True):
        reached += count
        found.append(("+Inf" if bound is None else str(bound), float(reached)))
    return tuple(found)


def _sum(steps: Sequence[int]) -> float:
    """Return about how many seconds these counts add up to: the middle of each step."""
    low, total = 0.0, 0.0
    for bound, count in zip((*BOUNDS_SECONDS, BOUNDS_SECONDS[-1]), steps, strict=True):
        total += count * (low + bound) / 2
        low = bound
    return total

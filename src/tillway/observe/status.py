"""One screen: a headline, the stores that need attention, the routes, and what is stuck.

Money that has not reached its target is absolute, so that a return never hides a sale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tillway.clock import utc_text
from tillway.journal.queries import JournalQueries, Total
from tillway.observe.amounts import Money, added, money_of, money_text
from tillway.observe.problems import Problem, problem_as_json, problems
from tillway.observe.routes import (
    FormerRoute,
    RouteLine,
    TargetLine,
    former_route,
    route_line,
    targets_of,
)
from tillway.observe.stores import StoreLine, store_lines
from tillway.observe.thresholds import Thresholds
from tillway.project.records import Release

USUAL = Thresholds()


class Status(msgspec.Struct, frozen=True):
    """Everything the status screen shows. at is RFC 3339 in UTC.

    outcomes: outcome -> count of everything received; money_waiting is absolute;
    quarantined_money is what could be read of the quarantine. former_routes are not in the project
    any more and still have something that waits; it is told beside what waits, not in it.
    """

    at: str
    release: str
    received: int
    outcomes: dict[str, int]
    money_waiting: Money
    quarantined: int
    quarantined_money: Money
    stores: list[StoreLine]
    routes: list[RouteLine]
    targets: list[TargetLine]
    problems: list[Problem] = msgspec.field(default_factory=list)
    former_routes: list[FormerRoute] = msgspec.field(default_factory=list)

    @property
    def headline(self) -> str:
        """Return the one sentence that says how things stand."""
        return _headline(self)

    @property
    def attention(self) -> list[StoreLine]:
        """Return the stores that need a person, most money and messages first."""
        needy = [line for line in self.stores if line.needs_attention]
        return sorted(needy, key=lambda line: (-line.unsent - line.quarantined, line.store))

    @property
    def delivered(self) -> int:
        """Return how many deliveries every route has made."""
        return sum(line.delivered for line in self.routes)

    @property
    def quiet(self) -> bool:
        """Say whether there is nothing for a person to look at."""
        broken = any(line.state != "closed" for line in self.targets)
        return not (self.attention or self.problems or self.former_routes or broken)


async def status(
    queries: JournalQueries,
    *,
    now: int,
    release: Release | None = None,
    thresholds: Thresholds = USUAL,
) -> Status:
    """Read the screen from the journal.

    now is microseconds UTC. Without a release (a project that does not load) stores have no names
    and everything behind a cursor counts as pending.
    """
    targets = targets_by_route(release)
    carried = carried_by_route(release)
    standings = await queries.standing(carried)
    waiting = [cell for one in standings for cell in one.waiting]
    breakers = await queries.target_states()
    open_problems = await problems(queries, targets)
    lines = [
        route_line(
            one,
            targets.get(one.route, ""),
            next((b.state for b in breakers if b.target == targets.get(one.route)), "closed"),
            None if carried is None else carried.get(one.route),
            now=now,
        )
        for one in standings
        if not one.former
    ]
    former = [former_route(one) for one in standings if one.former]
    quarantine = [one for one in open_problems if one.kind == "quarantined"]
    stores = store_lines(
        await queries.stores_seen(),
        waiting,
        _quarantined_by_store(quarantine),
        release.stores if release else {},
        targets,
        now=now,
        thresholds=thresholds,
    )
    outcomes = await queries.outcome_totals()
    return Status(
        at=utc_text(now),
        release=release.digest if release else "",
        received=sum(one.count for one in outcomes),
        outcomes=_counts(outcomes),
        money_waiting=money_of((cell.currency, cell.amount_minor) for cell in waiting),
        quarantined=sum(one.count for one in quarantine),
        quarantined_money=_sum(one.money for one in quarantine),
        stores=stores,
        routes=lines,
        targets=targets_of(targets, breakers),
        problems=open_problems,
        former_routes=[one for one in former if one.waiting],
    )


def status_as_json(found: Status) -> dict[str, Any]:
    """Return the screen as plain values, headline first."""
    return {
        "headline": found.headline,
        "quiet": found.quiet,
        "attention": [line.store for line in found.attention],
        **msgspec.structs.asdict(found),
        "problems": [problem_as_json(problem) for problem in found.problems],
    }


def _headline(found: Status) -> str:
    if not found.received:
        return "Nothing was received yet."
    down = [line.target for line in found.targets if line.state != "closed"]
    parts = []
    if found.attention:
        need = "needs" if len(found.attention) == 1 else "need"
        stores = "store" if len(found.stores) == 1 else "stores"
        parts.append(f"{len(found.attention)} of {len(found.stores)} {stores} {need} attention")
    if down:
        parts.append(f"{', '.join(down)} {'is' if len(down) == 1 else 'are'} not answering")
    waiting = sum(line.waiting for line in found.routes)
    if waiting:
        many = "message has" if waiting == 1 else "messages have"
        money = money_text(found.money_waiting)
        parts.append(f"{waiting:,} {many} not reached the target yet ({money})")
    if found.quarantined:
        parts.append(f"{found.quarantined:,} in quarantine")
    if found.outcomes.get("conflict"):
        parts.append(f"{found.outcomes['conflict']:,} in conflict")
    parts += [
        f"{one.route} is not in the project any more: {one.waiting:,} waiting"
        for one in found.former_routes
    ]
    if not parts:
        messages = "message" if found.delivered == 1 else "messages"
        return f"All is well: {found.delivered:,} {messages} delivered, nothing waits."
    return "; ".join(parts) + "."


def targets_by_route(release: Release | None) -> dict[str, str]:
    """Return route -> target of a release, nothing without one."""
    return {name: route.target for name, route in release.routes.items()} if release else {}


def carried_by_route(release: Release | None) -> Mapping[str, frozenset[str]] | None:
    """Return route -> message types it carries, None without a release."""
    if release is None:
        return None
    return {name: route.messages for name, route in release.routes.items()}


def _quarantined_by_store(quarantine: Iterable[Problem]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for problem in quarantine:
        counts.update(problem.stores_counted)
    return counts


def _counts(totals: Iterable[Total]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for total in totals:
        counts[total.group] += total.count
    return dict(counts)


def _sum(amounts: Iterable[Money]) -> Money:
    total: Money = {}
    for one in amounts:
        total = added(total, one)
    return total

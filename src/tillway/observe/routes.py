"""Where every route and target stands: delivered, waiting, how old, how much, and the breaker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from tillway.clock import utc_text
from tillway.journal.base import TargetState
from tillway.journal.queries import RouteStanding, Total
from tillway.observe.amounts import Money, amount_of, money_of
from tillway.observe.moments import seconds_since

_UNSENT = ("sending", "held", "in_doubt", "dead")


class MoneyLine(msgspec.Struct, frozen=True):
    """Signed money of one message type and currency; currency is "" for types without money."""

    message_type: str
    currency: str
    due: int
    delivered: int
    amount_due: Decimal
    amount_delivered: Decimal

    @property
    def settled(self) -> bool:
        """Say whether everything due was delivered, in count and in money."""
        return self.due == self.delivered and self.amount_due == self.amount_delivered


class RouteLine(msgspec.Struct, frozen=True):
    """One route. due is what it has to deliver: accepted less what it filters out.

    money holds a line per message type and currency; money_waiting is absolute (what is stuck).
    """

    route: str
    target: str
    breaker: str
    cursor: int
    due: int
    delivered: int
    filtered: int
    pending: int
    held: int
    in_doubt: int
    dead: int
    abandoned: int
    oldest_seconds: int
    money: list[MoneyLine] = msgspec.field(default_factory=list)
    money_waiting: Money = msgspec.field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Return how many messages have not reached the target."""
        return self.pending + self.held + self.in_doubt + self.dead


class TargetLine(msgspec.Struct, frozen=True):
    """The breaker of one target; since and next_probe_at are RFC 3339 in UTC or ""."""

    target: str
    state: str
    since: str
    failures: int
    next_probe_at: str
    code: str
    detail: str


class FormerRoute(msgspec.Struct, frozen=True):
    """A route that is not in the project any more. waiting: rows that never reached its target."""

    route: str
    waiting: int


def route_line(
    standing: RouteStanding,
    target: str,
    breaker: str,
    carried: frozenset[str] | None,
    *,
    now: int,
) -> RouteLine:
    """Return the line of one route."""
    cells = standing.waiting
    counts = _by_state(standing)
    pending = [one for one in standing.pending if carried is None or one.message_type in carried]
    delivered = [one for one in standing.settled if one.group == "delivered"]
    due = [*standing.settled, *pending]
    passed = _count(standing.filtered) + _count(standing.pending) - _count(pending)
    return RouteLine(
        route=standing.route,
        target=target,
        breaker=breaker,
        cursor=standing.cursor,
        due=_count(due),
        delivered=counts["delivered"],
        filtered=passed,
        pending=_count(pending) + counts["sending"],
        held=counts["held"],
        in_doubt=counts["in_doubt"],
        dead=counts["dead"],
        abandoned=counts["abandoned"],
        oldest_seconds=max((seconds_since(cell.oldest_at, now) for cell in cells), default=0),
        money=_money_lines(due, delivered),
        money_waiting=money_of((cell.currency, cell.amount_minor) for cell in cells),
    )


def former_route(standing: RouteStanding) -> FormerRoute:
    """Return what is left of a route that is not in the project any more."""
    counts = _by_state(standing)
    return FormerRoute(standing.route, sum(counts[state] for state in _UNSENT))


def _by_state(standing: RouteStanding) -> defaultdict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for total in standing.settled:
        counts[total.group] += total.count
    return counts


def target_line(state: TargetState) -> TargetLine:
    """Return a breaker as people read it."""
    return TargetLine(
        target=state.target,
        state=state.state,
        since=utc_text(state.since) if state.since else "",
        failures=state.failures,
        next_probe_at=utc_text(state.next_probe_at) if state.next_probe_at else "",
        code=state.code,
        detail=state.detail,
    )


def targets_of(routes: Mapping[str, str], states: Iterable[TargetState]) -> list[TargetLine]:
    """Return every target of the project; one that never failed has a closed breaker."""
    lines = {state.target: target_line(state) for state in states}
    for name in routes.values():
        lines.setdefault(name, TargetLine(name, "closed", "", 0, "", "", ""))
    return [lines[name] for name in sorted(lines)]


def _count(totals: Iterable[Total]) -> int:
    return sum(total.count for total in totals)


def _money_lines(due: Iterable[Total], delivered: Iterable[Total]) -> list[MoneyLine]:
    sums: dict[tuple[str, str], list[int]] = {}
    for place, totals in ((0, due), (2, delivered)):
        for total in totals:
            cell = sums.setdefault((total.message_type, total.currency), [0, 0, 0, 0])
            cell[place] += total.count
            cell[place + 1] += total.amount_minor
    return [
        MoneyLine(
            message_type=message_type,
            currency=currency,
            due=cell[0],
            delivered=cell[2],
            amount_due=amount_of(cell[1], currency),
            amount_delivered=amount_of(cell[3], currency),
        )
        for (message_type, currency), cell in sorted(sums.items())
    ]

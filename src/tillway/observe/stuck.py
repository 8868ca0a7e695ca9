"""The money that is stuck: each open problem with its age, and the sums by age and by target.

What waits behind a held message is counted with its problem, its money is not: it is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tillway.observe.amounts import Money, added
from tillway.observe.moments import parse_moment, seconds_since
from tillway.observe.problems import Problem

AGES = ((3600, "under 1 h"), (24 * 3600, "under 1 day"), (3 * 24 * 3600, "under 3 days"))
OLDEST = "3 days or more"


class StuckProblem(msgspec.Struct, frozen=True):
    """One problem as finance looks at it; age_seconds since its oldest message, money absolute."""

    target: str
    kind: str
    group: str
    code: str
    age: str
    age_seconds: int
    count: int
    behind: int
    unknown: int
    money: Money
    cause: str = ""
    stores: int = 0


class StuckMoney(msgspec.Struct, frozen=True):
    """Every open problem, oldest first, with the sums by age, by target and over all."""

    problems: list[StuckProblem]
    by_age: dict[str, Money]
    by_target: dict[str, Money]
    total: Money

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        stuck = [msgspec.structs.asdict(one) for one in self.problems]
        sums = {"by_age": self.by_age, "by_target": self.by_target, "total": self.total}
        return {"stuck": stuck, **sums}


def stuck_money(problems: Sequence[Problem], now: int) -> StuckMoney:
    """Return the stuck money of these problems; now is microseconds UTC."""
    stuck = sorted(
        (_stuck(one, now) for one in problems), key=lambda one: (-one.age_seconds, one.group)
    )
    total: Money = {}
    by_age: dict[str, Money] = {}
    by_target: dict[str, Money] = {}
    for one in stuck:
        total = added(total, one.money)
        by_age[one.age] = added(by_age.get(one.age, {}), one.money)
        by_target[one.target] = added(by_target.get(one.target, {}), one.money)
    return StuckMoney(stuck, by_age, by_target, total)


def _stuck(problem: Problem, now: int) -> StuckProblem:
    began = parse_moment(problem.first_at, now=now) if problem.first_at else now
    seconds = max(0, seconds_since(began, now))
    return StuckProblem(
        target=problem.target or problem.stage,
        kind=problem.kind,
        group=problem.group,
        code=problem.code,
        age=next((name for limit, name in AGES if seconds < limit), OLDEST),
        age_seconds=seconds,
        count=problem.count,
        behind=problem.behind,
        unknown=problem.unknown,
        money=problem.money,
        cause=problem.title or problem.text,
        stores=len(problem.stores_counted),
    )

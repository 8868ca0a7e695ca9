"""`tillway dlq list --money`: the amounts that are stuck, by target and age, oldest first.

What waits behind a held message is counted with its problem, its money is not: it is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from tillway.cli.output import money_text, table
from tillway.observe import Problem
from tillway.observe.amounts import Money, added
from tillway.observe.moments import age_text, parse_moment, seconds_since

AGES = ((3600, "under 1 h"), (24 * 3600, "under 1 day"), (3 * 24 * 3600, "under 3 days"))
OLDEST = "3 days or more"


@dataclass(frozen=True, slots=True)
class StuckProblem:
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


@dataclass(frozen=True, slots=True)
class StuckMoney:
    """Every open problem, oldest first, with the sums by age and over all."""

    problems: list[StuckProblem]
    by_age: dict[str, Money]
    total: Money

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        stuck = [asdict(one) for one in self.problems]
        return {"stuck": stuck, "by_age": self.by_age, "total": self.total}

    def draw(self, console: Console) -> None:
        """Print a line for each problem, then the sums."""
        if not self.problems:
            console.print("No open problems.")
            return
        numbers = ("age", "count", "behind", "money")
        drawn = table("target", "problem", "kind", *numbers, "cause", right=numbers)
        for one in self.problems:
            unknown = f" + {one.unknown} unknown" if one.unknown else ""
            counts = (f"{one.count:,}", f"{one.behind:,}", f"{money_text(one.money)}{unknown}")
            age = age_text(one.age_seconds)
            kind = one.kind.replace("_", " ")
            drawn.add_row(one.target, one.group, kind, age, *counts, one.code)
        console.print(drawn)
        for age, money in self.by_age.items():
            console.print(f"{age}: {money_text(money)}")
        console.print(f"in all: {money_text(self.total)}", style="bold")


def stuck_money(problems: Sequence[Problem], now: int) -> StuckMoney:
    """Return the stuck money of these problems; now is microseconds UTC."""
    stuck = sorted(
        (_stuck(one, now) for one in problems), key=lambda one: (-one.age_seconds, one.group)
    )
    total: Money = {}
    by_age: dict[str, Money] = {}
    for one in stuck:
        total = added(total, one.money)
        by_age[one.age] = added(by_age.get(one.age, {}), one.money)
    return StuckMoney(stuck, by_age, total)


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
    )

"""`tillway dlq list --money`: draws the amounts that are stuck, oldest first, and their sums."""

from __future__ import annotations

from rich.console import Console

from tillway.cli.output import money_text, table
from tillway.observe.moments import age_text
from tillway.observe.stuck import StuckMoney


def draw_stuck(console: Console, stuck: StuckMoney) -> None:
    """Print a line for each problem, then the sums by age and over all."""
    if not stuck.problems:
        console.print("No open problems.")
        return
    numbers = ("age", "count", "behind", "money")
    drawn = table("target", "problem", "kind", *numbers, "cause", right=numbers)
    for one in stuck.problems:
        unknown = f" + {one.unknown} unknown" if one.unknown else ""
        counts = (f"{one.count:,}", f"{one.behind:,}", f"{money_text(one.money)}{unknown}")
        age = age_text(one.age_seconds)
        kind = one.kind.replace("_", " ")
        drawn.add_row(one.target, one.group, kind, age, *counts, one.code)
    console.print(drawn)
    for age, money in stuck.by_age.items():
        console.print(f"{age}: {money_text(money)}")
    console.print(f"in all: {money_text(stuck.total)}", style="bold")

"""One line of the bench table: a figure, the floor of the same run, and what it must reach."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from bench.page import put, this_machine


@dataclass(slots=True)
class Row:
    """One measurement.

    floor is what the bare parts did in the same run, ratio is figure / floor. higher_is_better says
    which way `must` and `aim` point; None means the goal is not set for this row. series holds the
    figure at other sizes, where it was taken at several; rounds every figure it is the best of.
    """

    name: str
    figure: float
    unit: str
    floor: float
    must: float | None
    aim: float | None
    higher_is_better: bool = True
    series: dict[str, float] = field(default_factory=dict)
    rounds: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Return figure / floor."""
        return self.figure / self.floor if self.floor else 0.0

    @property
    def median(self) -> float:
        """Return the middle of all rounds; the figure itself where there was one."""
        return median(self.rounds or [self.figure])

    @property
    def meets_must(self) -> bool | None:
        """Say whether the figure reaches what it must; None without a goal."""
        if self.must is None:
            return None
        return self.figure >= self.must if self.higher_is_better else self.figure <= self.must

    def as_json(self) -> dict[str, object]:
        """Return the row as the table's columns."""
        fields = asdict(self)
        del fields["higher_is_better"]
        return {
            **fields,
            "figure": round(self.figure, 2),
            "floor": round(self.floor, 2),
            "ratio": round(self.ratio, 3),
            "median": round(self.median, 2),
            "rounds": [round(taken, 2) for taken in self.rounds],
            "meets_must": self.meets_must,
        }


def best_of(rounds: list[list[Row]]) -> list[Row]:
    """Return the best row of each place, beside the floor of its own round."""
    found = []
    for rows in zip(*rounds, strict=True):
        best = (max if rows[0].higher_is_better else min)(rows, key=lambda row: row.figure)
        found.append(replace(best, rounds=[row.figure for row in rows]))
    return found


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'figure':<44} {'':>10} {'unit':<9} {'floor':>10} {'ratio':>6} {'must':>8} {'aim':>8}")
    for row in rows:
        verdict = {True: "", False: "  below must", None: ""}[row.meets_must]
        must, aim = map(_goal, (row.must, row.aim))
        print(
            f"{row.name:<44} {row.figure:>10,.1f} {row.unit:<9} {row.floor:>10,.1f} "
            f"{row.ratio:>6.2f} {must:>8} {aim:>8}{verdict}"
        )
        if row.series:
            print("    " + ", ".join(f"{size}: {taken:g}" for size, taken in row.series.items()))
        if row.rounds:
            print("    rounds: " + ", ".join(f"{taken:,.1f}" for taken in row.rounds))


def write_page(rows: list[Row], page: Path) -> None:
    """Write the table into the page about speed."""
    heads = ("figure", "measured", "median", "unit", "floor", "ratio", "must", "aim", "holds must")
    said = f"One run of `make bench` on {this_machine()}:"
    put(page, "bench", said, [heads, *map(_cells, rows)])


def _goal(goal: float | None) -> str:
    if goal is None:
        return "-"
    return f"{goal:,.0f}" if goal >= 100 else f"{goal:.3g}"


def _cells(row: Row) -> tuple[str, ...]:
    must, aim = map(_goal, (row.must, row.aim))
    holds = {True: "yes", False: "**no**", None: "-"}[row.meets_must]
    figures = f"{row.figure:,.1f}", f"{row.median:,.1f}" if row.rounds else "-"
    numbers = *figures, row.unit, f"{row.floor:,.1f}", f"{row.ratio:.2f}"
    return (row.name, *numbers, must, aim, holds)


def write(rows: list[Row], path: Path) -> None:
    """Write the rows as JSON."""
    path.write_text(json.dumps({"rows": [row.as_json() for row in rows]}, indent=2) + "\n")

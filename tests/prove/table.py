"""The table of a run: as text for the eye, as JSON, and as Markdown between marks in a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.page import put

MARK = "prove"
COLUMNS = ("what", "figure", "goal", "ok", "seeds", "seconds")


@dataclass(frozen=True, slots=True)
class Row:
    """One proof that was run; seconds by the clock on the wall."""

    name: str
    figure: str
    goal: str
    ok: bool
    seeds: str
    seconds: float


def as_text(rows: Sequence[Row]) -> str:
    """Return the table with aligned columns."""
    lines = [COLUMNS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "".join("  ".join(cell.ljust(width) for cell, width in line) + "\n" for line in padded)


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Write the rows as a document."""
    path.write_text(json.dumps({"rows": [asdict(row) for row in rows]}, indent=2) + "\n")


def write_page(rows: Iterable[Row], page: Path, said: str) -> None:
    """Put the table, after a sentence about the run, between the marks of a page."""
    put(page, MARK, said, [COLUMNS, *map(_cells, rows)])


def _cells(row: Row) -> tuple[str, ...]:
    """Return a row as text; a failed one must be seen at a glance."""
    figure = " ".join(row.figure.split())
    return (
        row.name,
        figure,
        row.goal,
        "yes" if row.ok else "**NO**",
        row.seeds,
        f"{row.seconds:.0f}",
    )

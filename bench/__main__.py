"""`python -m bench`: measures the hub as a process and prints the table of goals.

Load generator, hub and sink share the machine's cores, so figures are ratios to think with.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from bench import short
from bench.growth import growth
from bench.rest import rest
from bench.rows import Row, best_of, show, write, write_page
from bench.screens import screens
from bench.store_days import bookkeeper, store_days
from bench.waiting import million_waiting

PAGE = Path(__file__).resolve().parents[1] / "docs" / "internals" / "speed.md"
Part = Callable[[Path], Awaitable[list[Row]]]
SHORT: dict[str, Part] = {
    "latency": short.latency,
    "batch intake": short.batch_intake,
    "single sales": short.single_sales,
    "whole path": short.whole_path,
    "drain and replay": short.drain_and_replay,
    "bookkeeper": bookkeeper,
}
LONG: dict[str, Part] = {
    "a million waiting": million_waiting,
    "growth": growth,
    "store-days": store_days,
    "screens": screens,
}
ROUNDS_BETWEEN = 2
"""Rounds of the short parts before each long one: a machine shared with others is slow for minutes,
and what is measured is the program, so the best round counts."""


def main() -> None:
    """Measure, print, and write the rows when asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--only", default="", help="run only parts whose name contains this")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.name}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillway-bench-") as folder:
        rows = uvloop.run(measure(Path(folder), options.only))
    show(rows)
    if options.out:
        write(rows, options.out)
    if options.page:
        write_page(rows, PAGE)


async def measure(folder: Path, only: str) -> list[Row]:
    """Run every measurement, one hub at a time: the short ones in rounds between the long ones."""
    rounds: dict[str, list[list[Row]]] = {name: [] for name in SHORT if only in name}
    long_rows: list[Row] = []
    for long_name, long_part in LONG.items():
        for _ in range(ROUNDS_BETWEEN):
            for name, taken in rounds.items():
                taken.append(await _measured(name, SHORT[name], folder))
        if only in long_name:
            long_rows += await _measured(long_name, long_part, folder)
    return [row for taken in rounds.values() for row in best_of(taken)] + long_rows


async def _measured(name: str, part: Part, folder: Path) -> list[Row]:
    rested = rest(folder)
    print(f"measuring {name} (the disk rested {rested:.0f} s) ...", flush=True)
    return await part(folder)


if __name__ == "__main__":
    main()

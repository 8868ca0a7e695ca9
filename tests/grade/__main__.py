"""`make grade`: simulated weeks through the real hub, graded against their truth files.

Ends with 1 when anything was missed or invented, or money or states differ from the truth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from grade.seeds import Order, graded
from grade.verdict import Verdict

COLUMNS = ("seed", "faults", "found", "missed", "invented", "money_equal", "balanced", "seconds")
TOPICS = ("missed", "invented", "money_equal", "balanced")


def main() -> int:
    """Play and grade the seeds, print a table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make grade", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3", help="with commas between, or 1-20")
    parser.add_argument("--stores", type=int, default=45)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--sales", type=int, default=40, help="receipts of a store on a day")
    parser.add_argument("--faults", default="all")
    parser.add_argument("--workers", type=int, default=2, help="processes, one seed each")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    asked = parser.parse_args()
    orders = [
        Order(seed, asked.stores, asked.days, asked.sales, asked.faults)
        for seed in _seeds(asked.seeds)
    ]
    _say(_line(COLUMNS))
    rows = []
    for verdict in graded(orders, asked.workers):
        rows.append(verdict)
        _show(verdict)
        if asked.out:
            told = {"rows": [one.as_json() for one in rows]}
            asked.out.write_text(json.dumps(told, indent=2) + "\n")
    return 0 if rows and all(one.good for one in rows) else 1


def _seeds(text: str) -> Iterator[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _show(verdict: Verdict) -> None:
    told = verdict.as_json()
    _say(_line([_cell(told[name]) for name in COLUMNS]))
    for topic in TOPICS:
        for sentence in verdict.details.get(topic, ()):
            _say(f"    {topic}: {sentence}")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return str(value)


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "".join(cell.rjust(13) for cell in cells)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Tables that a command writes into a page of the docs, between marks that stay."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path


def put(page: Path, mark: str, said: str, table: Iterable[Sequence[str]]) -> None:
    """Put a sentence and a table, heads first, between `<!-- mark -->` and `<!-- /mark -->`.

    Raises ValueError for a page without them.
    """
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, begins, rest = page.read_text().partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"{page} has no {begin} ... {end}")
    heads, *lines = table
    rows = [heads, ("---",) * len(heads), *lines]
    text = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    page.write_text(f"{before}{begin}\n{said}\n\n{text}{end}{after}")


def this_machine() -> str:
    """Return where and when: `a machine with 2 cores, 2026-11-21, CPython 3.11.2`."""
    day, python = time.strftime("%Y-%m-%d"), platform.python_version()
    return f"a machine with {os.cpu_count()} cores, {day}, CPython {python}"

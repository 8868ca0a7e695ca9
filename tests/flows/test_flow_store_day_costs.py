"""What the books cost is measured by `make bench`; here the same measurement runs on a few shops.

Whether it was quick is not asked, only that it measures what it says.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave garbage collection as it was: the measurement sets it as a running hub does."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def test_costs_of_store_days_are_measured_on_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole measurement runs on a few shops: every day judged, every shop in the matrix."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])
    bench = importlib.import_module("bench.store_days")
    rows = await bench.bookkeeper(tmp_path, bench.SMALL)
    rows += await bench.store_days(tmp_path, bench.SMALL)
    assert [row.name for row in rows] == [
        "bookkeeper, CPU for each message",
        "a day of 12 x 40 receipts audited anew",
        "memory that took",
        "memory it grew after the first tenth",
        "matrix of 12 shops and 3 days",
    ]
    assert all(row.figure > 0 and row.floor > 0 for row in rows if row.unit != "MB")

"""The verdict over a soak can fail: each of its lines sees what it is there to see."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

Values = Callable[[int], dict[str, Any]]
SAMPLES = 60
GOOD = {
    "seconds": 300.0,
    "answered": 36_000,
    "again": 3,
    "outages": 4,
    "booked": 36_000,
    "balanced": True,
    "connections": 72,
}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the module of the bench, which is no part of the package."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return import_module("bench.soak_watch")


def failed(watch: Any, values: Values = lambda _number: {}, **run: Any) -> list[str]:
    """Return the lines that do not hold of a run which is good but for these values."""
    plain = {"memory_megabytes": 230.0, "main_megabytes": 120.0, "files": 30, "sockets": 60}
    plain |= {"log_megabytes": 60.0, "journal_megabytes": 100.0}
    samples = [
        watch.Sample(**{"seconds": number * 5.0, "sales": number * 600, **plain, **values(number)})
        for number in range(SAMPLES)
    ]
    return [line.name for line in watch.judge(samples, **{**GOOD, **run}).lines if not line.ok]


def test_a_run_that_stays_flat_holds(watch: Any) -> None:
    """Caches that fill at first, some outages, and sockets that come and go fail nothing."""
    assert failed(watch) == []
    assert failed(watch, lambda at: {"memory_megabytes": 230.0 - 60.0 * (at < 10)}) == []
    assert failed(watch, lambda at: {"files": 50 if at % 9 == 0 else 30}) == []
    assert failed(watch, lambda at: {"sockets": 20 if at < 20 else 88}) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("memory, second and last quarter", lambda at: {"memory_megabytes": 200.0 + at / 2}),
        ("open files, second and last sixth", lambda at: {"files": 30 + at // 6}),
        ("sockets, most", lambda at: {"sockets": 93 if at == 40 else 60}),
        ("log of the journal, largest", lambda at: {"log_megabytes": 257.0 if at == 3 else 1.0}),
    ],
)
def test_what_grows_is_seen(watch: Any, name: str, values: Values) -> None:
    """Memory and files that grow slowly fail their line; so does one moment beyond a bound."""
    assert failed(watch, values) == [name]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("sales", {"answered": 35_000, "booked": 35_000}),
        ("outages of the ERP", {"outages": 0}),
        ("lost or doubled at the ERP", {"booked": 35_999}),
        ("lost or doubled at the ERP", {"booked": 36_001}),
        ("books", {"balanced": False}),
    ],
)
def test_a_run_that_sold_too_little_or_lost_something_fails(
    watch: Any, name: str, run: dict[str, Any]
) -> None:
    """Each end of a run that is not as promised fails a line of its own."""
    assert failed(watch, **run) == [name]


def test_files_and_sockets_are_told_apart(watch: Any, tmp_path: Path) -> None:
    """One more of each is counted where it belongs."""
    files, sockets = watch.descriptors(os.getpid())
    with (tmp_path / "one").open("w"), socket.socket(), socket.socket():
        assert watch.descriptors(os.getpid()) == (files + 1, sockets + 2)

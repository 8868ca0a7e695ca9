"""Numbers missing in a row are told, and meant, as one run."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tillway.reconcile.findings import Finding
from tillway.reconcile.number_runs import NumberRun, in_runs, meant, run_of
from unit.reconcile.days import DAY, STORE


def gap(subject: str, **more: object) -> Finding:
    """Return a missing number, or several."""
    return replace(Finding("SEQ_GAP", STORE, DAY, subject, first_seen=9), **more)  # type: ignore[arg-type]


def told(*findings: Finding) -> list[tuple[str, int]]:
    """Return what is told of findings: subject and count."""
    return [(one.finding.subject, one.count) for one in in_runs(findings)]


def known(*findings: Finding) -> dict[tuple[str, str], Finding]:
    """Return findings as they stand on record."""
    return {(one.rule, one.subject): one for one in findings}


@pytest.mark.parametrize("subject", ["03:7", "03:7-9", "03:7:e2", "till 4:1000-1002:e1"])
def test_a_subject_is_read_as_it_is_written(subject: str) -> None:
    """Register, first, last and the run of the counter."""
    run = run_of(subject)
    assert run is not None
    assert run.subject == subject


@pytest.mark.parametrize("subject", ["", "03", "03:", "03:x", "0145:03:2026-11-20", "03:7-", ":7"])
def test_a_text_that_names_no_numbers_is_no_run(subject: str) -> None:
    """A natural key or a till is nothing of the kind."""
    assert run_of(subject) is None


def test_numbers_in_a_row_are_told_as_one() -> None:
    """In the order of numbers, not of texts; the oldest gives the age; a hole parts two runs."""
    found = [gap("03:10"), gap("03:11"), gap("03:13"), gap("03:9", first_seen=4)]
    assert told(*found) == [("03:9-11", 3), ("03:13", 1)]
    assert in_runs(found)[0].finding.first_seen == 4


def test_what_differs_in_more_than_its_number_stays_apart() -> None:
    """Register, run of the counter, owner, decision and rule each keep findings apart."""
    others = [
        gap("04:8"),
        gap("03:8:e1"),
        gap("03:8", owner="mia"),
        gap("03:8", state="overridden", reason="cancelled"),
        replace(gap("03:8"), rule="SEQ_DUPLICATE"),
        replace(gap("03:8"), store="0002"),
    ]
    for other in others:
        assert told(gap("03:7"), other) == [("03:7", 1), (other.subject, 1)]


def test_findings_about_other_things_stay_as_they_are() -> None:
    """Their subjects may look like numbers and are none."""
    tills = [Finding("OVER_SHORT", STORE, DAY, f"03:{number}") for number in (7, 8)]
    assert told(*tills) == [("03:7", 1), ("03:8", 1)]


def test_a_run_means_the_open_ones_inside_it() -> None:
    """What came meanwhile or was decided is left alone, and so is a long run that reaches out."""
    closed = gap("03:8", state="gone")
    held = known(gap("03:7"), closed, gap("03:9"), gap("03:10-200"), gap("04:7"), gap("03:7:e1"))
    assert [one.subject for one in meant(held, "SEQ_GAP", "03:7-10")] == ["03:7", "03:9"]
    assert [one.subject for one in meant(held, "SEQ_GAP", "03:10-200")] == ["03:10-200"]
    assert meant(held, "SEQ_GAP", "03:8") == [closed]
    assert meant(held, "SEQ_GAP", "05:1-9") == []
    assert meant(held, "OVER_SHORT", "03:7-10") == []


@settings(max_examples=100, deadline=None)
@given(numbers=st.sets(st.integers(0, 40)))
def test_every_number_is_in_one_run_and_each_run_means_its_numbers(numbers: set[int]) -> None:
    """Nothing is told twice or not at all, and no two runs could have been one."""
    held = known(*(gap(NumberRun("03", 0, one, one).subject) for one in numbers))
    runs = in_runs(held.values())
    spans = [run for one in runs if (run := run_of(one.finding.subject)) is not None]
    assert [one for run in spans for one in range(run.first, run.last + 1)] == sorted(numbers)
    assert all(later.first > earlier.last + 1 for earlier, later in pairwise(spans))
    for one in runs:
        assert len(meant(held, "SEQ_GAP", one.finding.subject)) == one.count

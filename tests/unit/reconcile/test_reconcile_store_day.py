"""The states of a store-day and the moments they hang on."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from tillway.reconcile.store_day import (
    MEANINGS,
    Standing,
    State,
    cut_off_moment,
    local_date,
    path_between,
    state_of,
)

WHOLE = Standing(
    has_messages=True, complete=True, blocking=0, past_cut_off=False, expected=True, approved=False
)


def at(moment: str) -> int:
    """Return a moment in microseconds UTC."""
    return round(datetime.fromisoformat(moment).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("2026-11-20T23:59:59+01:00", "2026-11-20"),
        ("2026-11-21T00:00:00+01:00", "2026-11-21"),
        ("2026-10-25T02:59:59+01:00", "2026-10-25"),
    ],
)
def test_the_date_in_a_shop(moment: str, date: str) -> None:
    """By the clock on its wall."""
    assert local_date(at(moment), "Europe/Berlin").isoformat() == date


@pytest.mark.parametrize(
    ("day", "cut_off", "moment"),
    [
        ("2026-11-20", time(4), "2026-11-21T04:00:00+01:00"),
        ("2026-10-24", time(4), "2026-10-25T04:00:00+01:00"),
        ("2026-03-28", time(4), "2026-03-29T04:00:00+02:00"),
        ("2026-12-31", time(6, 30), "2027-01-01T06:30:00+01:00"),
    ],
)
def test_the_cut_off_is_a_time_of_the_shop(day: str, cut_off: time, moment: str) -> None:
    """The same hour on the wall in summer and winter, and in the nights between."""
    assert cut_off_moment(day, cut_off, "Europe/Berlin") == at(moment)


def test_the_cut_off_in_the_hour_that_is_skipped() -> None:
    """Half past two does not exist that night; the day still has one moment, around it."""
    moment = cut_off_moment("2026-03-28", time(2, 30), "Europe/Berlin")
    assert at("2026-03-29T01:30:00+01:00") <= moment <= at("2026-03-29T03:30:00+02:00")


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("open", "open", ()),
        ("open", "receiving", ("receiving",)),
        ("receiving", "balanced", ("complete", "balanced")),
        ("receiving", "approved", ("complete", "balanced", "approved")),
        ("balanced", "approved", ("approved",)),
        ("posted", "reopened", ("reopened",)),
        ("reopened", "receiving", ("receiving",)),
        ("reopened", "approved", ("receiving", "complete", "balanced", "approved")),
        ("exceptions", "balanced", ("complete", "balanced")),
        ("approved", "receiving", ("receiving",)),
    ],
)
def test_the_steps_between_two_states(old: State, new: State, path: tuple[State, ...]) -> None:
    """A day that turns out whole at once was complete first; nothing is passed twice."""
    assert path_between(old, new) == path


def test_a_whole_day_is_balanced_until_somebody_releases_it() -> None:
    """One blocking finding makes it an exception."""
    assert state_of(WHOLE) == "balanced"
    assert set(MEANINGS) >= {"balanced", "posted"}

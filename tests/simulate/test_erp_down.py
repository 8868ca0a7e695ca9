"""The ERP is down for two hours of virtual time: hardly called, drained gently, nothing lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from simulate.breaks import BREAKS
from simulate.erp_down import Figures, Story, run_outage

SHORT = 200.0
"""Seconds of outage that show a broken promise."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log of a planned outage to itself."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(600)
def test_two_hours_of_outage_are_survived_within_the_goals() -> None:
    """Every figure of guarantees.md section 6 holds: calls, peak, drain, order, the others."""
    found = run_outage(Story())
    assert found.broken() == [], found.text
    assert found.sales > 72_000


def test_a_target_without_a_rate_is_flooded_after_an_outage() -> None:
    """Positive control: without the rate limit the peak is far above what the ERP can take."""
    found = run_outage(Story(SHORT, rate_per_second=0.0))
    assert "a peak below 1.1 x capacity" in found.broken()


def never_opens(*_told: Any, **_more: Any) -> bool:
    """Notice no failure."""
    return False


def test_without_a_breaker_the_dead_erp_is_called_without_end() -> None:
    """Positive control: with a breaker that never opens, far too many calls reach the dead ERP.

    The width and the ramp that also give way to failures are taken away with it.
    """
    with (
        patch("tillway.delivery.breaker.Breaker.failed", never_opens),
        patch("tillway.delivery.limits.Width.failed", never_opens),
        patch("tillway.delivery.limits.Ramp.failed", never_opens),
    ):
        found = run_outage(Story(SHORT))
    assert "fewer than 30 calls per half minute" in found.broken()


def test_without_lanes_an_outage_takes_sales_out_of_order() -> None:
    """Positive control: where each message has a lane of its own, the order is lost."""
    [lanes] = [one for one in BREAKS if one.name == "the order of lanes is ignored"]
    with lanes.planted():
        found = run_outage(Story(SHORT))
    assert "order per lane" in found.broken()


def test_a_goal_that_is_missed_is_told() -> None:
    """Each figure beyond its goal is named, and figures at their goals are good."""
    good = Figures(1, 29, 55, 1.49, 0, 0, 0, 0.2)
    bad = Figures(1, 30, 56, 1.5, 1, 1, 1, 0.21)
    assert (good.broken(), len(bad.broken())) == ([], 7)

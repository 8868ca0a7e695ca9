"""Counts are told as people speak."""

from __future__ import annotations

import pytest

from tillway.cli.counting import counted


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 messages"), (1, "1 message"), (1204, "1,204 messages")]
)
def test_a_count_takes_the_noun_that_fits(count: int, told: str) -> None:
    """One is singular, none and many are plural, thousands are set apart."""
    assert counted(count, "message") == told


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    """Not every plural is made with an s."""
    assert counted(2, "copy", "copies") == "2 copies"

"""Gaps in the numbers of a register, by reset policy."""

import pytest

from tillway.model.sequence import (
    DAILY,
    NEVER,
    Gap,
    ResetPolicy,
    gaps,
    missing_numbers,
    next_number,
    reset_policy,
)


def test_a_missing_number_is_found():
    """A number between first and last that was not seen is missing."""
    assert list(missing_numbers(376, 383, [376, 377, 379, 380, 383])) == [378, 381, 382]


def test_a_full_span_has_no_gap():
    """When every number was seen, in any order and more than once, nothing is missing."""
    assert gaps(1, 4, [4, 2, 3, 1, 2]) == []


def test_the_ends_of_the_span_are_expected_too():
    """The first and last number of a close record are missing when they did not come."""
    assert gaps(1, 5, [2, 3]) == [Gap(1, 1), Gap(4, 5)]


def test_a_mistyped_number_makes_one_gap():
    """A wild number makes one long gap, not a list of its numbers."""
    (gap,) = gaps(1, 999_999_999_999, [1, 999_999_999_999])
    assert len(gap) == 999_999_999_997


def test_a_counter_that_wraps_goes_on_at_its_start():
    """Across the wrap the numbers go from the highest to the first."""
    policy = reset_policy("wrap_at_9999")
    assert list(missing_numbers(9997, 2, [9997, 9999, 2], policy)) == [9998, 1]
    assert next_number(9999, policy) == 1


def test_without_a_wrap_there_is_nothing_backwards():
    """A last number below the first is no span for a counter that never wraps."""
    assert gaps(10, 2, [], NEVER) == []
    assert gaps(10, 2, [], DAILY) == []


def test_a_daily_counter_starts_again_on_a_new_day_only():
    """A daily counter goes on within the day and starts again on the next."""
    assert next_number(41, DAILY) == 42
    assert next_number(41, DAILY, new_day=True) == 1
    assert next_number(41, NEVER, new_day=True) == 42


def test_a_policy_is_written_in_words():
    """The three ways of writing a policy are read."""
    assert reset_policy("daily") is DAILY
    assert reset_policy("never") is NEVER
    assert reset_policy("wrap_at_9999") == ResetPolicy("wrap", 9999)


@pytest.mark.parametrize("bad", ["", "weekly", "wrap_at_", "wrap_at_0", "wrap_at_x"])
def test_another_policy_is_refused(bad):
    """A policy outside the three is refused, and the sentence names them."""
    with pytest.raises(ValueError, match="daily, never or wrap_at_9999"):
        reset_policy(bad)

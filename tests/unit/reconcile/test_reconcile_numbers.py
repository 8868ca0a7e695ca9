"""Numbers of a register as runs: what was seen, what is missing, what goes against the clock."""

from __future__ import annotations

from tillway.reconcile.numbers import Numbers, common, count_of, holes, joined


def test_runs_join_and_know_their_ends() -> None:
    """Numbers in any order make as few runs as there are holes."""
    numbers = Numbers()
    assert all(numbers.add(number) for number in (5, 1, 3, 2, 9))
    assert numbers.spans == [(1, 3), (5, 5), (9, 9)]
    assert (numbers.first, numbers.last, len(numbers)) == (1, 9, 5)
    assert list(numbers) == [1, 2, 3, 5, 9]
    assert 3 in numbers
    assert 4 not in numbers
    assert numbers.add(4)
    assert numbers.spans == [(1, 5), (9, 9)]


def test_a_number_is_taken_once() -> None:
    """The second time it says so and changes nothing."""
    numbers = Numbers()
    assert numbers.add(7, at=100)
    assert not numbers.add(7, at=900)
    assert (len(numbers), numbers.backwards) == (1, 0)


def test_neighbours_are_compared_by_the_clock_in_any_order() -> None:
    """Number 3 happened before number 2, however the three arrive."""
    times = {1: 100, 2: 300, 3: 200}
    for order in ((1, 2, 3), (3, 2, 1), (1, 3, 2), (2, 1, 3)):
        numbers = Numbers()
        for number in order:
            numbers.add(number, at=times[number])
        assert (numbers.backwards, numbers.lowest) == (1, [3])


def test_unknown_times_and_holes_are_not_compared() -> None:
    """Without a time, or with a number missing between them, nothing is said."""
    numbers = Numbers()
    numbers.add(1, at=300)
    numbers.add(2)
    numbers.add(3, at=200)
    numbers.add(5, at=100)
    assert numbers.backwards == 0


def test_a_hole_knows_when_its_successor_came() -> None:
    """Only the number that begins a run stands behind a hole."""
    numbers = Numbers()
    numbers.add(1, heard_at=10)
    numbers.add(4, heard_at=40)
    assert (numbers.heard_at(4), numbers.heard_at(2), numbers.heard_at(1)) == (40, 0, 10)
    numbers.add(3, heard_at=50)
    assert (numbers.heard_at(3), numbers.heard_at(4)) == (50, 0)


def test_spans_join_and_leave_holes() -> None:
    """What is seen here or elsewhere is no hole; both ends count."""
    spans = joined([(3, 4), (8, 9)], [(5, 5)])
    assert spans == [(3, 5), (8, 9)]
    assert list(holes(spans, 1, 10)) == [(1, 2), (6, 7), (10, 10)]
    assert list(holes(spans, 3, 5)) == []
    assert list(common(spans, [(4, 8)])) == [(4, 5), (8, 8)]
    assert count_of(spans) == 5

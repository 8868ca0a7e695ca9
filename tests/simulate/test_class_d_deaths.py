"""The hub dies around a call to a target of class D: nothing is sent twice, doubt stays doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulate.breaks import Breaks
from simulate.plan import POINTS, Mishap, plan_of
from simulate.world import World
from tillway.journal import crash_points

TARGET = "target-d"


def world_with_class_d(place: str, count: int) -> World:
    """Return a world without faults but a death at the count-th passing of a place."""
    seed = next(
        seed for seed in range(1, 100) if set(plan_of(seed, faults=False).targets) == {TARGET}
    )
    plan = plan_of(seed, faults=False)
    death = Mishap(0.0, "kill_at", place, count)
    return World(replace(plan, mishaps=(death,), has_operator=False), Breaks())


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("place", POINTS)
def test_a_death_around_a_call_repeats_nothing(place: str, count: int) -> None:
    """Wherever the hub dies, each sale is sent and booked once at most."""
    world = world_with_class_d(place, count)
    world.run()
    verdict = world.verdict()
    books = world.record.targets[TARGET]
    sent, booked = ([one.key for one in ones] for ones in (books.calls, books.effects))
    assert (verdict.wrong, verdict.deaths) == ((), 1)
    assert (len(sent), len(booked)) == (len(set(sent)), len(set(booked)))


@pytest.mark.parametrize(
    ("place", "is_booked"), [(crash_points.BEFORE_SEND, False), (crash_points.BEFORE_LEDGER, True)]
)
def test_what_was_being_sent_stays_in_doubt_for_a_person(place: str, is_booked: bool) -> None:
    """Between the intent and the ledger the outcome is unknown, whether it took effect or not."""
    world = world_with_class_d(place, 1)
    world.run()
    stored = world.stored
    assert stored is not None
    fates = stored.routes[f"to-{TARGET}"].fates
    doubted = {at for at, fate in fates.items() if fate.state == "in_doubt"}
    booked = {one.message_id for one in world.record.targets[TARGET].effects}
    assert len(doubted) > 0
    assert {stored.messages[at].message_id in booked for at in doubted} == {is_booked}

"""What may rest at the end of a world, and what may not: the checker of open work by itself."""

from __future__ import annotations

import pytest

from simulate.checkers import unsettled
from simulate.plan import SALE
from simulate.record import DeliveryClass, Record, RouteFacts, TargetBooks
from simulate.stored import Fate, Message, RouteStored, Stored

ROUTE = "to-erp"
HEAD = Fate(2, "dead", "holds_lane", "1:1", "TW-9001", 1, replayed=False)


def found(delivery_class: DeliveryClass, *fates: Fate, holds: bool = True) -> list[str]:
    """Return what is wrong with a route that has these fates."""
    facts = RouteFacts("erp", needs_clean=False, dead_head_holds=holds, least_minor=0)
    record = Record(routes={ROUTE: facts}, targets={"erp": TargetBooks(delivery_class)})
    messages = {
        at: Message(at, f"{at:032x}", f"1:1:{at}", SALE, "EUR", 100, clean=True, lane="1:1")
        for at in (fate.position for fate in fates)
    }
    route = RouteStored(0, 9, {fate.position: fate for fate in fates})
    return unsettled(record, Stored(messages, {ROUTE: route}, set(), {}, [], {}, {}))


def doubt(position: int, lane: str = "1:1") -> Fate:
    """Return a message whose outcome is unknown."""
    return Fate(position, "in_doubt", "in_doubt", lane, "TW-9001", 1, replayed=False)


def test_a_doubt_rests_only_behind_a_head_that_waits_for_a_person() -> None:
    """Its turn comes after that head; until then it is counted as in doubt."""
    assert found("B", HEAD, doubt(3)) == []


@pytest.mark.parametrize("open_doubt", [doubt(1), doubt(3, "1:2")], ids=["before", "beside"])
def test_a_doubt_before_or_beside_such_a_head_must_be_found_out(open_doubt: Fate) -> None:
    """Control: nothing but time is needed for its look-up."""
    assert len(found("B", HEAD, open_doubt)) == 1


@pytest.mark.parametrize("delivery_class", ["A", "B", "C"])
def test_a_doubt_without_such_a_head_must_be_found_out(delivery_class: DeliveryClass) -> None:
    """Control: alone in its lane it is wrong at every class but D; so at A and C behind a head."""
    assert len(found(delivery_class, doubt(3))) == 1
    assert len(found(delivery_class, HEAD, doubt(3), holds=False)) == 1
    assert len(found(delivery_class, HEAD, doubt(3))) == (0 if delivery_class == "B" else 1)


def test_a_doubt_at_class_d_rests() -> None:
    """Only a person can tell what became of it."""
    assert found("D", doubt(3)) == []

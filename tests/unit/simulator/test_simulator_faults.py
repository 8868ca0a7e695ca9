"""The faults one by one: what goes out, when, and under which number."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tillway.errors import ConfigurationError
from tillway.model import sequence
from tillway.simulator.chain import chain_facts
from tillway.simulator.delivery import Delivery
from tillway.simulator.facts import TillSettle
from tillway.simulator.fault_catalogue import CATALOGUE, fault_plan
from tillway.simulator.fault_plan import FAULT_KINDS, FINANCE_KINDS, FaultKind, FaultPlan
from tillway.simulator.faults import deliveries
from tillway.simulator.plan import ChainPlan
from tillway.simulator.register_faults import clock_skews, counter_resets
from tillway.simulator.run_ends import run_ends

PLAN = ChainPlan(seed=12, stores=6, days=2, sales=500)


def _with(kind: FaultKind, rate: float) -> tuple[list[Delivery], list[Delivery]]:
    """Return everything that goes out, and what has the fault."""
    every = list(deliveries(PLAN, FaultPlan(rates={kind: rate})))
    faulty = [one for one in every if one.fault == kind]
    assert faulty
    return every, faulty


def _numbers(every: list[Delivery], of: Delivery) -> list[int]:
    """Return the numbers of a delivery's till, in the order in which they go out."""
    return [one.fact.number for one in every if _till(one) == _till(of) and one.fact.number]


def _till(delivery: Delivery) -> tuple[str, str]:
    return delivery.fact.store.business_unit_id, delivery.fact.till


def test_a_lost_number_is_a_gap_between_numbers_that_arrive() -> None:
    """Exactly the lost numbers are missing, none of them at an end where nobody could see it."""
    every, lost = _with("number_gap", 0.03)
    for one in {_till(one): one for one in lost}.values():
        sent = _numbers([each for each in every if each.kind != "missing"], one)
        found = list(sequence.missing_numbers(min(sent), max(sent), sent))
        assert found == [each.fact.number for each in lost if _till(each) == _till(one)]


@pytest.mark.parametrize("rate", [0.05, 1.0])
def test_numbers_lost_of_a_counter_that_started_again_can_be_seen(rate: float) -> None:
    """Each run misses exactly what it lost, however much that is; its last number always comes."""
    faults = FaultPlan(rates={"number_gap": rate, "counter_reset": 0.4})
    resets = counter_resets(PLAN, faults)
    runs: dict[tuple[str, str, int], tuple[list[int], list[int]]] = {}
    for one in deliveries(PLAN, faults):
        if _till(one) in resets and one.fact.number is not None:
            arrived, lost = runs.setdefault((*_till(one), one.fact.epoch), ([], []))
            (lost if one.kind == "missing" else arrived).append(one.fact.number)
    assert len(runs) == 2 * len(resets)
    for arrived, lost in runs.values():
        assert list(sequence.missing_numbers(min(arrived), max(arrived), arrived)) == lost
    for epoch in (0, 1):
        assert any(lost for (*_, run), (_, lost) in runs.items() if run == epoch)


def test_the_ends_of_the_first_runs_are_their_highest_numbers() -> None:
    """One key for each register with a reset, and none without resets."""
    resets = counter_resets(PLAN, FaultPlan(rates={"counter_reset": 0.4}))
    highest: dict[tuple[str, str], tuple[int, str]] = {}
    for fact in chain_facts(PLAN, resets):
        till = (fact.store.business_unit_id, fact.till)
        if till in resets and fact.number is not None and not fact.epoch:
            told = (fact.number, fact.natural_key)
            highest[till] = max(highest.get(till, told), told)
    assert run_ends(PLAN, resets) == {key for _, key in highest.values()}
    assert run_ends(PLAN, {}) == frozenset()


def test_a_late_number_leaves_a_gap_that_closes() -> None:
    """Its successors come first, hours or days before; in the end nothing is missing."""
    every, late = _with("late", 0.02)
    assert {one.detail for one in late} & {"24 h", "48 h", "72 h"}
    open_gaps = 0
    for one in late:
        before = _numbers(every[: every.index(one)], one)
        assert one.fact.number not in before
        open_gaps += bool(sequence.gaps(min(before), max(before), before))
        assert one.moment >= one.fact.end + timedelta(hours=2)
    assert open_gaps > 0.8 * len(late)
    for one in late:
        numbers = _numbers(every, one)
        assert sequence.gaps(min(numbers), max(numbers), numbers) == []


def test_numbers_are_overtaken_by_their_till_and_by_others() -> None:
    """Each faulty number comes after a later one of its till; nothing is lost or doubled."""
    every, shuffled = _with("out_of_order", 0.05)
    overtaken = [one for one in shuffled if (one.fact.number or 0) < max(
        _numbers(every[: every.index(one)], one), default=0)]  # fmt: skip
    assert len(overtaken) > 0.9 * len(shuffled)
    assert Counter(one.fact.natural_key for one in every) == Counter(
        fact.natural_key for fact in chain_facts(PLAN)
    )


def test_everything_goes_out_in_order_of_time() -> None:
    """Whatever is delayed goes out at its own time, so windows and pace see time only rise."""
    faults = fault_plan("all,late=0.05,out-of-order=0.1,duplicate=0.1,clock-skew=0.5", PLAN)
    moments = [one.moment for one in deliveries(PLAN, faults)]
    assert moments == sorted(moments)


def test_a_counter_that_starts_again_takes_its_numbers_a_second_time() -> None:
    """From one moment on the numbers begin at 1 under epoch 1, and every key is still its own."""
    _, marked = _with("counter_reset", 0.2)
    resets = counter_resets(PLAN, FaultPlan(rates={"counter_reset": 0.2}))
    assert {_till(one) for one in marked} == set(resets)
    for one in marked:
        assert one.fact.natural_key.endswith(":1:e1")
        store, till = _till(one)
        story = (fact for fact in chain_facts(PLAN, resets) if fact.number)
        mine = [fact for fact in story if (fact.store.business_unit_id, fact.till) == (store, till)]
        for epoch in (0, 1):
            numbers = [fact.number for fact in mine if fact.epoch == epoch]
            assert numbers == list(range(1, len(numbers) + 1))
        assert len({fact.natural_key for fact in mine}) == len(mine)
        same_day = {fact.number for fact in mine if not fact.epoch and fact.day == one.fact.day}
        assert same_day, "the counter was lost in the middle of the day"


def test_a_wrong_clock_changes_times_and_nothing_else() -> None:
    """Begin and end are hours off; business date, number and the moment of sending stand."""
    faults = FaultPlan(rates={"clock_skew": 0.2})
    skews = clock_skews(PLAN, faults)
    every, marked = _with("clock_skew", 0.2)
    assert len(marked) == len(skews)
    other_days = 0
    for right, told in zip(chain_facts(PLAN), every, strict=True):
        hours = skews.get((_till(told), right.day), 0)
        assert told.fact.end - right.end == timedelta(hours=hours)
        assert (told.fact.natural_key, told.moment) == (right.natural_key, right.end)
        other_days += told.fact.end.date() != told.fact.day
    assert other_days, "no clock was so wrong that the date of the times is another one"


@pytest.mark.parametrize(("kind", "sign"), [("till_short", -1), ("till_over", 1)])
def test_a_wrong_count_is_told_as_it_is(kind: FaultKind, sign: int) -> None:
    """What is counted differs from what is expected by the amount of the fault, in cash alone."""
    _, wrong = _with(kind, 0.3)
    for one in wrong:
        assert isinstance(one.fact, TillSettle)
        differences = {each.kind: each.counted - each.expected for each in one.fact.ledgers}
        cents = differences.pop("cash")
        assert cents * sign > 0
        assert one.detail == f"{'-' if sign < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
        assert not any(differences.values())


def test_an_answer_is_lost_in_two_ways() -> None:
    """Cut off or never given; the sale itself is sent as it is."""
    every, lost = _with("answer_lost", 0.05)
    assert {one.detail for one in lost} == {"cut", "silent"}
    assert [one.body() for one in every] == [one.body() for one in deliveries(PLAN)]


def test_faults_of_registers_can_be_asked_for_by_name() -> None:
    """An exact list of `store:till` befalls these registers and no other."""
    faults = FaultPlan(exact={"counter_reset": frozenset({"0002:01"})})
    assert set(counter_resets(PLAN, faults)) == {("0002", "01")}
    marked = [one.fact.natural_key for one in deliveries(PLAN, faults) if one.fault is not None]
    assert len(marked) == 1
    assert marked[0].startswith("0002:01:")


def test_every_fault_has_a_name_and_says_what_must_come_of_it() -> None:
    """The catalogue covers every kind and both stretches of time, with a share where one fits."""
    names = [info.name.replace("-", "_") for info in CATALOGUE]
    assert set(names) == {*FAULT_KINDS, *FINANCE_KINDS, "store_offline", "erp_down"}
    assert all(info.happens and info.must for info in CATALOGUE)
    everything = fault_plan("all", PLAN)
    assert set(everything.rates) == set(FAULT_KINDS)
    assert everything.offline[0].store == "0006"
    assert everything.erp_down


def test_faults_are_asked_for_by_name_and_share() -> None:
    """Names alone take the usual share; `name=share` sets it, also after `all`."""
    assert fault_plan("", PLAN) == FaultPlan()
    assert fault_plan("late, number_gap=0.2", PLAN).rates == {"late": 0.005, "number_gap": 0.2}
    assert fault_plan("all,late=0.5", PLAN).rates["late"] == 0.5


@pytest.mark.parametrize(
    ("asked", "said"),
    [("lat", '"late"'), ("late=much", "0 to 1"), ("late=2", "0 to 1"), ("erp-down=0.1", "alone")],
)
def test_a_fault_nobody_knows_is_named(asked: str, said: str) -> None:
    """The error offers the nearest name, or says how a share is written."""
    with pytest.raises(ConfigurationError) as caught:
        fault_plan(asked, PLAN)
    assert caught.value.code == "TW-7505"
    assert said in (caught.value.advice or "")

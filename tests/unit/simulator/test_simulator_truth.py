"""Faults and the truth file: what was planned, and what is written before anything is sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tillway.errors import ConfigurationError
from tillway.model.exact import from_minor, to_minor
from tillway.simulator.chain import chain_facts
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.faults import deliveries
from tillway.simulator.plan import ChainPlan
from tillway.simulator.register_faults import counter_resets
from tillway.simulator.truth import (
    TruthEnd,
    TruthFault,
    TruthHeader,
    TruthMessage,
    TruthWriter,
    read_truth,
    write_truth,
)

PLAN = ChainPlan(seed=9, stores=5, sales=400)
SHARES = "duplicate=0.05,conflict=0.03,malformed=0.03,unknown-tender=0.03,number-gap=0.03,late=0.03"
FAULTS = fault_plan(
    f"all,{SHARES},out-of-order=0.05,answer-lost=0.03,till-short=0.3,till-over=0.3,"
    "counter-reset=0.3,clock-skew=0.3",
    PLAN,
)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """The truth of the plan with its faults."""
    path = tmp_path / "truth.jsonl"
    write_truth(path, PLAN, FAULTS)
    return path


def test_the_totals_of_the_header_are_the_sum_of_the_messages(truth: Path) -> None:
    """Header, end and lines agree in count and in money, per type and currency."""
    lines = list(read_truth(truth))
    header, end = lines[0], lines[-1]
    assert isinstance(header, TruthHeader)
    assert isinstance(end, TruthEnd)
    sums: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if isinstance(line, TruthMessage):
            key = (line.message_type, line.currency)
            counts[key] += 1
            sums[key] += to_minor(line.money, line.currency) if line.money else 0
    assert header.totals == end.totals
    assert header.totals is not None
    stated = {(one.message_type, one.currency): one for one in header.totals}
    assert stated.keys() == counts.keys()
    for key, count in counts.items():
        money = str(from_minor(sums[key], key[1] or "EUR"))
        assert (stated[key].count, stated[key].money) == (count, money)


def test_the_same_plan_writes_the_same_truth(truth: Path, tmp_path: Path) -> None:
    """Same seed, same bytes."""
    again = tmp_path / "again.jsonl"
    write_truth(again, PLAN, FAULTS)
    assert again.read_bytes() == truth.read_bytes()


def test_a_live_truth_holds_the_lines_of_what_was_handed_over(truth: Path, tmp_path: Path) -> None:
    """Written message by message, the lines are those of the whole file; only totals move."""
    live = tmp_path / "live.jsonl"
    writer = TruthWriter(live, PLAN, FAULTS)
    for delivery in deliveries(PLAN, FAULTS):
        writer.write(delivery)
    writer.close()
    assert list(read_truth(live))[1:] == list(read_truth(truth))[1:]


def test_every_fault_has_a_line_and_leaves_the_fact_in_place(truth: Path) -> None:
    """All kinds occur; the messages are those of the chain without faults."""
    faults = [line for line in read_truth(truth) if isinstance(line, TruthFault)]
    kinds = {line.fault: line.outcome for line in faults}
    assert kinds == {
        "duplicate": "duplicate",
        "conflict": "conflict",
        "malformed": "refused",
        "unknown_tender": "quarantined",
        "number_gap": "missing",
        "late": "accepted",
        "out_of_order": "accepted",
        "answer_lost": "accepted",
        "till_short": "accepted",
        "till_over": "accepted",
        "counter_reset": "accepted",
        "clock_skew": "accepted",
        "store_offline": "accepted_later",
        "erp_down": "delivered_later",
    }
    told = [line.natural_key for line in read_truth(truth) if isinstance(line, TruthMessage)]
    lost = [line.natural_key for line in faults if line.fault == "number_gap"]
    resets = counter_resets(PLAN, FAULTS)
    plain = [fact.natural_key for fact in chain_facts(PLAN, resets)]
    assert sorted(told + lost) == sorted(plain)
    assert not set(told) & set(lost)


def test_exact_lists_of_faults_are_obeyed() -> None:
    """A key in an exact list gets its fault, and no other does."""
    keys = [
        delivery.fact.natural_key
        for delivery in deliveries(PLAN)
        if delivery.fact.message_type == "retail_transaction.completed"
    ][10:12]
    faults = FaultPlan(exact={"duplicate": frozenset(keys)})
    twice = [one.fact.natural_key for one in deliveries(PLAN, faults) if one.kind == "duplicate"]
    assert sorted(twice) == sorted(keys)


def test_a_malformed_copy_is_cut_and_the_good_one_follows() -> None:
    """The copy is a shorter beginning of the same bytes, and the fact itself is sent too."""
    cut = next(one for one in deliveries(PLAN, FAULTS) if one.kind == "malformed")
    good = next(
        one
        for one in deliveries(PLAN, FAULTS)
        if one.kind == "message" and one.fact.natural_key == cut.fact.natural_key
    )
    assert good.body().startswith(cut.body())
    assert len(cut.body()) < len(good.body())


def test_a_line_that_is_no_truth_is_named(tmp_path: Path) -> None:
    """The number of the line is in the error."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"line":"end","messages":0,"faults":0,"totals":[]}\n{"line":"what"}\n')
    with pytest.raises(ConfigurationError) as caught:
        list(read_truth(path))
    assert caught.value.code == "TW-7501"
    assert caught.value.where["line"] == "2"

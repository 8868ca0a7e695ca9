"""Faults, the truth file, and the grade: what was planned, written and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tillway.errors import ConfigurationError
from tillway.model.exact import from_minor, to_minor
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.faults import NO_FAULTS, FaultPlan, Window, deliveries
from tillway.simulator.grade import ERP_MESSAGE_TYPES, HubMessage, grade
from tillway.simulator.plan import ChainPlan
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
FAULTS = FaultPlan(
    rates={"duplicate": 0.05, "conflict": 0.03, "malformed": 0.03, "unknown_tender": 0.03},
    offline=(Window(36_000, 3600, "0002"),),
    erp_down=(Window(43_200, 600),),
)


@dataclass
class Hub:
    """A hub as the grader sees it."""

    kept: list[HubMessage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def outcome_counts(self) -> Mapping[str, int]:
        """Count."""
        return self.counts

    def messages(self) -> Iterable[HubMessage]:
        """List."""
        return self.kept


@dataclass
class Erp:
    """An ERP as the grader sees it."""

    booked: list[ErpDocument] = field(default_factory=list)

    def documents(self) -> Iterable[ErpDocument]:
        """List."""
        return self.booked


def _perfect(faults: FaultPlan = FAULTS) -> tuple[Hub, Erp]:
    """Return a hub and an ERP that did everything right."""
    hub, erp = Hub(), Erp()
    for delivery in deliveries(PLAN, faults):
        fact = delivery.fact
        hub.counts[delivery.outcome] += 1
        if delivery.outcome in {"duplicate", "refused"}:
            continue
        hub.kept.append(
            HubMessage(
                fact.store.system,
                fact.message_type,
                fact.natural_key,
                delivery.outcome,
                fact.store.currency,
                fact.money,
            )
        )
        if delivery.outcome == "accepted" and fact.message_type in ERP_MESSAGE_TYPES:
            number = len(erp.booked) + 1
            erp.booked.append(
                ErpDocument(
                    number, f"k{number}", fact.natural_key, "sale", fact.store.currency,
                    fact.money or 0,
                )
            )  # fmt: skip
    return hub, erp


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
        "store_offline": "accepted_later",
        "erp_down": "delivered_later",
    }
    keys = [line.natural_key for line in read_truth(truth) if isinstance(line, TruthMessage)]
    plain = [delivery.fact.natural_key for delivery in deliveries(PLAN, NO_FAULTS)]
    assert sorted(keys) == sorted(plain)


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


def test_a_perfect_run_is_balanced(truth: Path) -> None:
    """Everything as planned: nothing found, money in equals money booked."""
    verdict = grade(truth, *_perfect())
    assert verdict.balanced, verdict.as_json()
    assert (
        verdict.money_in["retail_transaction.completed EUR"]
        == (verdict.money_booked["retail_transaction.completed EUR"])
    )
    assert msgspec.json.encode(verdict.as_json())


def test_more_duplicates_than_planned_are_no_fault(truth: Path) -> None:
    """An at-least-once sender repeats itself when an answer is lost."""
    hub, erp = _perfect()
    hub.counts["duplicate"] += 7
    assert grade(truth, hub, erp).balanced


def _place(hub: Hub, outcome: str) -> int:
    """Return the place of a message with this outcome; of an accepted one, a receipt."""
    return next(
        at
        for at, one in enumerate(hub.kept)
        if one.outcome == outcome
        and (outcome != "accepted" or one.message_type == "retail_transaction.completed")
    )


def _without(outcome: str) -> Callable[[Hub, Erp], None]:
    return lambda hub, _: hub.kept.pop(_place(hub, outcome)) and None


def _changed(kept_as: str, /, **changes: Any) -> Callable[[Hub, Erp], None]:
    def spoil(hub: Hub, _: Erp) -> None:
        at = _place(hub, kept_as)
        hub.kept[at] = replace(hub.kept[at], **changes)

    return spoil


def _added(**changes: Any) -> Callable[[Hub, Erp], None]:
    return lambda hub, _: hub.kept.append(replace(hub.kept[_place(hub, "accepted")], **changes))


def _counted(outcome: str, times: int) -> Callable[[Hub, Erp], None]:
    return lambda hub, _: hub.counts.__setitem__(outcome, times)


def _rebooked(**changes: Any) -> Callable[[Hub, Erp], None]:
    return lambda _, erp: erp.booked.__setitem__(3, replace(erp.booked[3], **changes))


def _booked_too(**changes: Any) -> Callable[[Hub, Erp], None]:
    return lambda _, erp: erp.booked.append(replace(erp.booked[3], number=99_999, **changes))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (_without("accepted"), "lost"),
        (_without("quarantined"), "lost"),
        (lambda _, erp: erp.booked.pop(3), "lost"),
        (_added(), "doubled"),
        (_booked_too(key="other"), "doubled"),
        (_changed("accepted", outcome="quarantined"), "unexplained"),
        (_added(natural_key="0099:01:2026-11-20:1"), "unexplained"),
        (_added(outcome="conflict"), "unexplained"),
        (_changed("accepted", dead=True), "unexplained"),
        (_booked_too(receipt_key="0099:01:2026-11-20:1"), "unexplained"),
        (_counted("refused", 999), "unexplained"),
        (_changed("accepted", amount_minor=1), "wrong_money"),
        (_changed("conflict", amount_minor=1), "wrong_money"),
        (_rebooked(minor=1), "wrong_money"),
        (_rebooked(currency="GBP"), "wrong_money"),
        (_without("conflict"), "faults_missed"),
        (_changed("quarantined", outcome="accepted"), "faults_missed"),
        (_counted("duplicate", 0), "faults_missed"),
        (_counted("refused", 0), "faults_missed"),
    ],
)
def test_the_grader_finds_what_is_wrong(
    truth: Path, spoil: Callable[[Hub, Erp], None], found: str
) -> None:
    """Positive controls: one thing spoiled in a perfect run, and the verdict names it."""
    hub, erp = _perfect()
    spoil(hub, erp)
    verdict = grade(truth, hub, erp)
    assert not verdict.balanced
    assert getattr(verdict, found).count >= 1, verdict.as_json()

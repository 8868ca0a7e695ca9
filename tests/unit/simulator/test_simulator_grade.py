"""The grade: a perfect run is balanced, and whatever is spoiled in it is found and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tillway.simulator.delivery import Delivery
from tillway.simulator.erp_books import ErpDocument
from tillway.simulator.facts import TillSettle
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.fault_plan import FAULT_KINDS, FaultKind, FaultPlan
from tillway.simulator.faults import deliveries
from tillway.simulator.grade import ERP_MESSAGE_TYPES, grade
from tillway.simulator.plan import ChainPlan
from tillway.simulator.truth import write_truth
from tillway.simulator.verdict import HubMessage, Identity, MissingNumbers

PLAN = ChainPlan(seed=9, stores=5, sales=400)
SHARES = "duplicate=0.05,conflict=0.03,malformed=0.03,unknown-tender=0.03,number-gap=0.03,late=0.03"
FAULTS = fault_plan(
    f"all,{SHARES},out-of-order=0.05,answer-lost=0.03,till-short=0.3,till-over=0.3,"
    "counter-reset=0.3,clock-skew=0.3",
    PLAN,
)


@dataclass
class Hub:
    """A hub as the grader sees it."""

    kept: list[HubMessage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[MissingNumbers] = field(default_factory=list)

    def missing(self) -> Iterable[MissingNumbers]:
        """List."""
        return self.gaps

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


def _perfect(faults: FaultPlan = FAULTS, *, mended: bool = False) -> tuple[Hub, Erp]:
    """Return a hub and an ERP that did everything right; mended: nothing is left in quarantine."""
    hub, erp = Hub(), Erp()
    for delivery in deliveries(PLAN, faults):
        fact = delivery.fact
        hub.counts[delivery.outcome] += 1
        if delivery.outcome == "missing":
            number = fact.number or 0
            where = (fact.store.system, fact.store.business_unit_id, fact.till)
            gap = MissingNumbers(*where, fact.day.isoformat(), number, number, fact.epoch)
            hub.gaps.append(gap)
        if delivery.outcome in {"duplicate", "refused", "missing"}:
            continue
        kept = _kept(delivery)
        hub.kept.append(kept)
        taken_later = mended and delivery.outcome == "quarantined"
        if taken_later:
            hub.kept.append(replace(kept, outcome="accepted"))
        if delivery.outcome != "accepted" and not taken_later:
            continue
        if fact.message_type in ERP_MESSAGE_TYPES:
            number = len(erp.booked) + 1
            repeats = int(delivery.fault == "answer_lost")
            erp.booked.append(
                ErpDocument(
                    number, f"k{number}", fact.natural_key, "sale", fact.store.currency,
                    fact.money or 0, repeats,
                )
            )  # fmt: skip
    return hub, erp


def _kept(delivery: Delivery) -> HubMessage:
    fact = delivery.fact
    over = sum(one.over for one in fact.ledgers) if isinstance(fact, TillSettle) else None
    sent_again = sum(
        one.kind == "duplicate" and one.fact.natural_key == fact.natural_key for one in _copies()
    )
    return HubMessage(
        fact.store.system,
        fact.message_type,
        fact.natural_key,
        delivery.outcome,
        fact.store.currency,
        fact.money,
        business_date=fact.day.isoformat(),
        over_minor=over,
        repeats=sent_again,
    )


@cache
def _copies() -> tuple[Delivery, ...]:
    return tuple(one for one in deliveries(PLAN, FAULTS) if one.kind == "duplicate")


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """The truth of the plan with its faults."""
    path = tmp_path / "truth.jsonl"
    write_truth(path, PLAN, FAULTS)
    return path


def test_a_perfect_run_is_balanced(truth: Path) -> None:
    """Everything as planned: nothing found, money in equals money booked."""
    verdict = grade(truth, *_perfect())
    assert verdict.balanced, verdict.as_json()
    assert (
        verdict.money_in["retail_transaction.completed EUR"]
        == (verdict.money_booked["retail_transaction.completed EUR"])
    )
    assert msgspec.json.encode(verdict.as_json())


def test_what_the_hub_asks_of_the_erp_is_no_message_of_the_chain(truth: Path) -> None:
    """A posting of a day is the hub's own; it is neither unexplained nor money of a receipt."""
    hub, erp = _perfect()
    key = "ledger:0001:2026-11-20:store_day:USD:0"
    hub.kept.append(HubMessage("tillway", "posting.requested", key, "accepted", "USD", 99_00))
    assert grade(truth, hub, erp).balanced


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


def _booked_early(hub: Hub, erp: Erp) -> None:
    """Swap two documents of one till that nothing made late."""
    late = {one.fact.natural_key for one in deliveries(PLAN, FAULTS) if one.fault is not None}
    plain = [at for at, one in enumerate(erp.booked) if one.receipt_key not in late]
    first = plain[0]
    till = erp.booked[first].receipt_key.rsplit(":", 1)[0]
    other = next(at for at in plain[1:] if erp.booked[at].receipt_key.rsplit(":", 1)[0] == till)
    erp.booked[first], erp.booked[other] = erp.booked[other], erp.booked[first]


def _faulty(kind: FaultKind, **changes: Any) -> Callable[[Hub, Erp], None]:
    """Return what changes the message with this fault in the hub."""

    def spoil(hub: Hub, _: Erp) -> None:
        identity = _faulty_identity(kind)
        at = next(at for at, one in enumerate(hub.kept) if one.identity == identity)
        hub.kept[at] = replace(hub.kept[at], **changes)

    return spoil


def _faulty_identity(kind: FaultKind) -> Identity:
    fact = next(one.fact for one in deliveries(PLAN, FAULTS) if one.fault == kind)
    return fact.store.system, fact.message_type, fact.natural_key


def _answered(_: Hub, erp: Erp) -> None:
    key = _faulty_identity("answer_lost")[2]
    at = next(at for at, one in enumerate(erp.booked) if one.receipt_key == key)
    erp.booked[at] = replace(erp.booked[at], repeats=0)


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
        (_faulty("duplicate", repeats=0), "faults_missed"),
        (_faulty("till_short", over_minor=0), "faults_missed"),
        (_faulty("till_over", over_minor=None), "faults_missed"),
        (_faulty("clock_skew", business_date="2026-11-21"), "faults_missed"),
        (_answered, "faults_missed"),
        (lambda hub, _: hub.gaps.pop() and None, "wrong_gaps"),
        (lambda hub, _: hub.gaps.append(replace(hub.gaps[0], first=7, last=9)), "wrong_gaps"),
        (_booked_early, "disordered"),
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


KEYED_FAULTS = [kind for kind in FAULT_KINDS if kind != "malformed"]


@pytest.mark.parametrize("kind", KEYED_FAULTS)
def test_a_fault_told_of_another_key_is_missed_under_that_key(truth: Path, kind: FaultKind) -> None:
    """Positive controls: a truth that is altered makes the grade fail, and the key is named."""
    lines = truth.read_text().splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if f'"fault":"{kind}"' in line)
    lines[at] = lines[at].replace('"natural_key":"', '"natural_key":"9')
    truth.write_text("".join(lines))
    verdict = grade(truth, *_perfect())
    assert not verdict.balanced
    assert f"9{_faulty_identity(kind)[2]}" in str(verdict.as_json()["examples"])


def test_what_was_mended_must_be_quarantined_first_and_booked_then(truth: Path) -> None:
    """With `mended` both are asked for; without it, being booked is a fault missed."""
    hub, erp = _perfect(mended=True)
    assert grade(truth, hub, erp, mended=True).balanced
    assert grade(truth, hub, erp).faults_missed.count > 0
    assert grade(truth, *_perfect(), mended=True).lost.count > 0
    hub.kept = [one for one in hub.kept if one.outcome != "quarantined"]
    key = _faulty_identity("unknown_tender")[2]
    assert key in str(grade(truth, hub, erp, mended=True).faults_missed.examples)


def test_a_number_missing_in_another_run_of_its_counter_is_a_wrong_gap(truth: Path) -> None:
    """The same number of the other run does not stand for it; both are named with their run."""
    hub, erp = _perfect()
    at, gap = next((at, one) for at, one in enumerate(hub.gaps) if one.register_epoch)
    hub.gaps[at] = replace(gap, register_epoch=0)
    found = grade(truth, hub, erp).wrong_gaps
    key = f"{gap.store}:{gap.workstation}:{gap.business_date}:{gap.first}"
    assert found.examples == [
        f"{key}: missing, and it was sent",
        f"{key}:e1: got lost, and is not missing in the hub",
    ]


def test_a_huge_gap_names_its_first_numbers_only(truth: Path) -> None:
    """One mistyped number in the hub makes no million findings."""
    hub, erp = _perfect()
    hub.gaps.append(replace(hub.gaps[0], first=10_000, last=10_000_000))
    assert grade(truth, hub, erp).wrong_gaps.count == 1000

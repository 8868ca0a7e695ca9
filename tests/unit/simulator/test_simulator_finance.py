"""The money after the till: payouts, statements, and the findings each fault must cause."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tillway.errors import ConfigurationError
from tillway.model.exact import to_minor
from tillway.simulator.accounts import TruthDay
from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import CROSS_SYSTEM, DAY_ARITHMETIC, card_references, tenders_of
from tillway.simulator.facts import CashMove, Receipt, TillSettle
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.fault_plan import (
    FINANCE_KINDS,
    MONEY_FAULTS,
    NO_FAULTS,
    FaultKind,
    FaultPlan,
)
from tillway.simulator.faults import deliveries
from tillway.simulator.finance_facts import BankStatement, Payout
from tillway.simulator.finance_grade import (
    expected_days,
    finance_findings,
    unexplained_mismatches,
)
from tillway.simulator.plan import ChainPlan, daily_plan
from tillway.simulator.truth import TruthFault, TruthHeader, TruthMessage, read_truth, write_truth

PLAN = daily_plan(seed=3, stores=6, days=3, sales_a_day=25)

RULES: dict[FaultKind, set[str]] = {
    "duplicate": set(),
    "malformed": set(),
    "answer_lost": set(),
    "counter_reset": set(),
    "clock_skew": set(),
    "conflict": {"SEQ_CONFLICT"},
    "unknown_tender": {"TOTALS_MISMATCH"},
    "number_gap": {"SEQ_GAP", "COUNT_MISMATCH", "TOTALS_MISMATCH", "PAYMENT_NO_TENDER"},
    "late": {"LATE_TRANSACTION"},
    "till_short": {"OVER_SHORT"},
    "till_over": {"OVER_SHORT"},
    "altered": {"TOTALS_MISMATCH", "AMOUNT_DIFF"},
    "wrong_tax": {"TAX_RATE_UNKNOWN"},
    "misdated": {"SEQ_DUPLICATE", "FUTURE_DATE", "COUNT_MISMATCH", "TOTALS_MISMATCH"},
    "future_date": {"FUTURE_DATE", "COUNT_MISMATCH", "TOTALS_MISMATCH"},
    "missing_close": {"STORE_DAY_NOT_CLOSED"},
    "close_count": {"COUNT_MISMATCH"},
    "missing_count": {"MISSING_DECLARATION"},
    "payment_missing": {"TENDER_NO_PAYMENT"},
    "payment_unknown": {"PAYMENT_NO_TENDER"},
    "payout_off": {"PAYOUT_DIFF"},
    "deposit_off": {"DEPOSIT_MISMATCH"},
    "deposit_missing": {"DEPOSIT_MISMATCH"},
}


def _only(kind: FaultKind, rate: float = 0.2) -> FaultPlan:
    return FaultPlan(rates={kind: rate})


def _truth(tmp_path: Path, faults: FaultPlan = NO_FAULTS, plan: ChainPlan = PLAN) -> Path:
    path = tmp_path / "truth.jsonl"
    write_truth(path, plan, faults)
    return path


def _faults(truth: Path, kind: str) -> list[TruthFault]:
    return [one for one in read_truth(truth) if isinstance(one, TruthFault) and one.fault == kind]


def _payouts(every: list[Delivery]) -> list[Payout]:
    return [one.fact for one in every if isinstance(one.fact, Payout)]


def test_without_faults_nothing_is_found_and_every_day_balances(tmp_path: Path) -> None:
    """No finding, no mismatch, and a balanced account for each planned store-day."""
    truth = _truth(tmp_path)
    assert finance_findings(truth) == frozenset()
    days = expected_days(truth)
    assert len(days) == PLAN.stores * PLAN.days
    assert {day.state for day in days} == {"balanced"}
    assert not any(day.mismatches or day.rules for day in days)
    header = next(read_truth(truth))
    assert isinstance(header, TruthHeader)
    assert header.finance


def test_the_acquirer_pays_each_card_payment_once_the_morning_after() -> None:
    """Payments of a day are the entries of its payouts, refunds and post-voids below zero."""
    every = list(deliveries(PLAN))
    paid = Counter(entry.reference for one in _payouts(every) for entry in one.entries)
    assert set(paid.values()) == {1}
    took = {
        tender.payment_ref: tender.amount
        for one in every
        for tender in tenders_of(one.fact)
        if tender.payment_ref
    }
    assert {e.reference: e.gross for one in _payouts(every) for e in one.entries} == took
    assert any(amount < 0 for amount in took.values())
    for payout in _payouts(every):
        assert payout.net == sum(entry.net for entry in payout.entries)
        assert payout.end.date() == payout.bank_day > payout.day
        assert {entry.day for entry in payout.entries} == {payout.day}


def test_the_bank_credits_payouts_and_deposits_and_its_balances_go_on() -> None:
    """Each statement begins with the balance of the one before, and has every credit once."""
    every = list(deliveries(PLAN))
    statements = [one.fact for one in every if isinstance(one.fact, BankStatement)]
    assert len(statements) == 2 * PLAN.days
    balances = {"EUR": 0, "USD": 0}
    for one in statements:
        assert one.opening == balances[one.store.currency]
        balances[one.store.currency] = one.closing
    credited = {line.reference: line.amount for one in statements for line in one.lines}
    deposits = {
        one.fact.envelope: -one.fact.amount
        for one in every
        if isinstance(one.fact, CashMove) and one.fact.kind == "bank_deposit"
    }
    assert credited == {one.payout_id: one.net for one in _payouts(every)} | deposits
    assert len(deposits) == PLAN.stores * PLAN.days


def test_money_comes_in_order_of_time_and_the_same_seed_gives_the_same_bytes() -> None:
    """Payouts and statements stand between the days, also where a fault delays a receipt."""
    faults = fault_plan("all,late=0.05", PLAN)
    every = list(deliveries(PLAN, faults))
    moments = [one.moment for one in every]
    assert moments == sorted(moments)
    bodies = [one.body() for one in every if one.kind != "missing"]
    again = [one.body() for one in deliveries(PLAN, faults) if one.kind != "missing"]
    assert bodies == again


def test_a_chain_without_acquirer_and_bank_is_otherwise_the_same() -> None:
    """Leaving finance out takes the mornings away and changes nothing else."""
    alone = ChainPlan(PLAN.seed, PLAN.stores, PLAN.days, PLAN.sales)
    shops = [one.body() for one in deliveries(PLAN) if one.fact.system == one.fact.store.system]
    assert [one.body() for one in deliveries(alone)] == shops
    with pytest.raises(ConfigurationError, match="acquirer") as caught:
        fault_plan("payout-off", alone)
    assert caught.value.code == "TW-7505"
    assert not MONEY_FAULTS & set(fault_plan("all", alone).rates)


@pytest.mark.parametrize("kind", sorted(RULES))
def test_a_fault_causes_these_findings_and_no_others(tmp_path: Path, kind: FaultKind) -> None:
    """Alone in a chain, a fault shows as its rules say; nothing is found that it does not cause."""
    truth = _truth(tmp_path, _only(kind, 0.05 if kind in {"number_gap", "late"} else 0.2))
    faults = _faults(truth, kind)
    assert faults
    assert {one.rule for one in finance_findings(truth)} == RULES[kind]
    assert unexplained_mismatches(truth) == frozenset()
    assert finance_findings(truth) == {one for fault in faults for one in fault.findings}


def test_every_fault_is_in_the_table_of_its_findings() -> None:
    """All kinds but the one that overtakes, which may come late or not."""
    assert set(fault_plan("all", PLAN).rates) == {*RULES, "out_of_order"}
    assert set(FINANCE_KINDS) <= set(RULES)


@pytest.mark.parametrize("seed", range(1, 6))
def test_figures_of_the_days_and_findings_of_the_faults_agree(tmp_path: Path, seed: int) -> None:
    """Two ways to the same mismatches: each fault by itself, and the sums of what arrived."""
    plan = daily_plan(seed=seed, stores=9, days=4, sales_a_day=20)
    asked = "all,number-gap=0.02,misdated=0.02,future-date=0.01,missing-close=0.2,missing-count=0.2"
    truth = _truth(tmp_path, fault_plan(asked, plan), plan)
    assert unexplained_mismatches(truth) == frozenset()
    found = {one for one in finance_findings(truth) if one.rule in DAY_ARITHMETIC}
    assert found == {one for day in expected_days(truth) for one in day.mismatches}
    assert found


def test_a_mismatch_without_its_fault_is_seen(tmp_path: Path) -> None:
    """Positive control: with its line taken out of the truth, a changed receipt is unexplained."""
    truth = _truth(tmp_path, _only("altered"))
    lines = truth.read_bytes().splitlines(keepends=True)
    truth.write_bytes(b"".join(one for one in lines if b'"fault":"altered"' not in one))
    assert {one.rule for one in unexplained_mismatches(truth)} == {"TOTALS_MISMATCH"}


def test_an_altered_card_payment_differs_from_the_acquirers_and_is_never_left_out() -> None:
    """AMOUNT_DIFF names just the references whose tender was changed; the payout has them all."""
    faults = FaultPlan(rates={"altered": 0.3, "payment_missing": 1.0})
    every = list(deliveries(PLAN, faults))
    named = {
        finding.subject
        for one in every
        for finding in one.findings
        if one.fault == "altered" and finding.rule == "AMOUNT_DIFF"
    }
    amounts = {e.reference: e.gross for one in _payouts(every) for e in one.entries}
    assert named
    told = {
        paid.payment_ref: paid.amount
        for one in every
        for paid in tenders_of(one.fact)
        if paid.payment_ref in amounts
    }
    assert named == {name for name, amount in told.items() if amount != amounts[name]}


def test_the_account_of_a_day_is_what_was_handed_over(tmp_path: Path) -> None:
    """Money of the days is that of the accepted receipts, under the date they were told."""
    truth = _truth(tmp_path, fault_plan("all", PLAN))
    sums: Counter[tuple[str, str]] = Counter()
    for line in read_truth(truth):
        taken = isinstance(line, TruthMessage) and line.outcome == "accepted"
        if taken and line.message_type.startswith("retail_transaction."):
            store, _, day, *_ = line.natural_key.split(":")
            sums[store, day] += to_minor(line.money or "0", line.currency)
    for day in expected_days(truth):
        grand = to_minor(day.grand, day.currency)
        assert grand == sums[day.store, day.business_date]
        assert grand == sum(to_minor(amount, day.currency) for amount in day.tenders.values())


def test_a_day_with_a_hard_finding_is_an_exception_and_no_other(tmp_path: Path) -> None:
    """What holds a day is an error of its own; late sales, acquirer and bank hold none."""
    truth = _truth(tmp_path, fault_plan("all", PLAN))
    hard = {
        (one.store, one.business_date)
        for one in finance_findings(truth)
        if one.rule not in CROSS_SYSTEM | {"LATE_TRANSACTION"}
    }
    held = {_place(day) for day in expected_days(truth) if day.state == "exceptions"}
    planned = {_place(day) for day in expected_days(truth)}
    assert held == hard & planned
    assert held < planned


def _place(day: TruthDay) -> tuple[str, str]:
    return day.store, day.business_date


def test_only_what_comes_after_its_close_is_late(tmp_path: Path) -> None:
    """A delay within the day leaves no finding; without a close record nothing is late."""
    truth = _truth(tmp_path, _only("late", 0.1))
    late = _faults(truth, "late")
    assert {bool(one.findings) for one in late} == {True, False}
    assert all(one.findings for one in late if one.detail in {"24 h", "48 h", "72 h"})
    unclosed = _truth(tmp_path, FaultPlan(rates={"late": 0.1, "missing_close": 1.0}))
    of_brands = [one for one in _faults(unclosed, "late") if one.system != "northgate"]
    assert of_brands
    assert not any(one.findings for one in of_brands)


def test_faults_of_receipts_befall_none_that_the_acquirer_knows() -> None:
    """What is moved or unreadable was paid without a card."""
    rates: dict[FaultKind, float] = {
        "misdated": 0.1, "future_date": 0.1, "unknown_tender": 0.1,
    }  # fmt: skip
    marked = [one for one in deliveries(PLAN, FaultPlan(rates=rates)) if one.fault is not None]
    assert {one.fault for one in marked} == set(rates)
    assert not any(card_references(one.fact) for one in marked)


def test_a_copy_of_the_next_day_is_one_number_under_two_keys() -> None:
    """The same receipt goes out twice, the second one dated a day later, with the number kept."""
    every = list(deliveries(PLAN, _only("misdated", 0.1)))
    keys = {one.fact.natural_key for one in every if one.fault is None}
    copies = [one.fact for one in every if one.fault == "misdated"]
    assert copies
    for copy in copies:
        assert isinstance(copy, Receipt)
        store, till, _, number = copy.natural_key.split(":")
        firsts = {f"{store}:{till}:{day.isoformat()}:{number}" for day in PLAN.dates()}
        assert len(firsts & keys) == 1
        assert copy.natural_key not in keys


def test_only_tills_that_traded_go_uncounted(tmp_path: Path) -> None:
    """A shop without a sale counts its tills, because nobody would miss the count."""
    plan = daily_plan(seed=2, stores=3, days=2, sales_a_day=0)
    assert not _faults(_truth(tmp_path, _only("missing_count", 1.0), plan), "missing_count")
    every = list(deliveries(PLAN, _only("missing_count", 1.0)))
    told = {one.fact.store.system for one in every if isinstance(one.fact, TillSettle)
            and one.kind == "message"}  # fmt: skip
    assert told == {"northgate"}


def test_exact_lists_name_records_payouts_and_deposits(tmp_path: Path) -> None:
    """A day by shop and date, a payout by its number, a deposit by its reference."""
    exact: dict[FaultKind, frozenset[str]] = {
        "missing_close": frozenset({"0002:2026-11-21"}),
        "payout_off": frozenset({"PO261120S0001USD"}),
        "deposit_missing": frozenset({"DEP0003D261122"}),
        "missing_count": frozenset({"0003:01:20261120-01"}),
    }
    found = finance_findings(_truth(tmp_path, FaultPlan(exact=exact)))
    assert {(one.rule, one.store, one.business_date, one.subject) for one in found} == {
        ("STORE_DAY_NOT_CLOSED", "0002", "2026-11-21", ""),
        ("PAYOUT_DIFF", "0001", "2026-11-20", "PO261120S0001USD"),
        ("DEPOSIT_MISMATCH", "0003", "2026-11-22", "DEP0003D261122"),
        ("MISSING_DECLARATION", "0003", "2026-11-20", "till 01"),
    }

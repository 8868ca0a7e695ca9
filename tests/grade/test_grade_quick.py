"""A few small simulated weeks through the real hub, and proof that the grader would notice."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from grade.verdict import Verdict, judged
from grade.week import Week, started_week, without_windows
from tillway.journal.projection import Change
from tillway.simulator.fault_plan import FAULT_KINDS, FINANCE_KINDS
from tillway.simulator.plan import ChainPlan, daily_plan

SEEDS = (1, 2)
STORES, DAYS, SALES = 6, 3, 25
OFTEN = (
    "all,conflict=0.02,malformed=0.02,unknown-tender=0.02,altered=0.03,wrong-tax=0.03,late=0.02,"
    "misdated=0.02,future-date=0.02,answer-lost=0.01,till-short=0.1,till-over=0.1,number-gap=0.02,"
    "counter-reset=0.1,clock-skew=0.1,missing-close=0.15,close-count=0.15,missing-count=0.15,"
    "payment-missing=0.2,payment-unknown=0.2,payout-off=0.2,deposit-off=0.2,deposit-missing=0.15"
)
"""So often that every kind comes up in the few sales of the seeds."""


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """Return the kinds of fault that the seeds had so far."""
    return Counter()


@pytest.mark.parametrize("seed", SEEDS)
async def test_everything_is_found_and_nothing_invented(
    tmp_path: Path, seed: int, seen: Counter[str]
) -> None:
    """All findings of the truth and no others, its money to the cent, and its states."""
    plan = daily_plan(seed, STORES, DAYS, SALES)
    async with started_week(tmp_path, plan, without_windows(OFTEN, plan)) as week:
        await week.play()
        verdict = await judged(week)
    assert verdict.good, verdict.details
    assert verdict.found == verdict.faults > 0
    assert verdict.findings > verdict.faults / 3
    seen.update(verdict.by_fault)


def test_every_kind_of_fault_came_up(seen: Counter[str]) -> None:
    """The seeds together have each fault there is; without a run before it, nothing is said."""
    if seen:
        assert {*FAULT_KINDS, *FINANCE_KINDS} <= seen.keys()


async def test_a_rule_that_is_off_is_missed(tmp_path: Path) -> None:
    """Without the rule of conflicts every conflict is missed, and nothing else."""
    plan = _small(seed=3)
    faults = without_windows("conflict=0.1", plan)
    off = '[rules.SEQ_CONFLICT]\nseverity = "off"'
    async with started_week(tmp_path, plan, faults, off) as week:
        await week.play()
        verdict = await judged(week)
    assert verdict.missed == verdict.faults > 0
    assert verdict.invented == 0


async def test_what_is_made_up_and_a_wrong_cent_are_noticed(tmp_path: Path) -> None:
    """A finding without a fault is invented; a cent more in a sum is other money."""
    plan = _small(seed=4)
    async with started_week(tmp_path, plan, without_windows("till-short=0.5", plan)) as week:
        await week.play()
        clean = await judged(week)
        assert clean.good, clean.details
        assert clean.found > 0
        await _make_up(week)
        assert (await judged(week)).invented == 1
        assert (await _with_a_cent_more(week)).money_equal is False


def _small(seed: int) -> ChainPlan:
    return daily_plan(seed, stores=3, days=1, sales_a_day=20)


async def _make_up(week: Week) -> None:
    """Put a finding on record that nothing caused: one of the till counts, of another shop."""
    books = week.books
    day = week.plan.first_day.isoformat()
    [real] = await books.ask(
        "SELECT store, subject FROM recon_finding WHERE state = 'open' LIMIT 1"
    )
    known = (await books.log.known(real[0], day))["OVER_SHORT", real[1]]
    change = Change()
    await books.log.decide(replace(known, subject="till 99"), change)
    await books.commit(change)


async def _with_a_cent_more(week: Week) -> Verdict:
    """Judge the week with one sum of one day a cent too high."""
    store = week.plan.store_plans()[0]
    entry = await week.books.shelf.entry(store.business_unit_id, week.plan.first_day.isoformat())
    entry.book.sums[store.currency].grand += Decimal("0.01")
    return await judged(week)

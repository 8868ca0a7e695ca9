"""The simulated chain: every receipt balances, every number is used once, the seed is the story."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.simulator.brands import render
from tillway.simulator.chain import chain_facts
from tillway.simulator.facts import DayClose, PostVoid, Receipt, TillSettle, amount_text
from tillway.simulator.plan import ChainPlan
from tillway.simulator.receipts import altered_copy, half_up, reversed_copy

plans = st.builds(
    ChainPlan,
    seed=st.integers(0, 10_000),
    stores=st.integers(1, 7),
    days=st.integers(1, 3),
    sales=st.integers(0, 60),
)


def _balances(receipt: Receipt) -> bool:
    live = [line for line in receipt.lines if not line.voided]
    added = 0 if receipt.store.habits.tax_included else receipt.tax
    return (
        receipt.gross == sum(line.gross for line in live)
        and receipt.discount == sum(line.discount for line in live)
        and receipt.net == sum(line.net for line in live)
        and receipt.tax == sum(tax.tax for tax in receipt.taxes)
        and receipt.grand == receipt.net + added + receipt.rounding + receipt.tip
        and receipt.tip == sum(paid.tip for paid in receipt.tenders)
        and receipt.grand == sum(paid.amount for paid in receipt.tenders)
        and receipt.rounding == sum(paid.rounding for paid in receipt.tenders)
        and all(paid.tendered - paid.change == paid.amount for paid in receipt.tenders
                if paid.tendered)
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(plans)
def test_every_receipt_and_every_post_void_balances(plan: ChainPlan) -> None:
    """Lines, taxes, rounding and tenders of each receipt add up, and so do its changed copies."""
    for fact in chain_facts(plan):
        if isinstance(fact, PostVoid):
            assert _balances(fact.reversed_receipt)
        if isinstance(fact, Receipt):
            assert _balances(fact)
            assert _balances(reversed_copy(fact))
            if fact.kind == "sale" and fact.grand > 0 and _has_goods(fact):
                changed = altered_copy(fact)
                assert _balances(changed)
                assert changed.grand > fact.grand


@settings(max_examples=40, deadline=None)
@given(plans)
def test_numbers_of_a_register_leave_no_gap(plan: ChainPlan) -> None:
    """Each register counts from 1 without a gap or a repeat, control records included."""
    numbers: dict[tuple[str, str], int] = {}
    for fact in chain_facts(plan):
        if fact.number is not None:
            register = (fact.store.business_unit_id, fact.till)
            assert fact.number == numbers.get(register, 0) + 1
            numbers[register] = fact.number


@settings(max_examples=25, deadline=None)
@given(plans)
def test_the_stream_is_in_order_of_time_and_has_the_planned_sales(plan: ChainPlan) -> None:
    """Facts come in order of their end, and receipts are exactly as many as planned."""
    facts = list(chain_facts(plan))
    ends = [fact.end for fact in facts]
    assert ends == sorted(ends)
    assert sum(isinstance(fact, Receipt) for fact in facts) == plan.sales


@settings(max_examples=25, deadline=None)
@given(plans)
def test_no_two_facts_share_an_identity(plan: ChainPlan) -> None:
    """Shop, message type and natural key name one fact."""
    seen = Counter(
        (fact.store.system, fact.message_type, fact.natural_key) for fact in chain_facts(plan)
    )
    assert all(times == 1 for times in seen.values())


@settings(max_examples=15, deadline=None)
@given(plans)
def test_the_same_seed_gives_the_same_bytes(plan: ChainPlan) -> None:
    """Two runs of one plan are equal byte for byte; another seed tells another story."""
    first = b"".join(map(render, chain_facts(plan)))
    assert first == b"".join(map(render, chain_facts(plan)))
    other = ChainPlan(plan.seed + 1, plan.stores, plan.days, plan.sales)
    if plan.sales > 5:
        assert first != b"".join(map(render, chain_facts(other)))


@settings(max_examples=25, deadline=None)
@given(plans)
def test_the_day_declares_what_its_receipts_add_up_to(plan: ChainPlan) -> None:
    """Totals of the day, numbers of its registers and the tills agree with the receipts."""
    grand: Counter[tuple[str, str]] = Counter()
    tenders: Counter[tuple[str, str, str]] = Counter()
    for fact in chain_facts(plan):
        store, day = fact.store.business_unit_id, fact.day.isoformat()
        receipt = fact.reversed_receipt if isinstance(fact, PostVoid) else fact
        if isinstance(receipt, Receipt):
            grand[store, day] += receipt.grand
            for paid in receipt.tenders:
                tenders[store, fact.till, paid.kind] += paid.amount
        if isinstance(fact, TillSettle):
            for ledger in fact.ledgers:
                key = (store, fact.till, ledger.kind)
                assert ledger.sales - ledger.returns == tenders.pop(key, 0)
        if isinstance(fact, DayClose):
            assert fact.sums.grand == grand[store, day]
            assert sum(amount for _, amount in fact.sums.tenders.values()) == grand[store, day]


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_half_up_rounds_to_the_nearest_away_from_zero(numerator: int, denominator: int) -> None:
    """The result is within half a unit, and the mirror image rounds to the mirror image."""
    rounded = half_up(numerator, denominator)
    assert 2 * abs(rounded * denominator - numerator) <= denominator
    assert half_up(-numerator, denominator) == -rounded


@given(st.integers(-(10**12), 10**12))
def test_amount_text_says_the_cents_exactly(minor: int) -> None:
    """Taking the point out gives the cents back."""
    text = amount_text(minor)
    assert int(text.replace(".", "")) == minor
    assert text[-3] == "."


def _has_goods(receipt: Receipt) -> bool:
    return any(line.kind == "sale" and not line.voided for line in receipt.lines)

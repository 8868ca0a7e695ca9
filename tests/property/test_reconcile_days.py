"""Store-days over all standings, orders, windows and restarts: the same facts, the same day."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.model.sequence import missing_numbers
from tillway.reconcile.day_book import DayBook
from tillway.reconcile.facts import Fact, Paid
from tillway.reconcile.findings import Finding, compared
from tillway.reconcile.numbers import Numbers, holes
from tillway.reconcile.store_day import MEANINGS, Standing, State, path_between, state_of
from unit.reconcile.books import Books, close, count, later, no_sale, pickup, receipt
from unit.reconcile.days import DAY, STORE, moved, sale

NEXT = "2026-11-21"
STANDINGS = st.builds(
    Standing,
    has_messages=st.booleans(),
    complete=st.booleans(),
    blocking=st.integers(0, 3),
    past_cut_off=st.booleans(),
    expected=st.booleans(),
    approved=st.booleans(),
    asked=st.booleans(),
    posted=st.booleans(),
    changed_since_posting=st.booleans(),
)
STATES: st.SearchStrategy[State] = st.sampled_from(sorted(MEANINGS))
TIMED = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 1000)), max_size=40)


@given(STANDINGS)
def test_every_standing_has_one_state(how: Standing) -> None:
    """Nothing is balanced or released that is not whole and free of what blocks it."""
    state = state_of(how)
    assert state in MEANINGS
    if state in ("balanced", "approved") and not how.asked:
        assert how.has_messages
        assert how.complete
        assert not how.blocking
    if how.posted:
        assert state == ("reopened" if how.changed_since_posting else "posted")
    if how.past_cut_off and how.expected and not (how.posted or how.asked):
        assert state not in ("open", "receiving")
    assert state != "complete", "a whole day is judged at once"


@given(STATES, STATES)
def test_a_path_ends_where_it_should(old: State, new: State) -> None:
    """It never stands still, never doubles a step, and passes nothing after its end."""
    path = path_between(old, new)
    assert path == () if old == new else path[-1] == new
    assert len(set(path)) == len(path)


@given(TIMED)
def test_runs_are_a_set_of_numbers(taken: list[tuple[int, int]]) -> None:
    """Membership, length, holes and order against the clock are those of a plain set."""
    numbers, plain = Numbers(), dict[int, int]()
    for number, at in taken:
        assert numbers.add(number, at) is (number not in plain)
        plain.setdefault(number, at)
    assert list(numbers) == sorted(plain)
    assert len(numbers) == len(plain)
    backwards = [n for n, at in plain.items() if n - 1 in plain and at < plain[n - 1]]
    assert (numbers.backwards, numbers.lowest) == (len(backwards), sorted(backwards)[:20])
    if plain:
        missing = [n for low, high in holes(numbers.spans, 1, 45) for n in range(low, high + 1)]
        assert missing == list(missing_numbers(1, 45, plain))


AMOUNTS = st.decimals(-99, 99, places=2)
FACTS = st.one_of(
    st.builds(lambda n, amount: sale(n, str(abs(amount))), st.integers(1, 50), AMOUNTS),
    st.builds(
        lambda n, amount: sale(n, "5.00", tenders=(Paid("debit", amount), Paid("cash", -amount))),
        st.integers(1, 50),
        AMOUNTS,
    ),
    st.builds(lambda n, amount: moved(n, "bank_deposit", str(amount)), st.integers(1, 50), AMOUNTS),
)


def money_in(book: DayBook) -> dict[str, Decimal]:
    """Return every figure of a book that is not zero."""
    found: dict[str, Decimal] = {"messages": Decimal(book.messages)}
    for currency, sums in book.sums.items():
        for name in ("gross", "net", "tax", "grand", "rounding", "tip", "discount", "returns"):
            found[f"{currency} {name}"] = getattr(sums, name)
        found |= {f"{currency} {kind}": one.amount for kind, one in sums.tenders.items()}
        found |= {f"{currency} tax {rate}": one.tax for rate, one in sums.taxes.items()}
    for drawer, moved_in in book.moved.items():
        for currency, by_tender in moved_in.items():
            found |= {f"{drawer} {currency} {kind}": one for kind, one in by_tender.items()}
    for operator, acts in book.operators.items():
        found[f"{operator} receipts"] = Decimal(acts.receipts)
    found["deposits"] = sum((one.amount for one in book.deposits.values()), Decimal(0))
    return {name: amount for name, amount in found.items() if amount}


@given(st.lists(FACTS, max_size=12))
def test_what_is_added_and_taken_out_leaves_nothing(facts: list[Fact]) -> None:
    """Every figure is what it was; only the numbers stay seen."""
    book = DayBook()
    before = money_in(book)
    for sign in (1, -1):
        for position, fact in enumerate(facts, 1):
            book.add(fact, position, sign=sign)
    assert money_in(book) == before
    seen = {fact.number for fact in facts}
    numbers = book.registers["03"].numbers[0] if facts else ()
    assert set(numbers) == seen


SAID = st.lists(
    st.builds(
        lambda subject, found: Finding("SEQ_GAP", STORE, DAY, subject, found=found),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["1", "2"]),
    ),
    max_size=3,
    unique_by=lambda one: one.subject,
)


@given(st.lists(SAID, min_size=1, max_size=5))
def test_saying_the_same_twice_changes_nothing(rounds: list[list[Finding]]) -> None:
    """After each round exactly what was said is open, and saying it again is no change."""
    known: dict[tuple[str, str], Finding] = {}
    for at, said in enumerate(rounds, 1):
        known |= {(one.rule, one.subject): one for one in compared(known, said, at)}
        assert compared(known, said, at + 100) == []
        still = {one.subject: one.found for one in known.values() if one.state == "open"}
        assert still == {one.subject: one.found for one in said}
        assert all(one.first_seen <= one.changed_at for one in known.values())


def messages() -> list[Any]:
    """Return two days of a shop: a gap, a misdated number, movements, a count and a close."""
    return [
        *(receipt(number) for number in (1, 2, 4, 5)),
        no_sale(6),
        pickup(7),
        receipt(8, begin_at=None, end_at=None),
        receipt(9, day=NEXT),
        receipt(11, day=NEXT),
        receipt(10),
        later(count(), till_id="03"),
        close(),
    ]


async def told(plan: list[tuple[int, str]]) -> dict[str, Any]:
    """Play the messages in this order and say what the books hold at the end."""
    books = Books("business_day.closed", "till.settled")
    all_of_them = messages()
    for index, then in plan:
        await books.take(all_of_them[index])
        if then in ("read", "restart"):
            await books.keeper.step()
        if then == "judge":
            await books.keeper.catch_up()
        if then == "restart":
            books.restart()
    found: dict[str, Any] = {}
    for day in (DAY, NEXT):
        entry = await books.caught_up(day=day)
        book = entry.book
        found[day] = (
            entry.day.state,
            entry.day.gaps,
            money_in(book),
            {name: one.numbers[0].spans for name, one in book.registers.items()},
            book.closed,
            sorted(
                (rule, subject, one.expected, one.found, one.difference)
                for (rule, subject), one in (await books.open_findings(day)).items()
                if rule != "LATE_TRANSACTION"
            ),
        )
    return found


PLANS = st.permutations(range(len(messages()))).flatmap(
    lambda order: st.tuples(
        *(
            st.tuples(st.just(index), st.sampled_from(["", "read", "judge", "restart"]))
            for index in order
        )
    )
)


@settings(max_examples=30, deadline=None)
@given(PLANS)
def test_any_order_window_and_restart_gives_the_same_days(
    plan: tuple[tuple[int, str], ...],
) -> None:
    """Book, findings and state are those of one reading in order; only being late may differ."""
    expected = asyncio.run(told([(index, "") for index in range(len(messages()))]))
    assert ("SEQ_GAP", "03:3", "", "", "") in expected[DAY][-1]
    assert asyncio.run(told(list(plan))) == expected


def test_a_message_less_is_another_day() -> None:
    """The comparison above would notice a receipt that is lost on the way."""
    whole = [(index, "judge") for index in range(len(messages()))]
    assert asyncio.run(told(whole)) == asyncio.run(told([(index, "") for index, _ in whole]))
    assert asyncio.run(told(whole[1:])) != asyncio.run(told(whole))

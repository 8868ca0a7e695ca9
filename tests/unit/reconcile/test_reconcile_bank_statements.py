"""Bank statements that follow one another: what is missing between two of them is found."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.reconcile.bank_statements import BankStatement, gaps
from tillway.reconcile.findings import Finding, finding_from
from tillway.reconcile.tables import read
from unit.reconcile.books import Books, statement_line


async def found(books: Books, state: str = "open") -> list[Finding]:
    """Return the gaps on record."""
    await books.keeper.catch_up()
    rows = await books.journal.ask(read("findings"), ("", "", "9999-99-99", state, "STATEMENT_GAP"))
    return [finding_from(row) for row in rows]


async def test_a_statement_that_is_missing_is_found_and_goes_when_it_comes() -> None:
    """Both balances, what the missing lines come to, and the statements around it."""
    books = Books()
    await books.take(statement_line(1, "100.00", "5.00"), statement_line(2, "105.00", "10.00"))
    await books.take(statement_line(4, "90.00", "1.00"))
    [gap] = await found(books)
    assert (gap.store, gap.business_date, gap.subject) == ("", "2026-11-06", "acc-1 S4")
    assert (gap.expected, gap.found, gap.difference) == ("115.00", "90.00", "-25.00")
    assert gap.currency == "EUR"
    assert "S2 of 2026-11-04" in gap.detail

    books.restart()
    await books.take(statement_line(3, "115.00", "-25.00"))
    assert await found(books) == []
    [closed] = await found(books, "gone")
    assert closed.subject == "acc-1 S4"


async def test_what_a_process_did_not_come_to_judge_the_next_one_does() -> None:
    """A statement was kept, and the process ended before the look that would have told."""
    books = Books()
    await books.take(statement_line(1, "100.00", "5.00"), statement_line(3, "90.00", "1.00"))
    assert await books.keeper.step()
    books.restart()
    assert len(await found(books)) == 1


async def test_each_account_and_currency_has_its_own_chain() -> None:
    """And only statements count: a report within the day ends where it likes."""
    books = Books()
    await books.take(
        statement_line(1, "100.00", "5.00"),
        statement_line(2, "7.00", "1.00", account="acc-2"),
        statement_line(3, "40.00", "1.00", currency="USD"),
        statement_line(4, "55.00", "1.00", document="intraday"),
        statement_line(5, "105.00", "1.00"),
    )
    assert await found(books) == []


async def test_a_statement_of_many_lines_is_one_statement() -> None:
    """Every line bears its balances; lines that are not booked do too."""
    books = Books()
    whole = {"opening_balance": Decimal("100.00"), "closing_balance": Decimal("108.00")}
    await books.take(
        statement_line(1, "100.00", "3.00", **whole),
        statement_line(1, "100.00", "5.00", line_no=2, **whole),
        statement_line(1, "100.00", "9.00", line_no=3, status="pending", **whole),
        statement_line(2, "108.00", "1.00"),
    )
    assert await found(books) == []


async def test_lines_without_balances_prove_nothing() -> None:
    """A bank, or a mapping, that tells none is not judged."""
    books = Books()
    none = {"opening_balance": None, "closing_balance": None}
    await books.take(
        statement_line(1, "100.00", "5.00", **none), statement_line(9, "1.00", "5.00", **none)
    )
    assert await found(books) == []


@given(st.data())
@settings(deadline=None)
def test_whatever_order_they_come_in_only_what_is_missing_is_a_gap(data: st.DataObject) -> None:
    """Several on a day are put in order by their balances; each one left out is one gap."""
    booked = data.draw(st.lists(st.integers(1, 999), min_size=2, max_size=12))
    days = data.draw(st.lists(st.integers(0, 2), min_size=len(booked), max_size=len(booked)))
    balances = list(accumulate(booked, initial=100))
    chain = [
        BankStatement(f"S{at}", f"2026-11-{2 + day:02}", Decimal(opening), Decimal(closing), at)
        for at, ((opening, closing), day) in enumerate(
            zip(pairwise(balances), accumulate(days), strict=True)
        )
    ]
    arrived = data.draw(st.permutations(chain))
    assert list(gaps(arrived)) == []

    left_out = data.draw(st.sampled_from(chain[1:-1])) if chain[2:] else None
    if left_out is not None:
        at = chain.index(left_out)
        rest = [one for one in arrived if one is not left_out]
        assert list(gaps(rest)) == [(chain[at - 1], chain[at + 1])]

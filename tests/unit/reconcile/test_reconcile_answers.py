"""What people ask about store-days: groups, the matrix, open items, one day in full."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tillway.errors import ConfigurationError
from tillway.journal.memory import MemoryJournal
from tillway.journal.projection import Change
from tillway.journal.sqlite import open_sqlite
from tillway.reconcile import (
    LEGEND,
    Finding,
    StoreDay,
    alike_by_rule,
    alike_findings,
    business_date,
    by_rule,
    day_in_full,
    is_kept,
    last_days,
    matrix,
    matrix_of,
    open_items,
    ready,
    store_books,
    store_days,
    symbol_of,
)
from tillway.reconcile.findings import finding_row
from tillway.reconcile.signs import SIGNS
from tillway.reconcile.tables import tables, write
from unit.reconcile.days import DAY, STORE
from unit.reconcile.told_days import GAP_DAY, told_days

TODAY = "2026-11-21"


def day(store: str, state: str, **more: object) -> StoreDay:
    """Return a day of a shop in a state."""
    return StoreDay(day_id=1, store=store, business_date=DAY, state=state, **more)  # type: ignore[arg-type]


async def test_nothing_was_kept_or_nothing_is_wanted() -> None:
    """Two codes: the hub has not run yet, or the project reconciles nothing."""
    journal = MemoryJournal()
    assert not await is_kept(journal)
    with pytest.raises(ConfigurationError, match="no store-day") as not_yet:
        await ready(journal)
    with pytest.raises(ConfigurationError, match=r"recon/store-day\.toml") as never:
        await ready(journal, wanted=False)
    assert (not_yet.value.code, never.value.code) == ("TW-6902", "TW-6901")


def test_findings_are_grouped_by_rule_and_currency() -> None:
    """Counts, shops, the oldest, and money per currency without signs, never added across."""
    found = [
        Finding("OVER_SHORT", "1", DAY, "a", currency="EUR", difference="-2.50", first_seen=7),
        Finding("OVER_SHORT", "1", DAY, "b", currency="EUR", difference="1.00", first_seen=5),
        Finding("OVER_SHORT", "2", DAY, "c", currency="USD", difference="4", owner="mia"),
        Finding(
            "REASON_CODE_REQUIRED", "", "", "d", severity="warn", currency="EUR", difference="void"
        ),
    ]
    blocking, warned = by_rule(found)
    assert (blocking.rule, blocking.count, blocking.stores) == ("OVER_SHORT", 3, 2)
    assert blocking.money == {"EUR": Decimal("3.50"), "USD": Decimal(4)}
    assert blocking.owners == ["mia"]
    assert (warned.severity, warned.stores, warned.money) == ("warn", 0, {})


async def test_findings_counted_where_they_are_alike_make_the_same_groups(tmp_path: Path) -> None:
    """A screen of groups reads a few rows however many findings there are, and tells the same."""
    journal = await open_sqlite(tmp_path / "journal.db")
    await journal.open_tables(tables())
    kept = [
        Finding("OVER_SHORT", f"{at % 3}", DAY, f"{at}", currency="EUR", first_seen=90 - at,
                difference="-2.50" if at % 2 else "1.00", owner="mia" if at == 7 else "")
        for at in range(40)
    ]  # fmt: skip
    kept += [
        Finding("SEQ_GAP", "1", DAY, f"{at}", severity="warn", first_seen=5) for at in range(9)
    ]
    other = [
        Finding("SEQ_GAP", "1", "2026-11-21", "a", severity="error", first_seen=1),
        Finding("SEQ_GAP", "1", DAY, "gone", state="gone", first_seen=1),
    ]
    change = Change()
    change.run(write("finding"), *(finding_row(one) for one in (*kept, *other)))
    await journal.project(change)
    alike = await alike_findings(journal, first=DAY, last=DAY)
    of_one = await alike_findings(journal, first=DAY, last=DAY, store="2")
    await journal.close()
    assert alike_by_rule(alike) == by_rule(kept)
    assert len(alike) < 10
    assert sum(one.count for one in of_one) == sum(one.store == "2" for one in kept)


def test_the_matrix_begins_with_most_at_risk() -> None:
    """By the largest single amount of days that are off; a quiet shop comes last."""
    found = matrix_of(
        [
            day("1", "balanced", money={"EUR": "900"}),
            day("2", "exceptions", money={"EUR": "10", "USD": "11"}),
            day("3", "reopened", money={"EUR": "50"}),
            day("4", "exceptions"),
        ]
    )
    assert [row.store for row in found.rows] == ["3", "2", "4", "1"]
    assert found.rows[1].at_risk == {"EUR": Decimal(10), "USD": Decimal(11)}
    assert found.states == {"balanced": 1, "exceptions": 2, "reopened": 1}
    assert [row.cells[DAY].sign for row in found.rows] == ["R", "!", "!", "="]


async def test_the_matrix_read_from_the_tables_is_that_of_the_days() -> None:
    """The same shops, cells and amounts, of the shops one sees and nobody else's."""
    books = await told_days()
    seen = await matrix(books.journal, lambda _store: True)
    assert seen == matrix_of(await store_days(books.journal))
    assert [row.store for row in seen.rows] == [STORE]
    assert {DAY, GAP_DAY} <= set(seen.dates)
    only = await matrix(books.journal, lambda _store: True, first=DAY, last=DAY)
    assert only.dates == [DAY]
    assert (await matrix(books.journal, lambda store: store != STORE)).rows == []


def test_cells_that_are_alike_are_one() -> None:
    """Unless they show an amount: that is of their day alone."""
    days = [day(name, "exceptions", messages=3) for name in ("1", "2")]
    apart = [day(name, "exceptions", messages=3, difference={"EUR": "1"}) for name in ("3", "4")]
    cells = [row.cells[DAY] for row in matrix_of([*days, *apart]).rows]
    assert cells[0] is cells[1]
    assert cells[2] == cells[3] != cells[0]
    assert cells[2].amount == {"EUR": "1"}


def test_every_sign_has_its_word() -> None:
    """A gap is drawn over any state; an exception without a message is missing data."""
    assert {*SIGNS.values(), "!", "#"} == set(LEGEND)
    assert symbol_of(day("1", "posted", gaps=1)) == "#"
    assert symbol_of(day("1", "exceptions")) == "!"
    assert symbol_of(day("1", "exceptions", messages=3)) == "?"


def test_what_is_unfinished_of_a_shop() -> None:
    """Days with sales that are not posted, and their money; an empty day is no money."""
    [(store, books)] = store_books(
        [day("1", "receiving", messages=2, money={"EUR": "5"}), day("1", "open")], {"": 3}
    ).items()
    assert (store, books.unposted_days, books.unposted) == ("1", 1, {"EUR": Decimal(5)})


async def test_a_day_in_full_shows_every_side() -> None:
    """Figures, findings, the processor's part, the posting."""
    books = await told_days()
    found = await day_in_full(books.journal, STORE, GAP_DAY)
    assert found is not None
    assert [one.rule for one in found.findings if one.blocks] == [
        "SEQ_GAP",
        "STORE_DAY_NOT_CLOSED",
    ]
    assert [one.state for one in found.postings] == ["wanted"]
    assert found.in_erp == {}
    other = await day_in_full(books.journal, STORE, DAY, today=TODAY)
    assert other is not None
    [card] = [one for one in other.on_its_way if one.party == "cardco"]
    assert (card.amount, card.found, card.waiting, card.overdue) == (
        "20.00",
        "7.50",
        "12.50",
        "12.50",
    )
    assert await day_in_full(books.journal, "9999", DAY) is None


async def test_open_items_have_age_and_are_overdue_after_their_date() -> None:
    """Oldest first; what found its counterpart is no open item."""
    books = await told_days()
    found = await open_items(books.journal, today=TODAY)
    shown = [(one.kind, one.days, one.overdue) for one in found]
    assert sorted(shown) == [("credit", 1, False), ("tender", 1, True)]
    assert await open_items(books.journal, today=TODAY, kind="payout") == []


async def test_days_come_in_pages_and_by_state() -> None:
    """Limit and offset walk through the same order."""
    books = await told_days()
    all_ = await store_days(books.journal)
    pages = [await store_days(books.journal, limit=1, offset=at) for at in range(len(all_))]
    assert [one.business_date for [one] in pages] == [one.business_date for one in all_]
    [balanced] = await store_days(books.journal, state="balanced")
    assert balanced.business_date == DAY


def test_business_dates_are_read_or_refused_with_their_field() -> None:
    """ISO only; nothing is the default."""
    assert business_date("2026-11-20") == DAY
    assert business_date("", "x") == "x"
    assert last_days(DAY, 2) == (GAP_DAY, DAY)
    with pytest.raises(ConfigurationError) as wrong:
        business_date("20.11.2026", field="from")
    assert (wrong.value.code, wrong.value.path) == ("TW-6904", "from")

"""`tillway dlq list --money`: what finance asks of the problems."""

from __future__ import annotations

import asyncio
import json
import secrets
from decimal import Decimal
from pathlib import Path

import pytest

from operating_world import seeded_journal
from tillway.cli import exit_codes
from tillway.cli.app import run_verb
from tillway.clock import MICROSECONDS, utc_text
from tillway.journal.sqlite import open_sqlite
from tillway.observe import Problem
from tillway.observe.stuck import stuck_money
from tillway.project.template import Variables, new_project

NOW = 1_800_000_000 * MICROSECONDS


def problem(group: str, hours: float, **amounts: str) -> Problem:
    """Return a problem of one message that is so old."""
    money = {currency: Decimal(amount) for currency, amount in amounts.items()}
    first = utc_text(NOW - round(hours * 3600 * MICROSECONDS))
    fields = ("dead", "delivery", "pos-to-erp", "erp", "TW-4105", "", "", "")
    return Problem(group, *fields, count=1, money=money, first_at=first)  # type: ignore[arg-type]


def test_the_oldest_comes_first_and_currencies_are_never_added() -> None:
    """Sums by age and over all, per currency."""
    found = stuck_money(
        [problem("b", 2, EUR="10.00"), problem("a", 80, SEK="7.00"), problem("c", 3, EUR="2.50")],
        NOW,
    )
    assert [(one.group, one.age) for one in found.problems] == [
        ("a", "3 days or more"),
        ("c", "under 1 day"),
        ("b", "under 1 day"),
    ]
    assert found.total == {"EUR": Decimal("12.50"), "SEK": Decimal("7.00")}
    assert found.by_age == {
        "3 days or more": {"SEK": Decimal("7.00")},
        "under 1 day": {"EUR": Decimal("12.50")},
    }


def test_the_list_by_money_for_people_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verb adds the stuck money to the document; people read the sums at the end."""
    folder = tmp_path / "demo"
    new_project(folder, "pos-erp", Variables("demo", 18080, 18091), secrets.token_bytes)

    async def fill() -> None:
        journal = await open_sqlite(folder / ".state/journal.db")
        await seeded_journal(journal)
        await journal.close()

    asyncio.run(fill())
    capsys.readouterr()
    where = ("dlq", "list", "--money", "--project", str(folder))
    assert run_verb(where) == exit_codes.ATTENTION
    assert "in all: " in capsys.readouterr().out
    assert run_verb((*where, "--json")) == exit_codes.ATTENTION
    document = json.loads(capsys.readouterr().out)
    assert len(document["stuck"]) == len(document["problems"]) > 0
    ages = [one["age_seconds"] for one in document["stuck"]]
    assert ages == sorted(ages, reverse=True)


def test_without_problems_there_is_no_money() -> None:
    """Nothing stuck is an answer."""
    found = stuck_money([], NOW)
    assert (found.problems, found.total, found.by_age) == ([], {}, {})

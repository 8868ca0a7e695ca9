"""Failures are grouped by cause, with count, stores and money, and what waits behind them."""

from __future__ import annotations

import pytest

from tillway.errors import ConfigurationError
from tillway.journal.base import Settlement
from tillway.journal.memory import MemoryJournal
from tillway.observe import problem_as_json, problem_named, problems
from tillway.observe.fingerprint import cause_text, violations_text
from tillway.testing.journal import ROUTE, candidate, invalid, row
from tillway.testing.journal_objects import version

TARGETS = {ROUTE: "erp"}


async def _journal(*rows, count: int = 6) -> MemoryJournal:
    journal = MemoryJournal()
    await journal.append([candidate(number) for number in range(1, count + 1)])
    await journal.register_route(ROUTE, 0)
    await journal.settle(Settlement(ROUTE, rows=list(rows), cursor=count))
    return journal


async def test_one_cause_is_one_problem() -> None:
    """Texts that differ in numbers and keys only are one cause."""
    journal = await _journal(
        row(1, "dead", code="TW-4101", detail="account 4711 is closed since 2026-11-01"),
        row(2, "dead", code="TW-4101", detail="account 815 is closed since 2026-11-02"),
        row(3, "dead", code="TW-4101", detail="unknown store"),
    )
    found = await problems(journal, TARGETS)
    assert [(one.count, one.positions) for one in found] == [(2, [1, 2]), (1, [3])]
    assert str(found[0].money["EUR"]) == "25.00"
    assert found[0].stores == ["0145"]
    assert found[0].target == "erp"
    assert found[0].retryable


async def test_followers_count_under_their_head() -> None:
    """What waits behind a held head is no failure of its own."""
    journal = await _journal(
        row(1, "held", reason="retry", code="TW-4102", detail="503"),
        row(2, "held", reason="behind_head"),
        row(3, "held", reason="behind_head"),
    )
    (found,) = await problems(journal, TARGETS)
    assert (found.count, found.behind, found.positions) == (1, 2, [1])


async def test_in_doubt_is_not_retryable() -> None:
    """In doubt is never sent again from a list."""
    journal = await _journal(row(1, "in_doubt", code="TW-4103", detail="no answer"))
    (found,) = await problems(journal, TARGETS)
    assert found.kind == "in_doubt"
    assert not found.retryable


async def test_quarantine_and_conflicts_are_problems_of_the_intake() -> None:
    """Copies that were never accepted are grouped by the rule they broke."""
    journal = await _journal()
    await journal.append([invalid(50), invalid(51, record=b"other")])
    await journal.append([candidate(1, amount=7, record=b"y")])
    found = await problems(journal, TARGETS)
    assert [(one.kind, one.count, one.invalid_ids) for one in found] == [
        ("quarantined", 2, [1, 2]),
        ("conflict", 1, [3]),
    ]
    assert found[0].unknown == 2
    assert found[0].text == "tenders.tender_type (enum)"


async def test_a_problem_is_named_by_its_first_digits() -> None:
    """A group has one name in every process, and its beginning is enough."""
    journal = await _journal(row(1, "dead", code="TW-4101", detail="closed"))
    (listed,) = await problems(journal, TARGETS)
    assert (await problem_named(journal, listed.group[:4], TARGETS)).group == listed.group
    with pytest.raises(ConfigurationError) as caught:
        await problem_named(journal, "zzzz", TARGETS)
    assert caught.value.code == "TW-7004"
    assert listed.group in caught.value.advice


async def test_every_member_is_counted_beyond_a_page() -> None:
    """No list is cut off: members beyond one page of the journal count too."""
    count = 2100
    rows = [row(at, "dead", code="TW-4101", detail="closed") for at in range(1, count + 1)]
    journal = await _journal(*rows, count=count)
    (found,) = await problems(journal, TARGETS)
    assert found.count == count
    assert len(found.positions) == count
    assert len(found.sample) < 100
    assert "positions" not in problem_as_json(found)


def test_cause_text_keeps_words_and_drops_numbers() -> None:
    """Ids, dates and amounts leave the fingerprint, words stay."""
    text = "document 9f86d081884c of 2026-11-20 12:30 over 1.250,00 EUR: account blocked"
    assert cause_text(text) == "document # of # # over # EUR: account blocked"


def test_violations_keep_an_unknown_code_and_drop_amounts() -> None:
    """The unknown code is the cause; an amount is not."""
    violations = (
        b'[{"path":"tenders[0].tender_type","rule":"code","value":"CRYPTO"},'
        b'{"path":"lines[3].net_amount","rule":"decimal","value":"4OO.00"},'
        b'{"path":"lines[7].net_amount","rule":"decimal","value":"5OO.00"}]'
    )
    assert violations_text(violations) == (
        "tenders.tender_type (code): found CRYPTO; lines.net_amount (decimal)"
    )
    assert violations_text(b"not json") == ""


async def _orders(*rows) -> MemoryJournal:
    """Two orders in two revisions each, another in one, with these ledger rows."""
    journal = MemoryJournal()
    orders = [("or-1", 1), ("or-2", 3), ("or-1", 2), ("or-2", 7), ("or-3", 1)]
    await journal.append([version(name, revision) for name, revision in orders])
    await journal.register_route(ROUTE, 0)
    lanes = {at: f"{ROUTE}/{name}" for at, (name, _) in enumerate(orders, 1)}
    for one in rows:
        one.lane = lanes[one.position]
    await journal.settle(Settlement(ROUTE, rows=list(rows), cursor=5))
    return journal


async def test_superseded_letters_are_a_problem_apart() -> None:
    """They say by which revision, can only be given up, and leave the others of their cause."""
    dead = {"code": "TW-4107", "detail": "unknown account"}
    rows = [row(at, "dead", **dead) for at in (1, 2, 5)]
    found = {one.code: one for one in await problems(await _orders(*rows), TARGETS)}
    old, live = found["TW-4013"], found["TW-4107"]
    assert (old.positions, live.positions) == ([1, 2], [5])
    assert (old.kind, old.retryable, live.retryable) == ("dead", False, True)
    assert old.text == "superseded by revision 2"
    assert "abandon" in old.advice
    assert [(member.superseded_by, member.detail) for member in old.sample] == [
        (2, "superseded by revision 2; unknown account"),
        (7, "superseded by revision 7; unknown account"),
    ]
    assert [member.superseded_by for member in live.sample] == [None]


async def test_the_newest_revision_is_a_letter_like_any_other() -> None:
    """The control: when it is dead itself, it can be sent again."""
    rows = [row(at, "dead", code="TW-4107", detail="unknown account") for at in (3, 4)]
    (found,) = await problems(await _orders(*rows), TARGETS)
    assert (found.code, found.positions, found.retryable) == ("TW-4107", [3, 4], True)


async def test_what_is_tried_again_by_itself_stays_with_its_cause() -> None:
    """A held head goes before its newer revision, and says that there is one."""
    retried = row(1, "held", reason="retry", code="TW-4106", detail="503")
    behind = row(3, "held", reason="behind_head")
    released = row(2, "held", reason="findings", code="TW-4008")
    found = await problems(await _orders(retried, behind, released), TARGETS)
    facts = {(one.code, one.count, one.behind, one.retryable) for one in found}
    assert facts == {("TW-4106", 1, 1, True), ("TW-4013", 1, 0, False)}
    [held] = [one for one in found if one.code == "TW-4106"]
    assert held.sample[0].detail == "superseded by revision 2; 503"
    assert held.text == "503"

"""Findings are one row for ever: opened, changed, gone, overridden; each part closes its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from tillway.errors import ConfigurationError, all_codes
from tillway.journal.memory import MemoryJournal
from tillway.journal.projection import Change
from tillway.model import RULES
from tillway.project.records import RuleSetting
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding, compared
from tillway.reconcile.rules import CATALOGUE, DAY_RULES, Judge
from tillway.reconcile.tables import tables
from unit.reconcile.days import DAY, STORE

GAP = Finding("SEQ_GAP", STORE, DAY, "03:7")


def known(*findings: Finding) -> dict[tuple[str, str], Finding]:
    """Return findings as they stand on record."""
    return {(one.rule, one.subject): one for one in findings}


def test_a_finding_is_raised_once() -> None:
    """New once; said again with the same figures it is no change."""
    [new] = compared({}, [GAP], 5)
    assert (new.state, new.first_seen, new.changed_at) == ("open", 5, 5)
    assert compared(known(new), [GAP], 9) == []


def test_what_is_no_longer_said_is_gone_and_may_come_back() -> None:
    """It keeps the moment when it was first seen."""
    [new] = compared({}, [GAP], 5)
    [gone] = compared(known(new), [], 7)
    assert (gone.state, gone.changed_at) == ("gone", 7)
    assert compared(known(gone), [], 8) == []
    [back] = compared(known(gone), [GAP], 9)
    assert (back.state, back.first_seen, back.changed_at) == ("open", 5, 9)


def test_an_overridden_finding_opens_again_with_other_figures() -> None:
    """The same figures stay accounted for; when it goes it is gone like any other."""
    decided = replace(GAP, state="overridden", found="1", reason="scrapped")
    assert compared(known(decided), [replace(GAP, found="1")], 9) == []
    [opened] = compared(known(decided), [replace(GAP, found="2")], 9)
    assert (opened.state, opened.reason) == ("open", "")
    [gone] = compared(known(decided), [], 9)
    assert gone.state == "gone"


def test_settings_decide_how_grave_it_is_and_whose() -> None:
    """Severity, owner and off; a rule that does not exist is refused with the nearest name."""
    judge = Judge({"SEQ_GAP": RuleSetting("warn", owner="cash office")})
    [found] = judge.finding("SEQ_GAP", STORE, DAY)
    assert (found.severity, found.owner, found.blocks) == ("warn", "cash office", False)
    assert Judge({"SEQ_GAP": RuleSetting("off")}).finding("SEQ_GAP", STORE, DAY) == []
    with pytest.raises(ConfigurationError, match="SEQ_GAPS") as raised:
        Judge({"SEQ_GAPS": RuleSetting("warn")})
    assert raised.value.code == "TW-6900"


def test_every_rule_has_a_code_with_its_explanation() -> None:
    """No two rules share one, and each code is explained under the rule's name."""
    assert not RULES.keys() & DAY_RULES.keys()
    numbers = [rule.code for rule in CATALOGUE.values()]
    assert len(numbers) == len(set(numbers))
    titles = {code: entry.title for code, entry in all_codes().items()}
    for rule in CATALOGUE.values():
        assert rule.id in titles[rule.code]


@pytest.fixture
async def log() -> AsyncIterator[FindingLog]:
    """Give an empty log on a journal in memory."""
    journal = MemoryJournal()
    await journal.open_tables(tables())
    yield FindingLog(journal)
    await journal.close()


async def test_a_report_of_the_day_closes_nothing_about_a_message(log: FindingLog) -> None:
    """A short till and a settlement that does not add up are two findings of one rule."""
    short = Finding("OVER_SHORT", STORE, DAY, "till 03")
    sum_wrong = Finding("OVER_SHORT", STORE, DAY, "0145:03:1", position=9)
    change = Change()
    await log.report(STORE, DAY, ("OVER_SHORT",), [sum_wrong], 5, change, subject="0145:03:1")
    await log.report(STORE, DAY, ("OVER_SHORT",), [short], 6, change)
    found = await log.known(STORE, DAY)
    assert {subject: one.state for (_, subject), one in found.items()} == {
        "till 03": "open",
        "0145:03:1": "open",
    }
    await log.report(STORE, DAY, ("OVER_SHORT",), [], 7, change, subject="0145:03:1")
    assert found["OVER_SHORT", "till 03"].state == "open"
    await log.report(STORE, DAY, ("OVER_SHORT",), [], 8, change)
    assert found["OVER_SHORT", "till 03"].state == "gone"


async def test_other_rules_are_none_of_its_business(log: FindingLog) -> None:
    """A report closes findings of the rules it names and of no other."""
    change = Change()
    await log.report(STORE, DAY, ("SEQ_GAP",), [GAP], 5, change)
    assert await log.report(STORE, DAY, ("COUNT_MISMATCH",), [], 6, change) == []
    assert (await log.known(STORE, DAY))["SEQ_GAP", "03:7"].state == "open"

"""What a run was worth: findings, money and states of the hub against the truth file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from grade.week import Week
from tillway.observe import carried_by_route, verify
from tillway.reconcile.answers import findings
from tillway.reconcile.day_book import DayBook
from tillway.simulator.accounts import TruthDay
from tillway.simulator.expected import ExpectedFinding
from tillway.simulator.finance_grade import expected_days, finance_findings
from tillway.simulator.truth import TruthFault, read_truth

TOLD = 20
STATES = {"balanced": "posted", "exceptions": "exceptions"}
"""State of the truth -> of the hub: what balances is released by policy and booked."""
SEVERITIES = ("error", "warn")
SUMS = ("gross", "discount", "net", "tax", "grand")


@dataclass(slots=True)
class Verdict:
    """One seed. faults = found + missed: a fault is found when everything came of it that must.

    That is each finding the truth names for it, or, where it names none, that the message was taken
    once, known as a duplicate, or refused. invented counts findings that no fault explains;
    findings those that had to be there and are.
    """

    seed: int
    faults: int = 0
    found: int = 0
    missed: int = 0
    invented: int = 0
    money_equal: bool = True
    balanced: bool = True
    details: dict[str, list[str]] = field(default_factory=dict)
    findings: int = 0
    by_fault: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the hub found everything, invented nothing, and has all money and states."""
        return not self.missed and not self.invented and self.money_equal and self.balanced

    def tell(self, topic: str, sentence: str) -> None:
        """Keep an example for people."""
        kept = self.details.setdefault(topic, [])
        if len(kept) < TOLD:
            kept.append(sentence)

    def as_json(self) -> dict[str, Any]:
        """Return the row as it is written."""
        return {**asdict(self), "seconds": round(self.seconds, 1)}


async def judged(week: Week) -> Verdict:
    """Compare what the hub holds with the truth of the week."""
    verdict = Verdict(week.plan.seed)
    faults = [line for line in read_truth(week.truth) if isinstance(line, TruthFault)]
    verdict.faults = len(faults)
    verdict.by_fault = dict(sorted(Counter(one.fault for one in faults).items()))
    expected, found = finance_findings(week.truth), await found_in(week)
    compare_findings(verdict, expected, found)
    absent = expected - found
    silent = [one for one in faults if expected.isdisjoint(one.findings)]
    missed = [one for one in faults if not absent.isdisjoint(one.findings)]
    missed += await unmarked(week, silent)
    for fault in missed:
        verdict.tell("missed", f"{fault.fault} {fault.natural_key}: {fault.outcome}")
    verdict.missed = len(missed)
    verdict.found = verdict.faults - verdict.missed
    await compare_days(verdict, week, expected_days(week.truth))
    books = await verify(week.hub.journal, carried_by_route(week.hub.release))
    if not books.balanced:
        verdict.balanced = False
        verdict.tell("balanced", "the books of the hub do not balance")
    return verdict


async def found_in(week: Week) -> frozenset[ExpectedFinding]:
    """Return what the hub finds in the end, without what it only counts."""
    return frozenset(
        ExpectedFinding(one.rule, one.store, one.business_date, one.subject)
        for one in await findings(week.books)
        if one.severity in SEVERITIES
    )


def compare_findings(
    verdict: Verdict, expected: frozenset[ExpectedFinding], found: frozenset[ExpectedFinding]
) -> None:
    """Count what was rightly found and what was invented, and name what differs."""
    verdict.findings, verdict.invented = len(expected & found), len(found - expected)
    for topic, some in (("missed", expected - found), ("invented", found - expected)):
        for one in sorted(some):
            verdict.tell(topic, f"{one.rule} {one.store} {one.business_date} {one.subject}".strip())


async def unmarked(week: Week, faults: list[TruthFault]) -> list[TruthFault]:
    """Return those of the faults that leave no finding which did not end as they must."""
    key_columns = "m.system, m.message_type, m.natural_key"
    sql = f"SELECT {key_columns}, count(*) FROM message m {{}} GROUP BY {key_columns}"
    taken = Counter({row[:3]: row[3] for row in await week.books.ask(sql.format(""))})
    repeats = sql.format("JOIN duplicate d ON d.position = m.position")
    again = Counter({row[:3]: row[3] for row in await week.books.ask(repeats)})
    totals = await week.hub.journal.outcome_totals()
    refused = sum(one.count for one in totals if one.group == "refused")
    missed = []
    for fault in faults:
        key = (fault.system, fault.message_type, fault.natural_key)
        if fault.outcome == "refused":
            refused -= 1
            well = refused >= 0
        elif fault.outcome == "duplicate":
            again[key] -= 1
            well = again[key] >= 0 and taken[key] == 1
        else:
            well = fault.outcome != "accepted" or taken[key] == 1
        if not well:
            missed.append(fault)
    return missed


async def compare_days(verdict: Verdict, week: Week, days: list[TruthDay]) -> None:
    """Compare sums and state of every store-day."""
    for day in days:
        entry = await week.books.shelf.entry(day.store, day.business_date)
        name = f"{day.store} {day.business_date}"
        for what, told, held in differing_sums(day, entry.book):
            verdict.money_equal = False
            verdict.tell("money_equal", f"{name} {what}: sent {told}, the hub has {held}")
        if entry.day.state != STATES.get(day.state):
            verdict.balanced = False
            why = ", ".join(day.rules)
            verdict.tell("balanced", f"{name}: is {entry.day.state}, truth {day.state} {why}")


def differing_sums(day: TruthDay, book: DayBook) -> list[tuple[str, str, str]]:
    """Return (what, sent, held) of every figure that is not the same to the cent."""
    told = {"transactions": Decimal(day.transactions)}
    told |= {name: Decimal(getattr(day, name)) for name in SUMS}
    told |= {f"tender {kind}": Decimal(amount) for kind, amount in day.tenders.items()}
    held: dict[str, Decimal] = {}
    for currency, sums in book.sums.items():
        other = "" if currency == day.currency else f" {currency}"
        held[f"transactions{other}"] = Decimal(sums.count)
        held |= {f"{name}{other}": getattr(sums, name) for name in SUMS}
        held |= {f"tender {kind}{other}": one.amount for kind, one in sums.tenders.items()}
    none = Decimal(0)
    return [
        (what, str(told.get(what, none)), str(held.get(what, none)))
        for what in sorted(told.keys() | held.keys())
        if told.get(what, none) != held.get(what, none)
    ]

"""The audit findings a fault must cause, by the names the audit gives them.

A finding is one thing however many faults cause it, so they are compared as sets. Rules are those
of the audit rule catalogue; the subject says what within the store-day is meant.
"""

from __future__ import annotations

from datetime import date

import msgspec

from tillway.simulator.facts import Fact, Paid, PostVoid, Receipt

DAY_ARITHMETIC = frozenset({"COUNT_MISMATCH", "TOTALS_MISMATCH"})
"""Rules that compare a declaration with a sum: two faults of one day might make up for another."""
CROSS_SYSTEM = frozenset(
    {"TENDER_NO_PAYMENT", "PAYMENT_NO_TENDER", "AMOUNT_DIFF", "PAYOUT_DIFF", "DEPOSIT_MISMATCH"}
)
"""Rules about what acquirer and bank say, the morning after."""
WARNINGS = frozenset({"LATE_TRANSACTION"})
"""Rules that are shown and do not hold a day."""


class ExpectedFinding(msgspec.Struct, frozen=True, order=True):
    """One finding that must be there. business_date is ISO; store and date are "" for neither."""

    rule: str
    store: str
    business_date: str
    subject: str = ""


def of_fact(rule: str, fact: Fact, subject: str | None = None) -> ExpectedFinding:
    """Return a finding of a fact's store-day; without a subject, of the fact itself by its key."""
    store, day = fact.store.business_unit_id, fact.day.isoformat()
    return ExpectedFinding(rule, store, day, fact.natural_key if subject is None else subject)


def of_place(rule: str, store: str, day: date, subject: str = "") -> ExpectedFinding:
    """Return a finding of a store-day."""
    return ExpectedFinding(rule, store, day.isoformat(), subject)


def gap(fact: Fact) -> ExpectedFinding:
    """Return the finding of a number that never arrives."""
    return of_fact("SEQ_GAP", fact, _number_of(fact))


def twice(fact: Fact) -> ExpectedFinding:
    """Return the finding of a number that bears another date too; each of the dates has it."""
    return of_fact("SEQ_DUPLICATE", fact, _number_of(fact))


def miscounted(fact: Fact) -> ExpectedFinding:
    """Return the finding of a register whose close record counts other numbers than arrived."""
    return of_fact("COUNT_MISMATCH", fact, fact.till)


def other_totals(fact: Fact, *, day: bool = True, till: bool = True) -> list[ExpectedFinding]:
    """Return the findings of a day and a till that declare other money than arrived.

    day, till: whether the record that declares it arrives at all.
    """
    found = [of_fact("TOTALS_MISMATCH", fact, "day")] if day else []
    return [*found, of_fact("TOTALS_MISMATCH", fact, f"till {fact.till}")] if till else found


def unknown_payment(reference: str) -> ExpectedFinding:
    """Return the finding of card money for which the hub has no receipt, and so no store-day."""
    return ExpectedFinding("PAYMENT_NO_TENDER", "", "", reference)


def card_references(fact: Fact) -> list[str]:
    """Return what shop and acquirer call the card payments of a fact."""
    return [paid.payment_ref for paid in tenders_of(fact) if paid.payment_ref]


def tenders_of(fact: Fact) -> list[Paid]:
    """Return the tenders of a receipt or a post-void, none for anything else."""
    if isinstance(fact, PostVoid):
        return fact.reversed_receipt.tenders
    return fact.tenders if isinstance(fact, Receipt) else []


def _number_of(fact: Fact) -> str:
    run = f":e{fact.epoch}" if fact.epoch else ""
    return f"{fact.till}:{fact.number}{run}"

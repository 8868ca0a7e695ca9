"""Puts faults into the chain's stream, seeded like the rest: what goes wrong, and what is expected.

Most faults leave every fact in place: a malformed copy comes beside the good one, a duplicate and a
conflict after it. A lost number is the only fact that never goes out, and an unknown tender and a
wrong till count are the only ones that change what is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from tillway.simulator.brands import BRANDS
from tillway.simulator.chain import chain_facts
from tillway.simulator.facts import Control, Fact, Receipt, TillSettle, amount_text
from tillway.simulator.fault_plan import (
    COUNT_FAULTS,
    NO_FAULTS,
    REGISTER_FAULTS,
    FaultKind,
    FaultPlan,
)
from tillway.simulator.plan import ChainPlan
from tillway.simulator.postponed import Postponed
from tillway.simulator.receipts import altered_copy
from tillway.simulator.register_faults import RegisterName, clock_skews, counter_resets
from tillway.simulator.run_ends import run_ends

DeliveryKind = Literal["message", "duplicate", "conflict", "malformed", "missing"]
Outcome = Literal["accepted", "duplicate", "conflict", "quarantined", "refused", "missing"]

LONGEST_LAG = 40
LATE_HOURS = (2, 5, 12, 24, 48, 72)
MOST_OVERTAKING = 3
WRONG_CENTS = (5, 100, 370, 1000, 2000, 5000)
IN_THE_DAY = frozenset({"no_sale", "cancelled", "suspended", "resumed"})


@dataclass(slots=True)
class Delivery:
    """One thing a shop hands over; of kind `missing`, it never does.

    cut: where a malformed copy ends, as a share of its length. detail: hours of a clock or of a
    delay, amount of a wrong count, how an answer is lost. at: when it goes out, None for when the
    fact ended.
    """

    kind: DeliveryKind
    fact: Fact
    outcome: Outcome
    fault: FaultKind | None = None
    cut: float = 1.0
    detail: str = ""
    at: datetime | None = None

    @property
    def moment(self) -> datetime:
        """When it goes out, in the simulated time; a wrong clock does not change it."""
        return self.fact.end if self.at is None else self.at

    def body(self) -> bytes:
        """Return the bytes of one document; a malformed one is cut off in the middle."""
        document = BRANDS[self.fact.store.system].render(self.fact)
        if self.kind != "malformed":
            return document
        first_row = document.find(b"\r\n")
        end = first_row if first_row > 0 else len(document)
        return document[: max(1, int(end * self.cut))]


def deliveries(plan: ChainPlan, faults: FaultPlan = NO_FAULTS) -> Iterator[Delivery]:
    """Yield everything the shops hand over, in the order in which it goes out.

    A number that gets lost is yielded too, as a delivery of kind `missing`.
    """
    trouble = _Trouble(plan, faults)
    last = datetime.min  # noqa: DTZ901 - shop time, replaced by the first fact
    for fact in chain_facts(plan, trouble.resets):
        yield from trouble.postponed.due(fact)
        for delivery in trouble.happens(fact):
            delivery.at = fact.end
            yield delivery
        last = fact.end
    yield from trouble.postponed.rest(last)


def again(fact: Fact) -> Delivery:
    """Return the same bytes once more."""
    return Delivery("duplicate", fact, "duplicate", "duplicate")


def conflict(fact: Fact) -> Delivery:
    """Return the receipt under the same key with another amount."""
    changed = altered_copy(fact) if isinstance(fact, Receipt) else fact
    return Delivery("conflict", changed, "conflict", "conflict")


def unknown_tender(receipt: Receipt) -> Delivery:
    """Return the receipt paid with something no code table knows; its money stays the same."""
    strange = [
        replace(paid, kind="unknown", tendered=0, change=0, scheme="", auth_code="")
        for paid in receipt.tenders
    ]
    changed = replace(receipt, tenders=strange)
    return Delivery("message", changed, "quarantined", "unknown_tender")


def wrong_count(settle: TillSettle, over: int) -> Delivery:
    """Return the till count with so many cents too much in the drawer, too few when negative."""
    ledgers = [
        replace(ledger, over=over) if ledger.kind == "cash" else ledger for ledger in settle.ledgers
    ]
    fault: FaultKind = "till_over" if over > 0 else "till_short"
    changed = replace(settle, ledgers=ledgers)
    return Delivery("message", changed, "accepted", fault, detail=amount_text(over))


def may_carry(fault: FaultKind, fact: Fact) -> bool:
    """Say whether a fact can have this fault.

    Plain sales with money in them can have every fault of a sale; in-between records without goods
    can be lost or late. Neither is ever the first or last number of a register's day, where a
    missing number could not be seen.
    """
    if fault in COUNT_FAULTS:
        return isinstance(fact, TillSettle) and any(one.kind == "cash" for one in fact.ledgers)
    if isinstance(fact, Control) and fault in {"number_gap", "late", "out_of_order"}:
        return fact.kind in IN_THE_DAY
    if not isinstance(fact, Receipt) or fact.kind != "sale" or not fact.tenders:
        return False
    if fault == "conflict":
        return fact.grand > 0 and any(
            line.kind == "sale" and not line.voided for line in fact.lines
        )
    return True


class _Trouble:
    """Decides fact by fact what goes wrong; at most one fault befalls a fact."""

    def __init__(self, plan: ChainPlan, faults: FaultPlan) -> None:
        self.resets = counter_resets(plan, faults)
        self.postponed = Postponed()
        self._faults = faults
        self._rng = Random(f"{plan.seed}:faults")
        self._unmarked_resets = set(self.resets)
        loses = "number_gap" in faults.rates or "number_gap" in faults.exact
        self._run_ends = run_ends(plan, self.resets) if loses else frozenset()
        self._skews = clock_skews(plan, faults)
        self._unmarked_skews = set(self._skews)

    def happens(self, fact: Fact) -> Iterator[Delivery]:
        """Yield what goes out now, and postpone what goes out later."""
        fault = self._fault_of(fact)
        told, hours = self._by_its_clock(fact)
        whole = Delivery("message", told, "accepted", fault)
        match fault:
            case "malformed":
                cut = self._rng.uniform(0.3, 0.7)
                yield Delivery("malformed", told, "refused", fault, cut)
                yield Delivery("message", told, "accepted")
            case "duplicate" | "conflict":
                yield Delivery("message", told, "accepted")
                copy = again(told) if fault == "duplicate" else conflict(told)
                self.postponed.for_turns(self._rng.randint(1, LONGEST_LAG), copy)
            case "unknown_tender" if isinstance(told, Receipt):
                yield unknown_tender(told)
            case "number_gap":
                yield Delivery("missing", told, "missing", fault)
            case "late":
                late = self._rng.choice(LATE_HOURS)
                whole.detail = f"{late} h"
                self.postponed.until(fact.end + timedelta(hours=late), whole)
            case "out_of_order":
                self.postponed.behind(self._rng.randint(1, MOST_OVERTAKING), whole)
            case "answer_lost":
                whole.detail = self._rng.choice(("cut", "silent"))
                yield whole
            case "till_short" | "till_over" if isinstance(told, TillSettle):
                cents = self._rng.choice(WRONG_CENTS)
                yield wrong_count(told, -cents if fault == "till_short" else cents)
            case _:
                whole.detail = f"{hours:+d} h" if fault == "clock_skew" else ""
                yield whole

    def _by_its_clock(self, fact: Fact) -> tuple[Fact, int]:
        """Return the fact with the times its till writes, and by how many hours they are wrong."""
        hours = self._skews.get((_register(fact), fact.day), 0)
        if not hours:
            return fact, 0
        wrong = timedelta(hours=hours)
        return replace(fact, begin=fact.begin + wrong, end=fact.end + wrong), hours

    def _fault_of(self, fact: Fact) -> FaultKind | None:
        """Choose at most one fault; the exact lists come before chance."""
        faults = self._faults
        if not faults.rates and not faults.exact:
            return None
        marked = self._first_of_its_register(fact)
        if marked is not None:
            return marked
        key = fact.natural_key
        for fault, keys in faults.exact.items():
            if key in keys and self._may_carry(fault, fact):
                return fault
        chance = self._rng.random()
        counted = isinstance(fact, TillSettle)
        for fault, rate in faults.rates.items():
            if fault in REGISTER_FAULTS or (fault in COUNT_FAULTS) != counted:
                continue
            if chance < rate:
                return fault if self._may_carry(fault, fact) else None
            chance -= rate
        return None

    def _first_of_its_register(self, fact: Fact) -> FaultKind | None:
        """Return the fault of a register on the first fact that shows it."""
        register: RegisterName = _register(fact)
        day: tuple[RegisterName, date] = (register, fact.day)
        if fact.number is not None and fact.epoch and register in self._unmarked_resets:
            self._unmarked_resets.remove(register)
            return "counter_reset"
        if fact.number is not None and day in self._unmarked_skews:
            self._unmarked_skews.remove(day)
            return "clock_skew"
        return None

    def _may_carry(self, fault: FaultKind, fact: Fact) -> bool:
        """Say whether a fact can have the fault here.

        The last number before a counter starts again is never lost, as the last of a day is not.
        """
        if fault == "number_gap" and fact.natural_key in self._run_ends:
            return False
        return may_carry(fault, fact)


def _register(fact: Fact) -> RegisterName:
    return fact.store.business_unit_id, fact.till

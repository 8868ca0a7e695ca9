"""Decides fact by fact what goes wrong, seeded like the rest; at most one fault befalls a fact.

Most faults leave every fact in place: a malformed copy comes beside the good one, a duplicate and a
conflict after it. A lost number or record is the only fact that never goes out, and few faults
change what is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import (
    ExpectedFinding,
    card_references,
    gap,
    miscounted,
    of_fact,
    other_totals,
    tenders_of,
    twice,
    unknown_payment,
)
from tillway.simulator.facts import DayClose, Fact, Receipt, TaxSum, TillSettle
from tillway.simulator.fault_plan import (
    COUNT_FAULTS,
    RECORD_FAULTS,
    REGISTER_FAULTS,
    FaultKind,
    FaultPlan,
)
from tillway.simulator.mishaps import (
    again,
    conflict,
    dated,
    may_carry,
    one_too_many,
    other_rate,
    unknown_tender,
    with_taxes_of,
    wrong_count,
)
from tillway.simulator.plan import ChainPlan
from tillway.simulator.postponed import Postponed
from tillway.simulator.receipts import altered_copy
from tillway.simulator.record_faults import RecordFaults
from tillway.simulator.register_faults import RegisterName, clock_skews, counter_resets
from tillway.simulator.run_ends import run_ends

LONGEST_LAG = 40
LATE_HOURS = (2, 5, 12, 24, 48, 72)
MOST_OVERTAKING = 3
WRONG_CENTS = (5, 100, 370, 1000, 2000, 5000)
ALTERED_BY = (100, 250, 1000)
NEXT_DAY = timedelta(days=1)
FAR_OFF = timedelta(days=30)
"""How far after the last day of the plan a business date of the future lies."""
_NEVER_ON_ITS_DAY: frozenset[FaultKind | None] = frozenset(
    {"number_gap", "unknown_tender", "future_date"}
)
_FEWER_NUMBERS: frozenset[FaultKind] = frozenset(
    {"number_gap", "unknown_tender", "future_date", "misdated"}
)

_CHANGES_A_RECEIPT: frozenset[FaultKind | None] = frozenset(
    {"unknown_tender", "altered", "wrong_tax", "misdated", "future_date"}
)

RegisterDay = tuple[RegisterName, date]


class Trouble:
    """Decides what goes wrong. What goes out later waits in `postponed`."""

    def __init__(self, plan: ChainPlan, faults: FaultPlan) -> None:
        self.resets = counter_resets(plan, faults)
        self.postponed = Postponed()
        self._plan = plan
        self._last_day = plan.dates()[-1]
        self._faults = faults
        self._records = RecordFaults(plan, faults)
        self._rng = Random(f"{plan.seed}:faults")
        self._unmarked_resets = set(self.resets)
        loses = "number_gap" in faults.rates or "number_gap" in faults.exact
        self._run_ends = run_ends(plan, self.resets) if loses else frozenset()
        self._skews = clock_skews(plan, faults)
        self._unmarked_skews = set(self._skews)
        self._copied: set[RegisterDay] = set()
        self._ahead: set[RegisterName] = set()
        self._traded: set[RegisterDay] = set()
        self._taxes: dict[tuple[str, date], list[tuple[list[TaxSum], list[TaxSum]]]] = {}

    def happens(self, fact: Fact) -> Iterator[Delivery]:
        """Yield what goes out now, and postpone what goes out later."""
        fault = self._fault_of(fact)
        if fault not in _NEVER_ON_ITS_DAY and tenders_of(fact):
            self._traded.add((_register(fact), fact.day))
        told, hours = self._by_its_clock(fact)
        if isinstance(told, DayClose):
            taxes = self._taxes.pop((told.store.business_unit_id, told.day), None)
            told = with_taxes_of(told, taxes) if taxes else told
        match fault:
            case "malformed" | "duplicate" | "conflict":
                yield from self._with_a_copy(told, fault)
            case "late" | "out_of_order":
                self._postpone(told, fault, fact.end)
            case "number_gap" | "missing_close" | "missing_count":
                yield self._lost(told, fault)
            case _ if fault in _CHANGES_A_RECEIPT and isinstance(told, Receipt):
                yield from self._changed(told, fault)
            case "till_short" | "till_over" | "close_count":
                yield self._wrong_record(told, fault)
            case _:
                yield Delivery(
                    "message", told, "accepted", fault, detail=self._detail(fault, hours)
                )

    def _with_a_copy(self, fact: Fact, fault: FaultKind) -> Iterator[Delivery]:
        """Yield the fact and, before it or later, a copy that must not count."""
        if fault == "malformed":
            cut = self._rng.uniform(0.3, 0.7)
            yield Delivery("malformed", fact, "refused", fault, cut)
        yield Delivery("message", fact, "accepted")
        if fault != "malformed":
            copy = again(fact) if fault == "duplicate" else conflict(fact)
            self.postponed.for_turns(self._rng.randint(1, LONGEST_LAG), copy)

    def _postpone(self, fact: Fact, fault: FaultKind, happened: datetime) -> None:
        whole = Delivery("message", fact, "accepted", fault)
        if fault == "late":
            late = self._rng.choice(LATE_HOURS)
            whole.detail = f"{late} h"
            self.postponed.until(happened + timedelta(hours=late), whole)
        else:
            self.postponed.behind(self._rng.randint(1, MOST_OVERTAKING), whole)

    def _detail(self, fault: FaultKind | None, hours: int) -> str:
        if fault == "answer_lost":
            return self._rng.choice(("cut", "silent"))
        return f"{hours:+d} h" if fault == "clock_skew" else ""

    def _wrong_record(self, fact: Fact, fault: FaultKind) -> Delivery:
        """Return a count or a close record that says something else than there was."""
        if isinstance(fact, TillSettle):
            cents = self._rng.choice(WRONG_CENTS)
            return wrong_count(fact, -cents if fault == "till_short" else cents)
        assert isinstance(fact, DayClose), "nothing else has these faults"
        till = self._miscounted_till(fact)
        found = (of_fact("COUNT_MISMATCH", fact, till),)
        changed = one_too_many(fact, till)
        return Delivery("message", changed, "accepted", fault, findings=found)

    def _lost(self, fact: Fact, fault: FaultKind) -> Delivery:
        """Return what never goes out, with what must be found of it."""
        if fault == "missing_close":
            found = [of_fact("STORE_DAY_NOT_CLOSED", fact, "")]
        elif fault == "missing_count":
            found = [of_fact("MISSING_DECLARATION", fact, f"till {fact.till}")]
        else:
            found = [gap(fact), *self._miscounted(fact)]
            found += self._other_totals(fact) if tenders_of(fact) else []
            if self._plan.finance:
                found += map(unknown_payment, card_references(fact))
        return Delivery("missing", fact, "missing", fault, findings=tuple(found))

    def _changed(self, receipt: Receipt, fault: FaultKind | None) -> Iterator[Delivery]:
        """Yield a receipt that is told otherwise than it was, or also under another date."""
        told, found = receipt, self._other_totals(receipt)
        if fault == "unknown_tender":
            strange = unknown_tender(receipt)
            strange.findings = tuple(found)
            yield strange
            return
        if fault == "altered":
            told = altered_copy(receipt, self._rng.choice(ALTERED_BY))
            found += self._other_payments(receipt, told)
        elif fault == "wrong_tax":
            told = other_rate(receipt)
            day = (receipt.store.business_unit_id, receipt.day)
            self._taxes.setdefault(day, []).append((receipt.taxes, told.taxes))
            found = [of_fact("TAX_RATE_UNKNOWN", told)]
        elif fault == "future_date":
            told = dated(receipt, self._last_day + FAR_OFF)
            self._ahead.add(_register(receipt))
            found = [of_fact("FUTURE_DATE", told), *self._miscounted(receipt), *found]
        else:
            yield Delivery("message", receipt, "accepted")
            told = dated(receipt, receipt.day + NEXT_DAY)
            register = _register(receipt)
            self._copied |= {(register, receipt.day), (register, told.day)}
            self._traded.add((register, told.day))
            found = [twice(receipt), twice(told), of_fact("FUTURE_DATE", told)]
            found += [*self._miscounted(told), *self._other_totals(told)]
        yield Delivery("message", told, "accepted", fault, findings=tuple(found))

    def _other_payments(self, was: Receipt, told: Receipt) -> list[ExpectedFinding]:
        """Return what the acquirer disproves: card payments of another amount."""
        if not self._plan.finance:
            return []
        pairs = zip(was.tenders, told.tenders, strict=True)
        return [
            of_fact("AMOUNT_DIFF", was, one.payment_ref)
            for one, other in pairs
            if one.payment_ref and one.amount != other.amount
        ]

    def _miscounted(self, fact: Fact) -> list[ExpectedFinding]:
        return [miscounted(fact)] if self._closes(fact) else []

    def _other_totals(self, fact: Fact) -> list[ExpectedFinding]:
        counts = not self._records.loses_count(fact.store, fact.till, fact.day)
        return other_totals(fact, day=self._closes(fact), till=counts)

    def _closes(self, fact: Fact) -> bool:
        return self._records.of_close(fact.store, fact.day) != "missing_close"

    def _miscounted_till(self, close: DayClose) -> str:
        """Return the first register whose count no other fault makes up for."""
        return next(till for till in close.store.tills if not self._is_copied(close, till))

    def _is_copied(self, fact: Fact, till: str) -> bool:
        return ((fact.store.business_unit_id, till), fact.day) in self._copied

    def _by_its_clock(self, fact: Fact) -> tuple[Fact, int]:
        """Return the fact with the times its till writes, and by how many hours they are wrong."""
        hours = self._skews.get((_register(fact), fact.day), 0)
        if not hours:
            return fact, 0
        wrong = timedelta(hours=hours)
        return msgspec.structs.replace(fact, begin=fact.begin + wrong, end=fact.end + wrong), hours

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
            if fault not in RECORD_FAULTS and key in keys and self._may_carry(fault, fact):
                return fault
        return self._record_fault(fact) or self._by_chance(fact)

    def _by_chance(self, fact: Fact) -> FaultKind | None:
        chance = self._rng.random()
        counted = isinstance(fact, TillSettle)
        for fault, rate in self._faults.rates.items():
            drawn = fault in REGISTER_FAULTS or fault in RECORD_FAULTS
            if drawn or (fault in COUNT_FAULTS) != counted:
                continue
            if chance < rate:
                return fault if self._may_carry(fault, fact) else None
            chance -= rate
        return None

    def _record_fault(self, fact: Fact) -> FaultKind | None:
        """Return what befalls a record of the day; a till that did not trade may go uncounted."""
        match fact:
            case TillSettle():
                lost = self._records.loses_count(fact.store, fact.till, fact.day)
                traded = (_register(fact), fact.day) in self._traded
                return "missing_count" if lost and traded else None
            case DayClose():
                fault = self._records.of_close(fact.store, fact.day)
                copied = all(self._is_copied(fact, till) for till in fact.store.tills)
                return None if fault == "close_count" and copied else fault
        return None

    def _first_of_its_register(self, fact: Fact) -> FaultKind | None:
        """Return the fault of a register on the first fact that shows it."""
        register: RegisterName = _register(fact)
        day: RegisterDay = (register, fact.day)
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
        Where a copy bears another date, no number gets lost beside it: one would hide the other. So
        would a second receipt of one register in the future.
        """
        register, day = _register(fact), fact.day
        if fault == "number_gap" and fact.natural_key in self._run_ends:
            return False
        if fault in _FEWER_NUMBERS and (register, day) in self._copied:
            return False
        if fault in {"misdated", "future_date"} and register in self.resets:
            return False
        if fault == "misdated" and fact.day >= self._last_day:
            return False
        if fault == "future_date" and register in self._ahead:
            return False
        return may_carry(fault, fact)


def _register(fact: Fact) -> RegisterName:
    return fact.store.business_unit_id, fact.till

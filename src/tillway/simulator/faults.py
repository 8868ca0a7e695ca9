"""Puts faults into the chain's stream, seeded like the rest: what goes wrong, and what is expected.

A fault never removes a fact: a malformed copy comes beside the good one, a duplicate and a conflict
after it. Only an unknown tender changes a fact, and then the hub must quarantine it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Literal

from tillway.simulator.brands import BRANDS
from tillway.simulator.chain import chain_facts
from tillway.simulator.facts import Fact, Receipt
from tillway.simulator.plan import ChainPlan
from tillway.simulator.receipts import altered_copy

FaultKind = Literal["duplicate", "conflict", "malformed", "unknown_tender"]
DeliveryKind = Literal["message", "duplicate", "conflict", "malformed"]
Outcome = Literal["accepted", "duplicate", "conflict", "quarantined", "refused"]

FAULT_KINDS: tuple[FaultKind, ...] = ("duplicate", "conflict", "malformed", "unknown_tender")
LONGEST_LAG = 40


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the simulated time: seconds since midnight of the first day. store may be ""."""

    start_second: int
    seconds: int
    store: str = ""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How much goes wrong. rates: share of sales by kind of fault; exact: natural keys by kind.

    offline: shops that cannot reach the hub for a while. erp_down: when the ERP answers nothing.
    """

    rates: dict[FaultKind, float] = field(default_factory=dict)
    exact: dict[FaultKind, frozenset[str]] = field(default_factory=dict)
    offline: tuple[Window, ...] = ()
    erp_down: tuple[Window, ...] = ()


NO_FAULTS = FaultPlan()


@dataclass(slots=True)
class Delivery:
    """One thing a shop hands over. cut: where a malformed copy ends, as a share of its length."""

    kind: DeliveryKind
    fact: Fact
    outcome: Outcome
    fault: FaultKind | None = None
    cut: float = 1.0

    def body(self) -> bytes:
        """Return the bytes of one document; a malformed one is cut off in the middle."""
        document = BRANDS[self.fact.store.system].render(self.fact)
        if self.kind != "malformed":
            return document
        first_row = document.find(b"\r\n")
        end = first_row if first_row > 0 else len(document)
        return document[: max(1, int(end * self.cut))]


def deliveries(plan: ChainPlan, faults: FaultPlan = NO_FAULTS) -> Iterator[Delivery]:
    """Yield everything the shops hand over, in order; the extra copies follow their original."""
    rng = Random(f"{plan.seed}:faults")
    late: list[tuple[int, int, Delivery]] = []
    for turn, fact in enumerate(chain_facts(plan)):
        while late and late[0][0] <= turn:
            yield heapq.heappop(late)[2]
        fault = _fault_of(rng, fact, faults)
        if fault == "unknown_tender" and isinstance(fact, Receipt):
            yield unknown_tender(fact)
            continue
        if fault == "malformed":
            cut = rng.uniform(0.3, 0.7)
            yield Delivery("malformed", fact, "refused", fault, cut)
        yield Delivery("message", fact, "accepted")
        if fault in {"duplicate", "conflict"}:
            copy = again(fact) if fault == "duplicate" else conflict(fact)
            heapq.heappush(late, (turn + rng.randint(1, LONGEST_LAG), turn, copy))
    while late:
        yield heapq.heappop(late)[2]


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


def window_times(window: Window, plan: ChainPlan) -> tuple[datetime, datetime]:
    """Return begin and end of a window in the simulated time."""
    begin = datetime.combine(plan.first_day, time()) + timedelta(seconds=window.start_second)
    return begin, begin + timedelta(seconds=window.seconds)


def may_carry(fault: FaultKind, fact: Fact) -> bool:
    """Say whether a fact can have this fault: only plain sales with money in them."""
    if not isinstance(fact, Receipt) or fact.kind != "sale" or not fact.tenders:
        return False
    if fault == "conflict":
        return fact.grand > 0 and any(
            line.kind == "sale" and not line.voided for line in fact.lines
        )
    return True


def _fault_of(rng: Random, fact: Fact, faults: FaultPlan) -> FaultKind | None:
    """Choose at most one fault; the exact lists come before chance."""
    if not faults.rates and not faults.exact:
        return None
    key = fact.natural_key
    for fault, keys in faults.exact.items():
        if key in keys and may_carry(fault, fact):
            return fault
    chance = rng.random()
    for fault, rate in faults.rates.items():
        if chance < rate:
            return fault if may_carry(fault, fact) else None
        chance -= rate
    return None

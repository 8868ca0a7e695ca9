"""Which registers lose their counter, and whose clock is wrong: drawn before the story begins.

A share above zero always befalls at least one register, so that a small chain shows it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from random import Random

import msgspec

from tillway.simulator.fault_plan import FaultKind, FaultPlan
from tillway.simulator.plan import ChainPlan

EARLIEST_RESET_SECOND = 11 * 3600
LATEST_RESET_SECOND = 17 * 3600
WRONG_HOURS = (-9, -5, -2, 2, 5, 9)

RegisterName = tuple[str, str]
"""Shop and till."""


class Reset(msgspec.Struct, frozen=True):
    """When the counter of a register starts again at 1; second is since midnight of that day."""

    day: date
    second: int


def counter_resets(plan: ChainPlan, faults: FaultPlan) -> Mapping[RegisterName, Reset]:
    """Return the registers whose counter starts again, in the middle of a business day."""
    rng = Random(f"{plan.seed}:counter_reset")
    registers, dates = _registers(plan), plan.dates()
    drawn = _drawn(rng, "counter_reset", registers, faults)
    return {
        registers[place]: Reset(
            rng.choice(dates), rng.randrange(EARLIEST_RESET_SECOND, LATEST_RESET_SECOND)
        )
        for place in drawn
    }


def clock_skews(plan: ChainPlan, faults: FaultPlan) -> Mapping[tuple[RegisterName, date], int]:
    """Return by how many hours a register's clock is wrong on which business day."""
    rng = Random(f"{plan.seed}:clock_skew")
    days = [(register, day) for register in _registers(plan) for day in plan.dates()]
    drawn = _drawn(rng, "clock_skew", [register for register, _ in days], faults)
    return {days[place]: rng.choice(WRONG_HOURS) for place in drawn}


def _registers(plan: ChainPlan) -> list[RegisterName]:
    return [(store.business_unit_id, till) for store in plan.store_plans() for till in store.tills]


def _drawn(
    rng: Random, kind: FaultKind, registers: list[RegisterName], faults: FaultPlan
) -> list[int]:
    """Return the places of those the fault befalls, in order."""
    named = faults.exact.get(kind, frozenset())
    places, rate = range(len(registers)), faults.rates.get(kind, 0.0)
    count = min(len(places), max(1, round(rate * len(places)))) if rate else 0
    drawn = set(rng.sample(places, count))
    return [place for place in places if place in drawn or ":".join(registers[place]) in named]

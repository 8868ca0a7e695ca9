"""Which numbers a register gave last before its counter started again: none of them may get lost.

Nobody could see that one is missing, because nothing lies between two runs of a counter. Only the
shops with such a register are told ahead, and only until their counters have started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tillway.simulator.plan import ChainPlan, StorePlan
from tillway.simulator.register_faults import RegisterName, Reset
from tillway.simulator.store_day import Shop


def run_ends(plan: ChainPlan, resets: Mapping[RegisterName, Reset]) -> frozenset[str]:
    """Return the natural keys of the last numbers before a reset."""
    ends: set[str] = set()
    for store, sales in plan.shares():
        here = {till: one for (shop, till), one in resets.items() if shop == store.business_unit_id}
        if here:
            ends |= _ends_of(plan, store, sales, here)
    return frozenset(ends)


def _ends_of(
    plan: ChainPlan, store: StorePlan, sales: Sequence[int], resets: Mapping[str, Reset]
) -> set[str]:
    last: dict[str, str] = {}
    waiting = set(resets)
    for fact in Shop(plan.seed, store, resets).days(plan.dates(), sales):
        if fact.number is None or fact.till not in waiting:
            continue
        if fact.epoch:
            waiting.remove(fact.till)
        else:
            last[fact.till] = fact.natural_key
        if not waiting:
            break
    return set(last.values())

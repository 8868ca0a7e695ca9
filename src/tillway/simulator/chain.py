"""The whole chain as one stream: every shop's story, merged in order of time.

It is a generator and holds one fact for each shop, so a million receipts need no memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime

from tillway.simulator.facts import Fact
from tillway.simulator.plan import ChainPlan, StorePlan
from tillway.simulator.register_faults import RegisterName, Reset
from tillway.simulator.store_day import Shop

NO_RESETS: Mapping[RegisterName, Reset] = {}


def chain_facts(
    plan: ChainPlan, resets: Mapping[RegisterName, Reset] = NO_RESETS
) -> Iterator[Fact]:
    """Yield every fact of the plan; equal times keep the order of the shops.

    Times are local to each shop, as if all shops stood in one zone: a simulated chain trades
    side by side, which is what a demo and a benchmark want. resets: when a register's counter
    starts again at 1.
    """
    dates = plan.dates()
    stories = [
        Shop(plan.seed, store, _resets_of(store, resets)).days(dates, sales)
        for store, sales in plan.shares()
    ]
    return heapq.merge(*stories, key=_moment)


def _resets_of(store: StorePlan, resets: Mapping[RegisterName, Reset]) -> dict[str, Reset]:
    return {till: one for (shop, till), one in resets.items() if shop == store.business_unit_id}


def _moment(fact: Fact) -> datetime:
    return fact.end

"""The whole chain as one stream: every shop's story, merged in order of time.

It is a generator and holds one fact for each shop, so a million receipts need no memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from tillway.simulator.facts import Fact
from tillway.simulator.plan import ChainPlan
from tillway.simulator.store_day import Shop


def chain_facts(plan: ChainPlan) -> Iterator[Fact]:
    """Yield every fact of the plan; equal times keep the order of the shops.

    Times are local to each shop, as if all shops stood in one zone: a simulated chain trades
    side by side, which is what a demo and a benchmark want.
    """
    dates = plan.dates()
    stories = [Shop(plan.seed, store).days(dates, sales) for store, sales in plan.shares()]
    return heapq.merge(*stories, key=_moment)


def _moment(fact: Fact) -> datetime:
    return fact.end

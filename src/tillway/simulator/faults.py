"""Everything that is handed over in a chain with faults, in the order in which it goes out.

Shops hand over what `trouble` makes of their day; acquirer and bank, where the plan has them, tell
their side the morning after. Whatever comes after the close of its own day is late, whatever made
it so.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import date, datetime

from tillway.simulator.chain import chain_facts
from tillway.simulator.delivery import Delivery
from tillway.simulator.expected import card_references, of_fact
from tillway.simulator.facts import DayClose
from tillway.simulator.fault_plan import NO_FAULTS, FaultPlan
from tillway.simulator.finance_faults import MoneyOffice
from tillway.simulator.plan import ChainPlan
from tillway.simulator.trouble import Trouble


def deliveries(plan: ChainPlan, faults: FaultPlan = NO_FAULTS) -> Iterator[Delivery]:
    """Yield everything that is handed over, in the order in which it goes out.

    A number or a record that gets lost is yielded too, as a delivery of kind `missing`.
    """
    trouble, late = Trouble(plan, faults), _Late()
    office = MoneyOffice(plan, faults) if plan.finance else None
    last = datetime.min  # noqa: DTZ901 - shop time, replaced by the first fact
    for fact in chain_facts(plan, trouble.resets):
        if office is not None:
            yield from _morning(office, fact.day)
            office.see(fact)
        for delivery in trouble.postponed.due(fact):
            yield late.judged(delivery)
        for delivery in trouble.happens(fact):
            delivery.at = fact.end
            told_wrong = delivery.fault == "altered" or delivery.outcome == "missing"
            if office is not None and told_wrong:
                office.unseen(card_references(delivery.fact))
            yield late.judged(delivery)
        last = fact.end
    mornings = _morning(office, None) if office is not None else iter(())
    for delivery in heapq.merge(trouble.postponed.rest(last), mornings, key=_moment):
        yield late.judged(delivery)


class _Late:
    """Knows which days are closed, and so what is late."""

    def __init__(self) -> None:
        self._closed: set[tuple[str, date]] = set()

    def judged(self, delivery: Delivery) -> Delivery:
        """Return the delivery; one of a closed day must be found late."""
        fact = delivery.fact
        day = (fact.store.business_unit_id, fact.day)
        if delivery.kind != "message" or delivery.outcome != "accepted":
            return delivery
        if fact.number is not None and day in self._closed:
            delivery.findings += (of_fact("LATE_TRANSACTION", fact),)
        if isinstance(fact, DayClose):
            self._closed.add(day)
        return delivery


def _morning(office: MoneyOffice, new_day: date | None) -> Iterator[Delivery]:
    for told, fault, detail, findings in office.morning(new_day):
        delivery = Delivery("message", told, "accepted", fault, detail=detail, findings=findings)
        delivery.at = told.end
        yield delivery


def _moment(delivery: Delivery) -> datetime:
    return delivery.moment

"""Which day records, payouts and deposits go wrong: drawn from their names alone.

So one fault can be told ahead of another: whether a close record will get lost is known when a sale
of that day gets lost, and the order in which things happen changes no draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from tillway.simulator.fault_plan import FaultKind, FaultPlan
from tillway.simulator.plan import ChainPlan, StorePlan

CLOSE_FAULTS: tuple[FaultKind, ...] = ("missing_close", "close_count")
PAYOUT_FAULTS: tuple[FaultKind, ...] = ("payment_missing", "payment_unknown", "payout_off")
DEPOSIT_FAULTS: tuple[FaultKind, ...] = ("deposit_off", "deposit_missing")


class RecordFaults:
    """Draws by name; the exact lists of the plan come before chance."""

    def __init__(self, plan: ChainPlan, faults: FaultPlan) -> None:
        self._seed = plan.seed
        self._faults = faults

    def of_close(self, store: StorePlan, day: date) -> FaultKind | None:
        """Return what befalls a day's close record; a numbered one is never lost.

        Losing a number is a fault of its own, which has a name already.
        """
        name = f"{store.business_unit_id}:{day.isoformat()}"
        drawn = self._drawn(name, CLOSE_FAULTS)
        return None if drawn == "missing_close" and _numbered(store) else drawn

    def loses_count(self, store: StorePlan, till: str, day: date) -> bool:
        """Say whether a till's settlement never arrives, if the till traded."""
        name = f"{store.business_unit_id}:{till}:{day:%Y%m%d}-{till}"
        return not _numbered(store) and self._drawn(name, ("missing_count",)) is not None

    def of_payout(self, payout_id: str) -> FaultKind | None:
        """Return what befalls a payout."""
        return self._drawn(payout_id, PAYOUT_FAULTS)

    def of_deposit(self, reference: str) -> FaultKind | None:
        """Return what befalls a cash deposit at the bank."""
        return self._drawn(reference, DEPOSIT_FAULTS)

    def chance(self, name: str) -> Random:
        """Return the stream of chance of one name, for the details of its fault."""
        return Random(f"{self._seed}:{name}:detail")

    def _drawn(self, name: str, kinds: Sequence[FaultKind]) -> FaultKind | None:
        faults = self._faults
        for kind in kinds:
            if name in faults.exact.get(kind, frozenset()):
                return kind
        rates = [(kind, faults.rates[kind]) for kind in kinds if kind in faults.rates]
        if not rates:
            return None
        left = Random(f"{self._seed}:{name}").random()
        for kind, rate in rates:
            if left < rate:
                return kind
            left -= rate
        return None


def _numbered(store: StorePlan) -> bool:
    return store.habits.numbers_day_records

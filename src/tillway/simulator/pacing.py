"""How fast a chain is played: the day curve pressed into seconds, or as fast as it goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

import msgspec

from tillway.simulator.day_curve import CLOSING_SECOND, OPENING_SECOND
from tillway.simulator.fault_plan import FaultPlan, Window, window_times
from tillway.simulator.plan import ChainPlan

_TRADING_SECONDS = CLOSING_SECOND - OPENING_SECOND


class Pace(msgspec.Struct, frozen=True):
    """sales_per_second is the mean over the day, 0 for as fast as possible.

    post_batch: documents in one POST. file_batch: documents in one file. linger_seconds: how long a
    shop collects before it hands over.
    """

    sales_per_second: float = 0.0
    post_batch: int = 100
    file_batch: int = 500
    linger_seconds: float = 0.0


LIVE_LINGER_SECONDS = 0.4


def live_pace(sales_per_second: float) -> Pace:
    """Return the pace of a demo: single posts, small files."""
    return Pace(sales_per_second, post_batch=1, file_batch=50, linger_seconds=LIVE_LINGER_SECONDS)


def due_second(moment: datetime, plan: ChainPlan, pace: Pace) -> float:
    """Return when something is due, in seconds after the start.

    Nights take no time, nor do days after the last one: what is late then goes out at the end.
    """
    if not pace.sales_per_second:
        return 0.0
    second = (moment - datetime.combine(moment.date(), time())).total_seconds() - OPENING_SECOND
    traded = (moment.date() - plan.first_day).days * _TRADING_SECONDS + min(
        max(0.0, second), _TRADING_SECONDS
    )
    seconds_in_all = plan.sales / pace.sales_per_second
    return min(traded / (plan.days * _TRADING_SECONDS), 1.0) * seconds_in_all


class WindowSwitch:
    """Tells which windows of time have begun or ended since it was last asked."""

    def __init__(self, plan: ChainPlan, faults: FaultPlan) -> None:
        self._coming: list[tuple[datetime, int, Window, bool]] = []
        for at, window in enumerate((*faults.offline, *faults.erp_down)):
            begin, end = window_times(window, plan)
            self._coming += [(begin, at, window, True), (end, at, window, False)]
        self._coming.sort(key=lambda coming: (coming[0], coming[1]))

    def passed(self, moment: datetime | None) -> Iterator[tuple[Window, bool]]:
        """Yield (window, begins) up to a moment; None ends everything that has begun."""
        while self._coming and (moment is None or self._coming[0][0] <= moment):
            _, _, window, begins = self._coming.pop(0)
            if moment is not None or not begins:
                yield window, begins
